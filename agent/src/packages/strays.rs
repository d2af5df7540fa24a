//! Parts of a driver that would come in another version than the one that is installed. Ubuntu's archive keeps the names of
//! branches that it has given up: `nvidia-headless-590-server-open` and `nvidia-fabricmanager-570` are empty then, and ask
//! for a newer branch. Whoever takes them by their version gets another driver than it says.

use gpunode_host::driver::packages::{Package, upstream};
use gpunode_host::versions::Version;

use super::{PackageError, Packages, apt};

/// Words in the names of packages that carry a part of the driver and its version.
const PARTS: [&str; 8] =
    ["headless", "dkms", "kernel-common", "kernel-source", "utils", "compute", "fabricmanager", "firmware"];

pub(super) fn of(
    packages: &Packages<'_>,
    wanted: &[Package],
    driver: &Version,
) -> Result<Vec<Package>, PackageError> {
    let mut would = planned(&apt::simulate(packages, wanted)?);
    would
        .retain(|package| is_part(&package.name) && upstream(&package.version).is_some_and(|v| v != *driver));
    Ok(would)
}

fn is_part(name: &str) -> bool {
    name.contains("nvidia") && !name.contains("container") && PARTS.iter().any(|part| name.contains(part))
}

/// The packages of a simulated install.
fn planned(text: &str) -> Vec<Package> {
    let line = |line: &str| {
        let mut words = line.strip_prefix("Inst ")?.split_whitespace();
        let name = words.next()?.to_owned();
        let version = words.find_map(|word| word.strip_prefix('('))?.to_owned();
        Some(Package { name, version })
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_installed_is_read_from_the_simulation() {
        let text = "Reading package lists...\n\
            Inst nvidia-dkms-595-server-open (595.71.05-0ubuntu0.24.04.1 Ubuntu:24.04/noble-updates [amd64])\n\
            Inst nvidia-utils-590 [590.48.01-0ubuntu1] (590.48.01-0ubuntu2 x [amd64]) []\n\
            Inst broken\n\
            Conf nvidia-dkms-595-server-open (595.71.05-0ubuntu0.24.04.1 Ubuntu:24.04/noble-updates [amd64])\n";
        let found: Vec<_> = planned(text).into_iter().map(|p| format!("{} {}", p.name, p.version)).collect();
        assert_eq!(
            found,
            ["nvidia-dkms-595-server-open 595.71.05-0ubuntu0.24.04.1", "nvidia-utils-590 590.48.01-0ubuntu2"]
        );
        assert!(is_part("libnvidia-compute-580") && is_part("nvidia-fabricmanager"));
        assert!(!is_part("nvidia-container-toolkit") && !is_part("dkms") && !is_part("nvlsm"));
    }
}
