//! Huge pages of 2 MiB for EFA's send and receive buffers.

use gpunode_host::spec::HugePages as Wish;
use gpunode_host::{Finding, Root, reason};

use crate::os::{FileSpec, Os};
use crate::step::Failure;

/// By size, so that it is right on kernels whose default huge page is not 2 MiB (arm64 with 64 KiB pages).
const COUNT: &str = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
const PAGE: u64 = 2 << 20;

/// `auto` takes no more than this part of the memory: on the smallest EFA type with GPUs, g5.8xlarge with 128 GiB,
/// EFA's own number is a twelfth.
const AUTO_SHARE: u64 = 8;

/// How many huge pages there are, and how many there should be.
pub(super) struct HugePages {
    now: u64,
    wanted: u64,
}

impl HugePages {
    /// `None` where nothing is wanted or this kernel has no such pages. An error names what is allowed.
    pub(super) fn plan(root: &Root, wish: Wish, efa: bool) -> Result<Option<Self>, String> {
        let Some(now) = root.value(COUNT).and_then(|text| text.parse().ok()) else {
            return Ok(None);
        };
        let memory_pages = memory(root) / PAGE;
        let wanted = match wish {
            Wish::Auto if !efa => return Ok(None),
            Wish::Auto => Wish::EFA.min(memory_pages / AUTO_SHARE),
            Wish::Pages(0) => return Ok(None),
            // More than half would leave pods without ordinary memory.
            Wish::Pages(count) if count > memory_pages / 2 => {
                return Err(format!(
                    "{count} pages of 2 MiB are more than half of this machine's memory; allowed: 0 to {}",
                    memory_pages / 2
                ));
            }
            Wish::Pages(count) => count,
        };
        Ok(Some(Self { now, wanted }))
    }

    pub(super) fn missing(&self) -> bool {
        self.now < self.wanted
    }

    pub(super) fn change(&self) -> String {
        format!("huge pages of 2 MiB: {} → {}", self.now, self.wanted)
    }

    pub(super) fn summary(&self) -> String {
        format!("{} huge pages", self.now)
    }

    pub(super) fn allocate(&self, os: &Os) -> Result<(), Failure> {
        Ok(os.set_value(COUNT, &self.wanted.to_string())?)
    }

    pub(super) fn short(&self) -> Finding {
        let message =
            format!("{} of {} pages could be had; memory was in use or in pieces", self.now, self.wanted);
        Finding::new(&reason::HUGE_PAGES_SHORT, COUNT, message)
    }

    /// systemd-tmpfiles sets the number early at every boot, when memory is still whole.
    pub(super) fn file(&self) -> FileSpec {
        let text =
            format!("# Written by gpunode-agent: huge pages for EFA.\nw {COUNT} - - - - {}\n", self.wanted);
        FileSpec::new("/etc/tmpfiles.d/90-gpunode-hugepages.conf", text)
    }
}

/// Bytes of memory; 0 where the kernel does not say.
fn memory(root: &Root) -> u64 {
    let text = root.value("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(gib: u64, pages: u64) -> (tempfile::TempDir, Root) {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(dir.path());
        for (path, text) in
            [(COUNT, pages.to_string()), ("/proc/meminfo", format!("MemTotal: {} kB\n", gib << 20))]
        {
            std::fs::create_dir_all(root.at(path).parent().unwrap()).unwrap();
            std::fs::write(root.at(path), text).unwrap();
        }
        (dir, root)
    }

    #[test]
    fn auto_never_takes_more_than_an_eighth() {
        let (_dir, root) = machine(2048, 0);
        assert_eq!(HugePages::plan(&root, Wish::Auto, true).unwrap().unwrap().wanted, Wish::EFA);
        let (_dir, root) = machine(2, 0);
        assert_eq!(HugePages::plan(&root, Wish::Auto, true).unwrap().unwrap().wanted, 128);
        assert!(HugePages::plan(&root, Wish::Auto, false).unwrap().is_none());
    }

    #[test]
    fn more_than_half_the_memory_is_refused_with_the_limit() {
        let (_dir, root) = machine(2, 0);
        let error = HugePages::plan(&root, Wish::Pages(600), true).err().unwrap();
        assert!(error.contains("600") && error.contains("0 to 512"), "{error}");
    }
}
