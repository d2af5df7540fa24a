//! Who uses the GPUs: no driver is changed under somebody's feet.

use std::path::Path;

use crate::Root;

/// A process that has a GPU open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Process id.
    pub pid: u32,
    /// The program's name, as the kernel keeps it: 15 characters.
    pub name: String,
    /// The first device that was found open.
    pub device: String,
}

impl std::fmt::Display for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}) has {} open", self.name, self.pid, self.device)
    }
}

/// The driver's own services, which are stopped and started with it. The kernel cuts names after 15 characters.
const SERVICES: [&str; 3] = ["nvidia-persiste", "nv-fabricmanage", "nvidia-imex"];

/// No machine has more processes than Linux has ids for them on 64 bits (`PID_MAX_LIMIT`).
const MOST: usize = 4 << 20;

/// Every process with `/dev/nvidia…` open, by id, but for the driver's own services. Processes that end while they are
/// looked at are passed over.
pub fn users(root: &Root) -> Vec<User> {
    let names = root.list("/proc");
    let mut pids: Vec<u32> = names.iter().filter_map(|name| name.parse().ok()).take(MOST).collect();
    pids.sort_unstable();
    pids.into_iter().filter_map(|pid| user(root, pid)).collect()
}

fn user(root: &Root, pid: u32) -> Option<User> {
    let folder = format!("/proc/{pid}/fd");
    let target = |name: &String| root.read_link(format!("{folder}/{name}")).ok();
    let device = root.list(&folder).iter().filter_map(target).find(|path| is_gpu(path))?;
    let name = root.value(format!("/proc/{pid}/comm")).unwrap_or_else(|| "?".to_owned());
    (!SERVICES.contains(&name.as_str())).then(|| User { pid, name, device: device.display().to_string() })
}

/// `/dev/nvidia0`, `/dev/nvidiactl`, `/dev/nvidia-uvm`, and the NVSwitches' and capabilities' nodes.
fn is_gpu(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.starts_with("/dev/nvidia"))
}
