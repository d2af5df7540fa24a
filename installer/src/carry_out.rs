//! Makes the calls that the engine asks for: several at once, with waits that grow between attempts.

mod pace;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, FuturesUnordered};

use crate::aws::{Door, Failure, Meaning, with_resource};
use crate::desired::{ATTEMPTS, Answer, Call, Graph, Outcome, Request, Run, Seen, Task};
use crate::things::{Look, Things};

use pace::Pace;

/// Requests that are out at the same time: enough to hide the way to AWS, few enough for the limits of IAM.
const AT_ONCE: usize = 8;

/// For a look by itself.
const EACH: Duration = Duration::from_secs(20);

/// What happens, for whoever shows it.
#[derive(Debug)]
pub enum Event<'a> {
    /// A call is made.
    Asked(&'a str, &'a Call),
    /// A call has to be made again, and why.
    Again(&'a str, &'a str),
    /// Somebody waits for this status to end.
    Waiting(&'a str, &'a str),
    /// This is how it ended.
    Ended(&'a str, &'a Outcome),
}

/// Looks again where AWS is only in trouble, as often as the engine tries a call.
pub async fn patiently<T>(look: impl AsyncFn() -> Result<T, Failure>) -> Result<T, Failure> {
    let mut pace = Pace::default();
    loop {
        match look().await {
            Err(failure) if failure.meaning != Meaning::Never && pace.failures() < ATTEMPTS => {
                tokio::time::sleep(pace.after_failure()).await;
            }
            done => return done,
        }
    }
}

/// What everything is now, by id.
pub async fn look(door: &Door, things: &Things) -> Result<BTreeMap<String, Look>, Failure> {
    let looks = things.iter().map(|(id, thing)| async move {
        // What went away between two calls about it is absent at the next look.
        let look = patiently(|| thing.look(door));
        Ok((id.clone(), with_resource(id, look).await?))
    });
    let mut found = BTreeMap::new();
    let mut looks = stream::iter(looks).buffer_unordered(AT_ONCE);
    while let Some(look) = looks.next().await {
        found.extend([look?]);
    }
    Ok(found)
}

/// What each is now, or why nobody knows: one that cannot be looked at is in nobody's way.
pub async fn look_each(door: &Door, things: &Things) -> BTreeMap<String, Result<Look, String>> {
    let looks = things.iter().map(|(id, thing)| async move {
        let look = with_resource(id, thing.look(door));
        let look = match tokio::time::timeout(EACH, look).await {
            Ok(look) => look.map_err(|failure| failure.to_string()),
            Err(_) => Err(format!("no answer within {} s", EACH.as_secs())),
        };
        (id.clone(), look)
    });
    stream::iter(looks).buffer_unordered(AT_ONCE).collect().await
}

/// What came of a request.
struct Reply {
    id: String,
    answer: Answer,
    /// The status that it waits for.
    status: Option<String>,
}

/// Carries out `task` on behalf of `owner` and says how each thing ended.
pub async fn carry_out(
    door: &Door,
    things: &Things,
    graph: &Graph,
    task: Task,
    owner: &str,
    tell: &mut dyn FnMut(Event<'_>),
) -> BTreeMap<String, Outcome> {
    let mut run = Run::new(graph, owner, task);
    let mut paces: BTreeMap<String, Pace> = BTreeMap::new();
    let mut waiting = VecDeque::new();
    let mut out = FuturesUnordered::new();
    loop {
        waiting.extend(run.ready());
        while out.len() < AT_ONCE
            && let Some(request) = waiting.pop_front()
        {
            tell(Event::Asked(&request.id, &request.call));
            let wait = paces.entry(request.id.clone()).or_default().take();
            out.push(async move {
                tokio::time::sleep(wait).await;
                ask(door, things, owner, request).await
            });
        }
        let Some(Reply { id, answer, status }) = out.next().await else { break };
        let pace = paces.entry(id.clone()).or_default();
        let answer = match answer {
            Answer::Pending => {
                let status = status.unwrap_or_default();
                tell(Event::Waiting(&id, &status));
                pace.pending(&status)
            }
            Answer::Later(why) => {
                tell(Event::Again(&id, &why));
                pace.later();
                Answer::Later(why)
            }
            Answer::Taken => {
                pace.taken();
                Answer::Taken
            }
            answer => answer,
        };
        run.answer(&id, answer);
        if let Some(outcome) = run.outcome(&id) {
            tell(Event::Ended(&id, outcome));
        }
    }
    let outcomes = run.outcomes().unwrap_or_default();
    outcomes.into_iter().map(|(id, outcome)| (id.to_owned(), outcome.clone())).collect()
}

async fn ask(door: &Door, things: &Things, owner: &str, request: Request) -> Reply {
    let Request { id, call, .. } = request;
    let Some(thing) = things.get(&id) else {
        return Reply { id, answer: Answer::Never("nobody knows how to make it".to_owned()), status: None };
    };
    let taken = |result: Result<(), Failure>| {
        (result.map_or_else(|failure| refused(&failure), |()| Answer::Taken), None)
    };
    let work = async {
        match call {
            Call::Read => thing
                .look(door)
                .await
                .map_or_else(|failure| (refused(&failure), None), |look| seen(look, owner)),
            Call::Create(_) => taken(thing.create(door).await),
            Call::Update(_) => taken(thing.update(door).await),
            Call::Delete => taken(thing.delete(door).await),
        }
    };
    let (answer, status) = with_resource(&id, work).await;
    Reply { id, answer, status }
}

/// What is not there any more when it is to be changed was removed by somebody else: a look will tell.
fn refused(failure: &Failure) -> Answer {
    match failure.meaning {
        Meaning::Absent | Meaning::Later => Answer::Later(failure.to_string()),
        Meaning::Never => Answer::Never(failure.to_string()),
    }
}

/// Only what is ours is waited for.
fn seen(look: Look, owner: &str) -> (Answer, Option<String>) {
    match (&look.seen, look.pending) {
        (Seen::Present { owner: theirs, .. }, Some(status)) if theirs.as_deref() == Some(owner) => {
            (Answer::Pending, Some(status))
        }
        _ => (Answer::Seen(look.seen), None),
    }
}
