//! Images that bring drivers in folders of their own and lay one of them over `/usr` at boot: EKS's Amazon Linux 2023 for
//! NVIDIA since autumn 2026 (amazon-eks-ami pull request 2819). `/opt/nvidia/lts` and `pb` hold a long-term and a newer
//! branch; the first boot on a GPU renames the one that drives it to `current` and removes the other, and a service copies
//! its modules to where the kernel looks. Before that nothing below `/usr` or `/lib/modules` shows that there is a driver.

use super::{Generation, Wanted, drives};
use crate::Root;
use crate::versions::Version;

const FOLDER: &str = "/opt/nvidia";
/// The service that loads it. Nobody may start it by hand: it comes with every boot.
pub(super) const SERVICE: &str = "nvidia-setup.service";

/// The drivers' versions in the order in which the image prefers them; one where it has chosen.
pub(crate) fn read(root: &Root) -> Vec<Version> {
    let version = |name: &str| {
        let text = root.value(format!("{FOLDER}/{name}/.version"))?;
        text.parse().ok()
    };
    match version("current") {
        Some(chosen) => vec![chosen],
        None => ["lts", "pb"].into_iter().filter_map(version).collect(),
    }
}

/// Which of them these GPUs get: the first that drives them all (`resolve-nvidia-driver.sh`).
pub(super) fn chosen<'a>(versions: &'a [Version], gpus: &[Generation]) -> Option<&'a Version> {
    let fits = |version: &&Version| drives(&Wanted::Exact((*version).clone()), gpus).is_ok();
    versions.iter().find(fits).or(versions.first())
}
