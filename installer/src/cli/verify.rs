//! `installer verify`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::live::{Live, LiveArgs};
use super::status::{State, states};
use super::talk::{UNKNOWN, asked_in_vain, block_on, say};
use super::{Stop, out};
use crate::aws::Recorder;
use crate::carry_out;
use crate::daemonset;
use crate::exit::Exit;

/// Nodes that are named.
const NAMED: usize = 5;
/// Between looks, where somebody waits.
const BETWEEN: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    live: LiveArgs,
    /// Look again for so many minutes, until everything is as it must be: apply waits for no pods
    #[arg(long, value_name = "MINUTES", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=120))]
    wait: u64,
}

pub(super) fn run(args: &VerifyArgs) -> Result<(), Stop> {
    block_on(async {
        let end = Instant::now() + Duration::from_secs(args.wait * 60);
        let mut live = Live::find(&args.live, Recorder::looking()).await?;
        let mut found = all(&live).await?;
        while live.unknown.is_none() && found.iter().any(wrong) && Instant::now() < end {
            tokio::time::sleep(BETWEEN.min(end.saturating_duration_since(Instant::now()))).await;
            let looks = carry_out::look(&live.door, &live.things).await;
            live.looks = looks.map_err(|failure| asked_in_vain(&failure))?;
            found = all(&live).await?;
        }
        tell(&live, &found, args.live.json)
    })
}

fn wrong(state: &State) -> bool {
    state.word != "ok"
}

/// How each thing is, and whether our DaemonSet is where it must be.
async fn all(live: &Live) -> Result<Vec<State>, Stop> {
    let mut states = states(live);
    let client = live.door.kubernetes.as_ref().filter(|_| live.settings.install_gpunode_daemonset);
    if let Some(client) = client.filter(|_| live.unknown.is_none()) {
        let found = daemonset::unwatched(client).await.map_err(|failure| asked_in_vain(&failure))?;
        states.extend(unwatched(&found));
    }
    Ok(states)
}

/// What is said of nodes without a pod of it that is ready.
fn unwatched((nodes, names): &(usize, Vec<String>)) -> Option<State> {
    let (count, shown) = (names.len(), names[..names.len().min(NAMED)].join(", "));
    let more = if count > NAMED { ", …" } else { "" };
    let note = format!("{count} of {nodes} have no {} that is ready: {shown}{more}", daemonset::NAME);
    (count > 0).then(|| State::sick("kubernetes/Node", "GPU nodes", note))
}

/// What is wrong, and nothing else.
fn tell(live: &Live, states: &[State], json: bool) -> Result<(), Stop> {
    let unknown = live.unknown.as_deref();
    let found: Vec<_> = states.iter().filter(|state| wrong(state)).collect();
    if json {
        let all: Vec<Value> = found.iter().map(|state| state.value()).collect();
        let fine = found.is_empty() && unknown.is_none();
        out(live.document("verify", json!({ "fine": fine, "looked": states.len(), "wrong": all })));
    }
    say(json, live.title());
    for state in &found {
        say(json, state.line());
    }
    if let Some(why) = unknown {
        say(json, format_args!("{UNKNOWN}: {why}"));
    }
    say(json, format_args!("{} of {} as they must be", states.len() - found.len(), states.len()));
    match (unknown, found.is_empty()) {
        (Some(_), _) => Err(Exit::Aws),
        (None, false) => Err(Exit::Differs),
        (None, true) => Ok(()),
    }
}
