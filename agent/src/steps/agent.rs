//! Step `agent`, of an image: the running program itself, its unit, and the link by which systemd starts it at boot.

use std::fs::File;
use std::io;

use gpunode_host::reason;

use super::systemd;
use crate::context::Context;
use crate::os::{FileSpec, Os};
use crate::step::{Check, Failure, Step, StepId};

/// Where it is in an image; the unit names it.
pub(crate) const BINARY: &str = "/usr/local/bin/gpunode-agent";
/// `ami/gpunode-agent.service` is the one source; `gpunode-agent unit` prints it.
pub(crate) const UNIT_TEXT: &str = include_str!("../../../ami/gpunode-agent.service");

const UNIT: &str = "/etc/systemd/system/gpunode-agent.service";
/// What `systemctl enable` makes of the unit's `WantedBy=multi-user.target`. By hand, so that it works in the tree of an
/// image that has no systemctl.
const ENABLED: &str = "/etc/systemd/system/multi-user.target.wants/gpunode-agent.service";
const ENABLED_TO: &str = "../gpunode-agent.service";

/// The step.
pub(crate) struct Agent;

impl Step for Agent {
    fn id(&self) -> StepId {
        StepId::Agent
    }

    fn check(&self, _: &Context, os: &Os) -> Result<Check, Failure> {
        let mut check = Check::done(format!("gpunode-agent {}, started at boot", env!("CARGO_PKG_VERSION")));
        let mut own = own()?;
        if !os.has_program_like(BINARY, &mut own).map_err(|error| unreadable(&error))? {
            check.changes.push(format!("install {BINARY}"));
        }
        check.changes.extend(super::files_to_write(os, &[unit()]));
        if !os.is_link(ENABLED, ENABLED_TO) {
            check.changes.push("enable gpunode-agent.service".into());
        }
        if systemd::is_behind(os, self.id()) {
            check.changes.push("let systemd read its units again".into());
        }
        Ok(check)
    }

    fn apply(&self, _: &Context, os: &Os) -> Result<(), Failure> {
        os.install_program(BINARY, &mut own()?)?;
        systemd::about_to_change(os, self.id())?;
        os.write(&unit())?;
        os.link(ENABLED, ENABLED_TO)?;
        systemd::reload(os, self.id())
    }
}

fn unit() -> FileSpec {
    FileSpec::new(UNIT, UNIT_TEXT)
}

/// The program that runs, also where its file was replaced or removed meanwhile.
pub(super) fn own() -> Result<File, Failure> {
    File::open("/proc/self/exe").map_err(|error| unreadable(&error))
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::of(&reason::FILE_NOT_READ, BINARY, error)
}
