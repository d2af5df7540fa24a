//! Kernel modules that others than NVIDIA build and its driver cannot be without.

use super::{Distro, Fabric, Platform};
use crate::Root;

/// The modules that the driver needs of the kernel. On Amazon Linux `nvidia.ko` asks for `drm`, which is in a package of its
/// own (amazon-linux-2023 issue 538; AWS ParallelCluster and the EKS image install `kernel-modules-extra` for it). What
/// the fabric manager of B200 and B300 talks through is `ib_umad`.
pub fn needs(platform: Platform, fabric: Fabric) -> Vec<&'static str> {
    let mut needs = Vec::new();
    if platform.distro == Distro::AmazonLinux2023 {
        needs.push("drm");
    }
    if fabric == Fabric::ManagedByInfiniband {
        needs.push("ib_umad");
    }
    needs
}

/// Those of `modules` that the kernel has neither as a file nor in itself, by its own indexes. Of a kernel whose indexes
/// cannot be read nothing is said.
pub fn lacks<'a>(root: &Root, kernel: &str, modules: &[&'a str]) -> Vec<&'a str> {
    let read = |index: &str| root.read_text(format!("/lib/modules/{kernel}/{index}")).ok().flatten();
    let Some(files) = read("modules.dep") else { return Vec::new() };
    let built_in = read("modules.builtin").unwrap_or_default();
    let known = |module: &str| files.lines().chain(built_in.lines()).any(|line| is_of(line, module));
    modules.iter().filter(|module| !known(module)).copied().collect()
}

/// `kernel/drivers/gpu/drm/drm.ko.xz: …` is a line of `drm`. A module's name has `_` where its file may have `-`.
fn is_of(line: &str, module: &str) -> bool {
    let path = line.split(':').next().unwrap_or_default().trim();
    let file = path.rsplit('/').next().unwrap_or_default();
    file.split_once(".ko").is_some_and(|(name, _)| name.replace('-', "_") == module)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_module_is_a_file_or_in_the_kernel() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(dir.path());
        let asked = ["drm", "ib_umad", "virtio_net"];
        assert!(lacks(&root, "k", &asked).is_empty(), "nothing is known of it");
        let folder = dir.path().join("lib/modules/k");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("modules.dep"), "").unwrap();
        assert_eq!(lacks(&root, "k", &asked), asked);
        let files = "kernel/drivers/gpu/drm/drm_kms_helper.ko.xz: kernel/drivers/gpu/drm/drm.ko.xz\nextra/virtio-net.ko:\n";
        fs::write(folder.join("modules.dep"), files).unwrap();
        assert_eq!(lacks(&root, "k", &asked), ["drm", "ib_umad"]);
        fs::write(folder.join("modules.builtin"), "kernel/drivers/gpu/drm/drm.ko\n").unwrap();
        assert_eq!(lacks(&root, "k", &asked), ["ib_umad"]);
    }
}
