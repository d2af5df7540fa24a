//! `installer doctor`.

mod examine;

use gpunode_host::spec::Errors;
use serde_json::json;

use super::live::LiveArgs;
use super::talk::{block_on, say};
use super::{Stop, out};
use crate::aws::{Door, Recorder};
use crate::doctor::{self, Finding, Level};
use crate::exit::Exit;
use crate::settings::Loaded;

use examine::examine;

#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    live: LiveArgs,
}

pub(super) fn run(args: &DoctorArgs) -> Result<(), Stop> {
    block_on(async {
        let loaded = match args.live.common.try_load()? {
            Ok(loaded) => loaded,
            Err((errors, there)) => {
                tell(args, None, &mistakes(&errors, there));
                return Err(Exit::Settings);
            }
        };
        let settings = &loaded.settings;
        let door = Door::open(&settings.aws_region, args.live.profile.as_deref(), Recorder::looking()).await;
        let findings = Box::pin(examine(args, &loaded, door.clone())).await;
        tell(args, Some((&loaded, &door)), &findings);
        match findings.iter().map(|finding| finding.level).max() {
            Some(Level::Error) => Err(Exit::Differs),
            Some(Level::Unknown) => Err(Exit::Aws),
            Some(Level::Warning | Level::Ok) | None => Ok(()),
        }
    })
}

/// Without settings nobody knows which cluster is meant.
fn mistakes(errors: &Errors, there: bool) -> Vec<Finding> {
    let advice =
        if there { "installer config check" } else { "installer init writes a file with every setting" };
    let each = |mistake: &gpunode_host::spec::Mistake| Finding::error("settings", mistake, advice);
    let mut findings: Vec<_> = errors.mistakes.iter().map(each).collect();
    if errors.more > 0 {
        findings.push(Finding::error("settings", format_args!("and {} more", errors.more), advice));
    }
    findings.push(Finding::unknown("everything else", "the settings do not say which cluster is meant"));
    findings
}

fn tell(args: &DoctorArgs, about: Option<(&Loaded, &Door)>, findings: &[Finding]) {
    let count = |level: Level| findings.iter().filter(|finding| finding.level == level).count();
    let (errors, warnings, unknown) = (count(Level::Error), count(Level::Warning), count(Level::Unknown));
    if args.live.json {
        let mut document = json!({
            "apiVersion": "gpunode.io/installer-doctor/v1",
            "fine": errors == 0 && unknown == 0,
            "counts": { "error": errors, "warning": warnings, "unknown": unknown, "ok": count(Level::Ok) },
            "findings": findings,
        });
        if let Some((loaded, door)) = about {
            document["cluster"] = loaded.settings.cluster_name.as_str().into();
            document["region"] = loaded.settings.aws_region.as_str().into();
            let (reads, writes) = door.recorder().calls();
            document["calls"] = json!({ "reading": reads, "mutating": writes });
        }
        out(document);
        return;
    }
    say(false, doctor::table(findings).trim_end());
    say(false, format_args!("{errors} errors, {warnings} warnings, {unknown} could not be told"));
}
