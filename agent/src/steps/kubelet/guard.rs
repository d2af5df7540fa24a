//! What stands between the beginning of a run and its end: the taint or the halt of a node whose boot failed, put up
//! before anything is tried. The step itself takes it down.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::plan::{self, HALT, Wanted};
use super::told::NOT_READY;
use crate::context::Context;
use crate::os::{FileSpec, Os};
use crate::step::{Failure, StepId};
use crate::steps::systemd;

/// What the halt says as long as nothing else is known.
const UNFINISHED: &str = "the run that prepares this node has not come to its end";

/// How long a kubelet has run that is taken for one that has joined. One that waits for its configuration, as
/// kubeadm's does, ends and is started again every 10 s.
const SETTLED: Duration = Duration::from_secs(60);

/// Puts up the guard that `onFailure` asks for, on disk and in systemd when this returns, and says whether there is
/// one. With `join` there is none; a taint needs a kubelet that can be told.
pub(crate) fn guard(cx: &Context, os: &Os) -> Result<bool, Failure> {
    let (machine, wanted) = super::observed(cx, os, &mut Vec::new())?;
    let wanted = Wanted { troubles: vec![UNFINISHED.to_owned()], ..wanted };
    let files = plan::guard(&machine, &wanted);
    let missing: Vec<_> = files.iter().filter(|file| !stands_already(cx, os, file)).collect();
    let is_unit = |file: &&FileSpec| file.path.starts_with("/etc/systemd");
    let new_units = missing.iter().copied().any(|file| is_unit(&file));
    if new_units {
        systemd::about_to_change(os, StepId::Kubelet)?;
    }
    for file in missing {
        os.write(file)?;
    }
    if new_units || (systemd::is_behind(os, StepId::Kubelet) && files.iter().any(|file| is_unit(&file))) {
        systemd::reload(os, StepId::Kubelet)?;
    }
    Ok(!files.is_empty())
}

/// What stands already is left: a halt with its cause, and, as long as the facts are not known, a taint beside labels
/// that may need them.
fn stands_already(cx: &Context, os: &Os, file: &FileSpec) -> bool {
    let now = || os.root().read_text(&file.path).ok().flatten().unwrap_or_default();
    if file.path == Path::new(HALT) {
        return os.root().exists(HALT);
    }
    os.matches(file)
        || (cx.facts().is_none() && file.content.contains(NOT_READY) && now().contains(NOT_READY))
}

/// Whether the kubelet has run for so long that it has joined: then a guard comes too late, and a halt would only keep
/// it from being started again.
pub(crate) fn has_joined(os: &Os) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let since = systemd::running_since(os, "kubelet.service").ok().flatten();
    since.is_some_and(|since| Duration::from_secs(since) + SETTLED <= now)
}
