use std::fs;
use std::os::unix::fs::symlink;

use super::*;

fn write(root: &Root, path: &str, text: &str) {
    let path = root.at(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A namespace below `parent` (a controller, or a subsystem with native multipath), as sysfs shows it.
fn namespace(root: &Root, parent: &str, name: &str, size: &str) {
    let folder = format!("/sys/devices/{parent}/{name}");
    for (leaf, text) in [("dev", "259:1\n"), ("size", size), ("ro", "0\n"), ("wwid", "nvme.1d0f-4157\n")] {
        write(root, &format!("{folder}/{leaf}"), text);
    }
    write(root, &format!("{folder}/queue/logical_block_size"), "512\n");
    write(root, &format!("{folder}/queue/physical_block_size"), "4096\n");
    symlink("..", root.at(format!("{folder}/device"))).unwrap();
    fs::create_dir_all(root.at(BLOCK)).unwrap();
    symlink(format!("../../devices/{parent}/{name}"), root.at(format!("{BLOCK}/{name}"))).unwrap();
}

fn controller(root: &Root, name: &str, model: &str, serial: &str) {
    write(root, &format!("/sys/devices/{name}/model"), &format!("{model:<40}\n"));
    write(root, &format!("/sys/devices/{name}/serial"), &format!("{serial:<20}\n"));
}

#[test]
fn namespaces_are_found_with_and_without_native_multipath() {
    let dir = tempfile::tempdir().unwrap();
    let root = Root::new(dir.path());
    controller(&root, "nvme0", "Amazon Elastic Block Store", "vol0123456789abcdef0");
    controller(&root, "nvme-subsys1", "Amazon EC2 NVMe Instance Storage", "AWS22C40A7D1");
    namespace(&root, "nvme0", "nvme0n1", "419430400\n");
    namespace(&root, "nvme-subsys1", "nvme1n1", "7421875000\n");
    namespace(&root, "nvme-subsys1", "nvme1c1n1", "7421875000\n");
    write(&root, "/sys/devices/nvme0/nvme0n1/nvme0n1p1/partition", "1\n");
    write(&root, "/sys/devices/nvme0/nvme0n1/nvme0n1p128/partition", "128\n");
    write(&root, &format!("{BLOCK}/sda/size"), "1\n");
    write(&root, &format!("{BLOCK}/nvme0n1p1/partition"), "1\n");

    let disks = discover(&root).unwrap();
    assert_eq!(disks.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(), ["nvme0n1", "nvme1n1"]);
    assert_eq!(disks[0].identity, Identity::Ebs { volume_id: "vol-0123456789abcdef0".to_owned() });
    assert_eq!(disks[0].partitions, ["nvme0n1p1", "nvme0n1p128"]);
    assert_eq!(disks[0].size, 200 << 30);
    let store = &disks[1];
    assert_eq!((&store.identity, store.serial.as_str()), (&Identity::InstanceStore, "AWS22C40A7D1"));
    assert_eq!((store.size, store.logical_block, store.physical_block), (3_800_000_000_000, 512, 4096));
    assert_eq!(store.dev, Some(DevNumber { major: 259, minor: 1 }));
    assert_eq!(store.wwid.as_deref(), Some("nvme.1d0f-4157"));
    assert!(!store.read_only && store.partitions.is_empty());
}

#[test]
fn what_sysfs_does_not_say_makes_a_disk_unusable() {
    let dir = tempfile::tempdir().unwrap();
    let root = Root::new(dir.path());
    fs::create_dir_all(root.at(format!("{BLOCK}/nvme3n1"))).unwrap();
    let disks = discover(&root).unwrap();
    assert_eq!(disks.len(), 1);
    assert!(disks[0].read_only && disks[0].size == 0 && disks[0].dev.is_none());
    assert_eq!(disks[0].identity, Identity::Other(String::new()));
}

#[test]
fn only_whole_namespaces_are_disks() {
    for name in ["nvme0n1", "nvme12n34"] {
        assert!(is_namespace(name), "{name}");
    }
    for name in ["nvme0", "nvme0n1p1", "nvme0c1n1", "nvme-subsys0", "nvmen1", "nvme0n", "sda", "md127"] {
        assert!(!is_namespace(name), "{name}");
    }
}
