//! systemd, where it is the running init: not in an image that is being baked.

use gpunode_host::Root;

use crate::os::{Cmd, FileSpec, Os, RunError};
use crate::step::{Failure, StepId};

/// Whether systemd runs the machine that `os` is the door to (`sd_booted(3)`).
pub(crate) fn runs(os: &Os) -> bool {
    os.root().exists("/run/systemd/system") && os.has_program("systemctl")
}

/// Whether a unit's files were changed since systemd read them, for example by a run that was killed before it could
/// say so.
pub(crate) fn needs_reload(os: &Os, units: &[&str]) -> Result<bool, RunError> {
    let show = Cmd::new("systemctl")
        .args(["show", "--property=NeedDaemonReload", "--value"])
        .args(units.iter().copied());
    Ok(runs(os) && os.run(&show)?.stdout.lines().any(|line| line.trim() == "yes"))
}

/// Notes that a step is about to change unit files. A run that is killed before systemd has read them leaves the note
/// to the next one: systemd's own word, [`needs_reload`], can miss a drop-in whose folder is new, since versions
/// before 254 look for it in a cache. The note is of this boot, as what systemd has read is.
pub(crate) fn about_to_change(os: &Os, step: StepId) -> Result<(), Failure> {
    if runs(os) {
        os.write(&FileSpec::new(note(step), "systemd has not read what this step wrote\n"))?;
    }
    Ok(())
}

/// Whether systemd has yet to read what this step wrote.
pub(crate) fn is_behind(os: &Os, step: StepId) -> bool {
    os.root().exists(note(step))
}

/// Lets systemd read its units again; what this step has written it then knows.
pub(crate) fn reload(os: &Os, step: StepId) -> Result<(), Failure> {
    if runs(os) {
        os.run(&Cmd::new("systemctl").arg("daemon-reload"))?;
        os.remove(note(step))?;
    }
    Ok(())
}

/// One for each step: another's reload may have begun before this step had written.
fn note(step: StepId) -> String {
    format!("/run/gpunode/daemon-reload-{}", step.name())
}

/// When the unit's main process was started, in seconds since 1970; `None` where the unit is not active.
pub(crate) fn running_since(os: &Os, unit: &str) -> Result<Option<u64>, RunError> {
    if !runs(os) {
        return Ok(None);
    }
    let show = Cmd::new("systemctl").args([
        "show",
        "--timestamp=unix",
        "--property=ActiveState",
        "--property=ExecMainStartTimestamp",
        unit,
    ]);
    Ok(parse_running_since(&os.run(&show)?.stdout))
}

fn parse_running_since(output: &str) -> Option<u64> {
    let property = |name: &str| output.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let active = matches!(property("ActiveState")?, "active" | "activating" | "reloading");
    let start =
        property("ExecMainStartTimestamp").and_then(|text| text.trim().strip_prefix('@')?.parse().ok());
    // Active without a time that can be read: as old as can be, so that what it has not read is told, not hidden.
    active.then(|| start.unwrap_or(0))
}

/// Whether a unit of this name is installed, and not masked: a masked unit is an empty file or leads to `/dev/null`.
pub(crate) fn has_unit(root: &Root, unit: &str) -> bool {
    let folders = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
    let mut paths = folders.iter().map(|folder| format!("{folder}/{unit}"));
    let first = paths.find(|path| root.exists(path));
    first.and_then(|path| root.read(path).ok().flatten()).is_some_and(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_unit_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(dir.path());
        assert!(!has_unit(&root, "a.service"));
        for folder in ["/etc/systemd/system", "/usr/lib/systemd/system"] {
            std::fs::create_dir_all(root.at(folder)).unwrap();
        }
        std::fs::write(root.at("/usr/lib/systemd/system/a.service"), "[Service]\n").unwrap();
        assert!(has_unit(&root, "a.service"));
        std::os::unix::fs::symlink("/dev/null", root.at("/etc/systemd/system/a.service")).unwrap();
        assert!(!has_unit(&root, "a.service"));
    }

    #[test]
    fn since_when_a_unit_runs() {
        let text =
            |state: &str, start: &str| format!("ActiveState={state}\nExecMainStartTimestamp={start}\n");
        assert_eq!(parse_running_since(&text("active", "@1732158000")), Some(1_732_158_000));
        assert_eq!(parse_running_since(&text("active", "")), Some(0));
        assert_eq!(parse_running_since(&text("inactive", "@1732158000")), None);
        assert_eq!(parse_running_since(""), None);
    }
}
