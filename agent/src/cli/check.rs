//! `gpunode-agent check`

use std::time::{Duration, Instant};

use clap::Args;
use gpunode_host::health::report::{Report, Verdict};
use gpunode_monitor::Once;

use super::{Common, Stop};
use crate::apart::Apart;
use crate::exit::{CHECK_TABLE, Exit};
use crate::look::Target;
use crate::view::Paint;
use crate::{apart, view};

#[derive(Debug, Args)]
#[command(after_help = CHECK_TABLE)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    look: LookArgs,
    /// Print the report as JSON, in the form gpunode.io/check/v1 (`reference check-schema`)
    #[arg(long)]
    json: bool,
    /// Show every column and every source
    #[arg(long, short)]
    verbose: bool,
}

/// What one look takes.
#[derive(Debug, Args)]
pub(super) struct LookArgs {
    #[command(flatten)]
    common: Common,
    /// Whatever hangs, end within this many seconds; with fewer than 8, what is slow is told as silent and not as sick
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=600))]
    deadline: u16,
    /// See [`crate::apart`].
    #[arg(long, value_enum, hide = true)]
    apart: Option<Apart>,
}

impl LookArgs {
    /// One look at the machine, in a process of its own: `tell` makes the text and the exit code of the report there.
    pub(super) fn run(&self, tell: impl FnOnce(&Report, Paint) -> (String, Exit)) -> Result<Exit, Stop> {
        let Some(apart) = self.apart else {
            return apart::ask(Duration::from_secs(self.deadline.into()));
        };
        let (text, exit) = tell(&self.report()?, apart.paint());
        apart::tell(&text, exit)
    }

    fn report(&self) -> Result<Report, Stop> {
        let began = Instant::now();
        let deadline = Duration::from_secs(self.deadline.into());
        let local = self.common.load()?;
        let target = Target::find(self.common.root(), &local.spec, deadline);
        let looked =
            gpunode_monitor::look(&target.settings, &Once::new(deadline.saturating_sub(began.elapsed())));
        Ok(target.report(&looked.health, &looked.sources))
    }
}

pub(super) fn run(args: &CheckArgs) -> Result<Exit, Stop> {
    args.look.run(|report, paint| {
        let text = if args.json {
            serde_json::to_string_pretty(report).unwrap_or_default()
        } else {
            view::full(report, args.verbose, paint)
        };
        (text, exit(report.verdict))
    })
}

fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Healthy => Exit::Ok,
        Verdict::Degraded => Exit::Warnings,
        Verdict::Unhealthy => Exit::Errors,
        Verdict::Unknown => Exit::CouldNotTell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_verdict_has_its_code() {
        let all = [Verdict::Healthy, Verdict::Degraded, Verdict::Unhealthy, Verdict::Unknown];
        assert_eq!(all.map(|verdict| exit(verdict).code()), [0, 1, 2, 3]);
    }
}
