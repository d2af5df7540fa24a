//! The kernel modules: into the kernel, and out of it.

use std::time::Duration;

use gpunode_host::driver::{Fabric, files, users};
use gpunode_host::reason;

use super::look::Seen;
use crate::os::{Cmd, Os};
use crate::step::{Failure, chain, few};
use crate::steps::systemd;

/// The modules start every GPU when they are loaded: up to some ten seconds on eight of them.
const DEADLINE: Duration = Duration::from_secs(120);

/// In the order in which they let go of each other.
const UNLOAD: [&str; 5] = ["nvidia_uvm", "nvidia_drm", "nvidia_modeset", "nvidia_peermem", "nvidia"];

/// Loads the modules, by the image's own service where it has one: it chooses between two builds of them.
pub(super) fn load(os: &Os, seen: &Seen, fabric: Fabric) -> Result<(), Failure> {
    if let Some(loader) = seen.observed.loader
        && systemd::runs(os)
    {
        let start = Cmd::new("systemctl").args(["start", loader]).deadline(DEADLINE);
        os.run(&start).map_err(|error| failed(&chain(&error)))?;
    }
    for module in files::modules(fabric) {
        let command = Cmd::new("modprobe").arg(module).deadline(DEADLINE);
        os.run(&command).map_err(|error| failed(&chain(&error)))?;
    }
    Ok(())
}

fn failed(message: &str) -> Failure {
    Failure::new(&reason::NVIDIA_MODULE_NOT_LOADED, "nvidia", message)
}

/// Takes the modules out of the kernel. Nothing of what is installed was touched before.
pub(super) fn unload(os: &Os) -> Result<(), Failure> {
    let in_use = |message: String| Failure::new(&reason::NVIDIA_DRIVER_IN_USE, "nvidia", message);
    let users: Vec<_> = users(os.root()).iter().map(ToString::to_string).collect();
    if !users.is_empty() {
        return Err(in_use(few(&users)));
    }
    let loaded = |module: &&&str| os.root().exists(format!("/sys/module/{module}"));
    for module in UNLOAD.iter().filter(loaded) {
        let command = Cmd::new("modprobe").args(["-r", module]).deadline(DEADLINE);
        os.run(&command).map_err(|error| in_use(chain(&error)))?;
    }
    Ok(())
}
