//! `installer verify`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::live::{Live, LiveArgs};
use super::status::{State, states};
use super::talk::{UNKNOWN, asked_in_vain, block_on, say};
use super::{Stop, out};
use crate::aws::Recorder;
use crate::carry_out;
use crate::exit::Exit;

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
        while live.unknown.is_none() && states(&live).iter().any(wrong) && Instant::now() < end {
            tokio::time::sleep(BETWEEN.min(end.saturating_duration_since(Instant::now()))).await;
            let looks = carry_out::look(&live.door, &live.things).await;
            live.looks = looks.map_err(|failure| asked_in_vain(&failure))?;
        }
        tell(&live, args.live.json)
    })
}

fn wrong(state: &State) -> bool {
    state.word != "ok"
}

/// What is wrong, and nothing else.
fn tell(live: &Live, json: bool) -> Result<(), Stop> {
    let (states, unknown) = (states(live), live.unknown.as_deref());
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
