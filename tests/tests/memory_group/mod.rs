//! A memory cgroup in which a program runs out of memory.

use std::fs;
use std::path::{Path, PathBuf};

/// What is allocated from then on; the kernel's own pages count too.
const LEFT: &str = "65536";

/// Removed when it is dropped.
pub(crate) struct MemoryGroup {
    folder: PathBuf,
    /// Of the older hierarchy, where each controller has a tree.
    old: bool,
}

impl MemoryGroup {
    /// `None` where this machine lets nobody make one: without root, without the controller, in most containers.
    pub(crate) fn new() -> Option<Self> {
        let name = format!("gpunode-test-{}", std::process::id());
        let old = Path::new("/sys/fs/cgroup/memory");
        let (place, old) = if old.is_dir() { (old, true) } else { (Path::new("/sys/fs/cgroup"), false) };
        let folder = place.join(name);
        fs::create_dir(&folder).ok()?;
        let group = Self { folder, old };
        group.folder.join(group.limit()).exists().then_some(group)
    }

    /// From now on the process may allocate next to nothing; what it has already stays charged elsewhere.
    pub(crate) fn choke(&self, pid: u32) {
        fs::write(self.folder.join(self.limit()), LEFT).unwrap();
        fs::write(self.folder.join("cgroup.procs"), pid.to_string()).unwrap();
    }

    /// How many processes the kernel has killed in it.
    pub(crate) fn kills(&self) -> u64 {
        let file = if self.old { "memory.oom_control" } else { "memory.events" };
        let text = fs::read_to_string(self.folder.join(file)).unwrap_or_default();
        let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        count.and_then(|count| count.trim().parse().ok()).unwrap_or_default()
    }

    fn limit(&self) -> &'static str {
        if self.old { "memory.limit_in_bytes" } else { "memory.max" }
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        // A process that has been killed leaves it a moment later.
        for _ in 0..100 {
            if fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}
