use super::*;
use crate::Root;
use std::fs;
use std::os::unix::fs::symlink;

const KERNEL: &str = "6.12.40-63.114.amzn2023.x86_64";

fn tree(files: &[&str]) -> (tempfile::TempDir, Root) {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        let path = dir.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x\n").unwrap();
    }
    let root = Root::new(dir.path());
    (dir, root)
}

#[test]
fn a_driver_is_found_however_it_came() {
    for files in [
        // NVIDIA's rpm packages with DKMS.
        &[
            "usr/lib64/libnvidia-ml.so.550.127.05",
            "lib/modules/6.12.40-63.114.amzn2023.x86_64/extra/nvidia.ko.xz",
        ][..],
        // Debian's DKMS.
        &[
            "usr/lib/x86_64-linux-gnu/libnvidia-ml.so.550.127.05",
            "lib/modules/6.12.40-63.114.amzn2023.x86_64/updates/dkms/nvidia.ko.zst",
        ],
        // Ubuntu's signed modules.
        &[
            "usr/lib/x86_64-linux-gnu/libnvidia-ml.so.550.127.05",
            "lib/modules/6.12.40-63.114.amzn2023.x86_64/kernel/nvidia-550srv-open/nvidia.ko",
        ],
        // The .run file.
        &[
            "usr/lib64/libnvidia-ml.so.1",
            "usr/lib64/libnvidia-ml.so.550.127.05",
            "usr/bin/nvidia-uninstall",
            "lib/modules/6.12.40-63.114.amzn2023.x86_64/kernel/drivers/video/nvidia.ko",
        ],
        // An EKS image before its own service has unpacked the modules for the GPU.
        &[
            "usr/lib64/libnvidia-ml.so.550.127.05",
            "var/lib/dkms-archive/nvidia-open-550.127.05.tar.gz",
            "etc/systemd/system/nvidia-kmod-load.service",
        ],
    ] {
        let (_dir, root) = tree(files);
        let observed = Observed::read(&root, KERNEL);
        assert_eq!(observed.installed(&[]).unwrap().as_str(), "550.127.05", "{files:?}: {observed:?}");
        assert_eq!(observed.run_file, files.iter().any(|file| file.ends_with("uninstall")));
        assert_eq!(observed.loader.is_some(), files.iter().any(|file| file.ends_with("service")));
    }
}

#[test]
fn libraries_without_a_module_are_no_driver() {
    // As in an image for containers, or when the kernel was updated and nothing was built for it.
    let (_dir, root) = tree(&["usr/lib64/libnvidia-ml.so.550.127.05", "lib/modules/6.1.0/extra/nvidia.ko"]);
    assert_eq!(Observed::read(&root, KERNEL).installed(&[]), None);
    let (_dir, root) = tree(&[]);
    assert_eq!(Observed::read(&root, KERNEL), Observed::default());
}

/// EKS's images since autumn 2026: before the first boot on a GPU two drivers wait in folders of their own, afterwards one.
#[test]
fn a_driver_that_is_yet_to_be_laid_over_is_found() {
    let (dir, root) = tree(&["etc/systemd/system/nvidia-setup.service"]);
    let version = |name: &str, text: &str| {
        let file = dir.path().join(format!("opt/nvidia/{name}/.version"));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    assert_eq!(Observed::read(&root, KERNEL).installed(&[]), None);
    version("lts", "570.195.03\n");
    version("pb", "595.91.07\n");
    let installed = |gpus: &[Generation]| {
        let observed = Observed::read(&root, KERNEL);
        assert_eq!(observed.loader, Some("nvidia-setup.service"));
        observed.installed(gpus).unwrap().to_string()
    };
    assert_eq!(installed(&[Generation::Hopper; 8]), "570.195.03");
    assert_eq!(installed(&[Generation::BlackwellUltra; 8]), "595.91.07");
    fs::rename(dir.path().join("opt/nvidia/pb"), dir.path().join("opt/nvidia/current")).unwrap();
    assert_eq!(installed(&[Generation::Hopper; 8]), "595.91.07");
}

#[test]
fn headers_are_there_when_the_link_leads_to_a_folder() {
    let (dir, root) = tree(&["lib/modules/k/modules.dep", "usr/src/kernels/k/Makefile"]);
    assert!(!headers_present(&root, "k"));
    symlink("/usr/src/kernels/k", dir.path().join("lib/modules/k/build")).unwrap();
    assert!(headers_present(&root, "k"));
    fs::remove_dir_all(dir.path().join("usr/src/kernels/k")).unwrap();
    assert!(!headers_present(&root, "k"));
}

#[test]
fn processes_with_a_gpu_open_but_for_the_driver_s_own() {
    let (dir, root) =
        tree(&["proc/12/comm", "proc/40/comm", "proc/41/comm", "proc/self/comm", "proc/99/comm"]);
    let open = |pid: u32, name: &str, target: &str| {
        let folder = dir.path().join(format!("proc/{pid}/fd"));
        fs::create_dir_all(&folder).unwrap();
        symlink("/dev/null", folder.join("0")).unwrap();
        symlink(target, folder.join("5")).unwrap();
        fs::write(dir.path().join(format!("proc/{pid}/comm")), format!("{name}\n")).unwrap();
    };
    open(12, "nvidia-persistenced".split_at(15).0, "/dev/nvidia0");
    open(40, "python3", "/dev/nvidia3");
    open(41, "bash", "/home/dev/nvidia0");
    let users = users(&root);
    assert_eq!(users.len(), 1, "{users:?}");
    assert_eq!(users[0].to_string(), "python3 (40) has /dev/nvidia3 open");
}

#[test]
fn generations_by_device_id() {
    for (id, generation) in [
        (0x1db5, Generation::Volta),
        (0x1eb8, Generation::Turing),
        (0x1eb4, Generation::Turing),
        (0x20b0, Generation::Ampere),
        (0x2237, Generation::Ampere),
        (0x2330, Generation::Hopper),
        (0x2335, Generation::Hopper),
        (0x26b9, Generation::Ada),
        (0x27b8, Generation::Ada),
        (0x2901, Generation::Blackwell),
        (0x2bb5, Generation::Blackwell),
        (0x2c31, Generation::Blackwell),
        (0x3182, Generation::BlackwellUltra),
        (0xffff, Generation::Unknown),
    ] {
        assert_eq!(Generation::of(id), generation, "{id:#x}");
    }
}
