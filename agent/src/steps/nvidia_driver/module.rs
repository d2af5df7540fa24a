//! The kernel modules: into the kernel, and out of it.

use std::thread;
use std::time::{Duration, Instant};

use gpunode_host::driver::{Fabric, files, users};
use gpunode_host::reason;

use super::look::Seen;
use crate::os::{Cmd, Os};
use crate::step::{Failure, chain, few};
use crate::steps::systemd;

/// The modules start every GPU when they are loaded: up to some ten seconds on eight of them.
const DEADLINE: Duration = Duration::from_secs(120);

/// Between two looks at a service.
const LOOK: Duration = Duration::from_millis(500);

/// In the order in which they let go of each other.
const UNLOAD: [&str; 5] = ["nvidia_uvm", "nvidia_drm", "nvidia_modeset", "nvidia_peermem", "nvidia"];

/// Loads the modules, by the image's own service where it has one: it chooses between two builds of them.
pub(super) fn load(os: &Os, seen: &Seen, fabric: Fabric) -> Result<(), Failure> {
    if let Some(loader) = seen.observed.loader
        && systemd::runs(os)
    {
        if seen.state.laid_over {
            wait_for(os, loader)?;
        } else {
            let start = Cmd::new("systemctl").args(["start", loader]).deadline(DEADLINE);
            os.run(&start).map_err(|error| failed(&chain(&error)))?;
        }
    }
    for module in files::modules(fabric) {
        let command = Cmd::new("modprobe").arg(module).deadline(DEADLINE);
        os.run(&command).map_err(|error| failed(&chain(&error)))?;
    }
    Ok(())
}

/// Waits until a service that nobody may start by hand has ended: it comes with every boot, and may be at work still.
fn wait_for(os: &Os, unit: &str) -> Result<(), Failure> {
    let began = Instant::now();
    loop {
        let show = Cmd::new("systemctl").args(["show", "--property=ActiveState,Job", unit]);
        let said = os.run(&show).map_err(|error| failed(&chain(&error)))?.stdout;
        let value = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let queued = value("Job").is_some_and(|job| !matches!(job, "" | "0"));
        let state = value("ActiveState").unwrap_or_default();
        if state == "failed" {
            return Err(failed(&format!("{unit} of this image has failed; its journal says why")));
        }
        let at_work = state == "activating" || (state == "inactive" && queued);
        if !at_work || began.elapsed() >= DEADLINE || os.is_cancelled() {
            // What it has not done shows when the modules are asked for.
            return Ok(());
        }
        thread::sleep(LOOK);
    }
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
