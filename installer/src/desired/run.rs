//! One run over a graph: hands out what is ready, is told the answers, and knows when all is done.

use std::collections::{BTreeMap, BTreeSet};

use super::{Answer, Call, Change, Graph, Outcome, Request, Resource, Seen, Task, diff};

/// Times that a request is handed out before its resource has failed.
pub const ATTEMPTS: u32 = 8;

#[derive(Clone, Debug, PartialEq)]
enum State {
    Waiting,
    /// A call is to be made, or is being made.
    Asking {
        call: Call,
        attempt: u32,
        sent: bool,
        changed: bool,
    },
    Done(Outcome),
}

/// One run.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    graph: &'a Graph,
    owner: String,
    task: Task,
    states: BTreeMap<String, State>,
}

impl<'a> Run<'a> {
    /// A run over `graph` on behalf of `owner`.
    pub fn new(graph: &'a Graph, owner: &str, task: Task) -> Self {
        let states = graph.iter().map(|resource| (resource.id.clone(), State::Waiting)).collect();
        Self { graph, owner: owner.to_owned(), task, states }
    }

    /// Every request that can be made now and was not handed out yet. All of them may be made at once.
    pub fn ready(&mut self) -> Vec<Request> {
        let ids: Vec<_> = self.graph.iter().map(|resource| resource.id.clone()).collect();
        let mut requests = Vec::new();
        for id in ids {
            if self.states.get(&id) == Some(&State::Waiting) {
                self.begin(&id);
            }
            if let Some(State::Asking { call, attempt, sent, .. }) = self.states.get_mut(&id)
                && !*sent
            {
                *sent = true;
                requests.push(Request { id, call: call.clone(), attempt: *attempt });
            }
        }
        requests
    }

    /// Tells what came of the request that is out for `id`. An answer that nobody waits for is not looked at.
    pub fn answer(&mut self, id: &str, answer: Answer) {
        let Some(State::Asking { call, attempt, sent: true, changed }) = self.states.get(id).cloned() else {
            return;
        };
        let ask = |call, attempt, changed| State::Asking { call, attempt, sent: false, changed };
        let next = match answer {
            // A read goes with each attempt at a change, so that one that was carried out is seen and not repeated.
            Answer::Later(why) if attempt >= ATTEMPTS => {
                State::Done(Outcome::Failed(format!("{why}, {attempt} times")))
            }
            Answer::Later(_) => ask(Call::Read, attempt + 1, changed || call.mutates()),
            Answer::Never(why) => State::Done(Outcome::Failed(why)),
            Answer::Taken if attempt >= ATTEMPTS => {
                State::Done(Outcome::Failed(format!("taken {attempt} times and not there")))
            }
            Answer::Taken => ask(Call::Read, attempt + 1, true),
            Answer::Pending => ask(Call::Read, attempt, changed),
            Answer::Seen(seen) => self.seen(id, &seen, attempt, changed),
        };
        self.states.insert(id.to_owned(), next);
    }

    /// How `id` ended, once it did.
    pub fn outcome(&self, id: &str) -> Option<&Outcome> {
        match self.states.get(id) {
            Some(State::Done(outcome)) => Some(outcome),
            Some(State::Waiting | State::Asking { .. }) | None => None,
        }
    }

    /// How each resource ended; `None` while the run goes on.
    pub fn outcomes(&self) -> Option<BTreeMap<&str, &Outcome>> {
        self.states
            .iter()
            .map(|(id, state)| match state {
                State::Done(outcome) => Some((id.as_str(), outcome)),
                State::Waiting | State::Asking { .. } => None,
            })
            .collect()
    }

    /// Begins with `id` if what comes before it is done, and gives it up if that failed.
    fn begin(&mut self, id: &str) {
        let removed = self.graph.get(id).is_some_and(|resource| self.removes(resource));
        let before: BTreeSet<String> = if removed {
            // What needs it goes first.
            self.graph.needed_by(id).map(|resource| resource.id.clone()).collect()
        } else {
            let resource = self.graph.get(id);
            resource.map(|found| found.needs.union(&found.replaces).cloned().collect()).unwrap_or_default()
        };
        for other in &before {
            match self.states.get(other) {
                Some(State::Done(outcome)) if outcome.good() => {}
                // Others' things are in the way of nobody's removal but their own.
                Some(State::Done(Outcome::Left(_))) if removed => {}
                Some(State::Done(_)) => {
                    let why = Outcome::Skipped(other.clone());
                    self.states.insert(id.to_owned(), State::Done(why));
                    return;
                }
                Some(State::Waiting | State::Asking { .. }) | None => return,
            }
        }
        let read = State::Asking { call: Call::Read, attempt: 1, sent: false, changed: false };
        self.states.insert(id.to_owned(), read);
    }

    fn removes(&self, resource: &Resource) -> bool {
        self.task == Task::Destroy || !resource.wanted
    }

    fn seen(&self, id: &str, seen: &Seen, attempt: u32, changed: bool) -> State {
        let Some(resource) = self.graph.get(id) else {
            return State::Done(Outcome::Failed("not in the graph".to_owned()));
        };
        let done = State::Done(if changed { Outcome::Changed } else { Outcome::Unchanged });
        let ask = |call| State::Asking { call, attempt, sent: false, changed };
        if self.removes(resource) {
            return match seen {
                Seen::Absent => done,
                Seen::Present { owner, .. } if owner.as_deref() == Some(self.owner.as_str()) => {
                    ask(Call::Delete)
                }
                // Nobody asked for it, and nobody has to be told of it.
                Seen::Present { .. } if !resource.wanted => done,
                Seen::Present { .. } => State::Done(Outcome::Left(format!("{id} is not ours"))),
            };
        }
        match diff(resource, seen, &self.owner) {
            Change::Nothing => done,
            Change::Create => ask(Call::Create(resource.desired.clone())),
            Change::Update { .. } => ask(Call::Update(resource.desired.clone())),
            Change::Delete => ask(Call::Delete),
            Change::Refuse { reason } => State::Done(Outcome::Left(reason)),
        }
    }
}
