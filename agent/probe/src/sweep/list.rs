//! Which GPUs are to be left alone, and how a GPU's address is known without touching it.

use std::fs;
use std::path::Path;

/// Where the kernel driver lists its GPUs, one folder each, named by PCI address.
const LISTED: &str = "/proc/driver/nvidia/gpus";
/// Entries of that folder that are looked at.
const MOST: usize = 256;

/// The GPUs that are not to be touched.
#[derive(Debug, Default)]
pub(crate) struct Skip {
    /// By PCI address, or by index in decimal.
    wanted: Vec<String>,
    /// Every GPU of the driver, sorted by address. NVML promises no order, but it is this one.
    listed: Vec<String>,
}

impl Skip {
    /// Reads the driver's list, which touches no GPU.
    pub(crate) fn new(wanted: Vec<String>) -> Self {
        Self { wanted, listed: addresses(Path::new(LISTED)) }
    }

    /// The PCI address of an index, where NVML counts as many GPUs as the driver lists.
    pub(crate) fn address(&self, index: u32, count: u32) -> Option<String> {
        let same = self.listed.len() == count as usize;
        self.listed.get(index as usize).filter(|_| same).cloned()
    }

    /// Whether this GPU is one of them.
    pub(crate) fn has(&self, index: u32, pci: Option<&str>) -> bool {
        let by_index = |wanted: &str| wanted.parse() == Ok(index);
        self.wanted.iter().any(|wanted| by_index(wanted) || Some(wanted.as_str()) == pci)
    }
}

fn addresses(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names = entries.take(MOST).filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.map(|name| name.to_ascii_lowercase()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drivers_list_gives_the_address_of_an_index_only_when_the_counts_agree() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["0000:64:00.0", "0000:53:00.0", "0000:A5:00.0"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let skip = Skip { wanted: vec!["0000:64:00.0".into(), "2".into()], listed: addresses(folder.path()) };
        assert_eq!(skip.address(1, 3).as_deref(), Some("0000:64:00.0"));
        assert_eq!(skip.address(2, 3).as_deref(), Some("0000:a5:00.0"));
        assert_eq!(skip.address(1, 2), None);
        assert_eq!(skip.address(3, 3), None);
        assert!(skip.has(1, Some("0000:64:00.0")) && skip.has(2, None) && !skip.has(0, Some("0000:53:00.0")));
    }

    #[test]
    fn a_machine_without_the_driver_lists_nothing() {
        assert!(addresses(Path::new("/nonexistent")).is_empty());
        assert_eq!(Skip::default().address(0, 0), None);
    }
}
