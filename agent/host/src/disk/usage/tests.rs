use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::disk::discover::discover;

/// A tree of sysfs as the kernel lays it out: devices in one folder, links to them in `class/block`.
struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        tree.file("/proc/self/mountinfo", "");
        tree
    }

    fn root(&self) -> Root {
        Root::new(self.0.path())
    }

    fn file(&self, path: &str, text: &str) {
        let path = self.root().at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// `inside` is the device's folder below `/sys/devices`.
    fn block(&self, inside: &str, dev: &str) {
        let name = inside.rsplit('/').next().unwrap();
        self.file(&format!("/sys/devices/{inside}/dev"), dev);
        self.link(&format!("{BLOCK}/{name}"), &format!("../../devices/{inside}"));
    }

    fn link(&self, path: &str, target: &str) {
        let path = self.root().at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    fn stack(&self, upper: &str, lower: &str) {
        for (from, kind, to) in [(upper, "slaves", lower), (lower, "holders", upper)] {
            let folder = fs::canonicalize(self.root().at(format!("{BLOCK}/{from}"))).unwrap().join(kind);
            fs::create_dir_all(&folder).unwrap();
            symlink(format!("../../../class/block/{to}"), folder.join(to)).unwrap();
        }
    }

    fn of(&self, name: &str) -> Vec<String> {
        Usage::read(&self.root()).unwrap().of(name).iter().map(ToString::to_string).collect()
    }
}

fn tree() -> Tree {
    let tree = Tree::new();
    for (i, name) in ["nvme0n1", "nvme1n1", "nvme2n1"].iter().enumerate() {
        tree.block(&format!("pci/{name}"), &format!("259:{i}"));
    }
    tree
}

#[test]
fn the_disk_below_a_mounted_partition_is_used() {
    let tree = tree();
    tree.block("pci/nvme0n1/nvme0n1p1", "259:9");
    tree.file("/sys/devices/pci/nvme0n1/nvme0n1p1/partition", "1");
    tree.file("/proc/self/mountinfo", "1 0 259:9 / / rw - ext4 /dev/root rw\n");
    assert_eq!(tree.of("nvme0n1"), ["below nvme0n1p1, which is mounted on /", "has the partition nvme0n1p1"]);
    assert_eq!(tree.of("nvme0n1p1"), ["mounted on /"]);
    assert!(tree.of("nvme1n1").is_empty());
}

#[test]
fn chains_of_md_and_dm_lead_down_to_every_disk() {
    let tree = tree();
    tree.block("virtual/md127", "9:127");
    tree.block("virtual/dm-0", "253:0");
    tree.file("/sys/devices/virtual/dm-0/dm/name", "vg-data");
    tree.stack("md127", "nvme1n1");
    tree.stack("md127", "nvme2n1");
    tree.stack("dm-0", "md127");
    tree.file("/proc/self/mountinfo", "1 0 253:0 / /data rw - xfs /dev/mapper/vg-data rw\n");
    for disk in ["nvme1n1", "nvme2n1"] {
        assert_eq!(tree.of(disk), ["below dm-0, which is mounted on /data", "held by md127"]);
    }
    assert!(tree.of("nvme0n1").is_empty());
}

#[test]
fn a_file_system_without_a_number_of_its_own_is_found_by_its_source() {
    let tree = tree();
    tree.block("virtual/dm-0", "253:0");
    tree.file("/sys/devices/virtual/dm-0/dm/name", "root");
    tree.stack("dm-0", "nvme2n1");
    let text =
        "1 0 0:31 /sub /home rw - btrfs /dev/nvme1n1 rw\n2 0 0:32 / /srv rw - btrfs /dev/mapper/root rw\n";
    tree.file("/proc/self/mountinfo", text);
    assert_eq!(tree.of("nvme1n1"), ["mounted on /home"]);
    assert_eq!(tree.of("nvme2n1"), ["below dm-0, which is mounted on /srv", "held by dm-0"]);
}

#[test]
fn swap_and_the_root_device_of_the_command_line_are_uses() {
    let tree = tree();
    tree.file("/proc/swaps", "Filename Type Size\n/dev/nvme2n1 partition 1 0 -2\n/swapfile file 1 0 -3\n");
    tree.file("/proc/cmdline", "ro root=UUID=1234-abcd quiet\n");
    tree.link("/dev/disk/by-uuid/1234-abcd", "../../nvme1n1");
    assert_eq!(tree.of("nvme2n1"), ["swap is on nvme2n1"]);
    assert_eq!(tree.of("nvme1n1"), ["the root device (UUID=1234-abcd)"]);
}

#[test]
fn without_a_mount_table_nothing_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let error = Usage::read(&Root::new(dir.path())).unwrap_err();
    assert_eq!(error.path, Path::new("/proc/self/mountinfo"));
}

/// The kernel refuses a way with a name of more than 255 bytes.
#[test]
fn holders_and_partitions_that_cannot_be_seen_are_not_none() {
    for what in ["nvme1n1/holders", "nvme1n1/slaves"] {
        let tree = tree();
        tree.link(&format!("{BLOCK}/{what}"), &"x".repeat(300));
        let error = Usage::read(&tree.root()).unwrap_err();
        assert!(error.path.ends_with(what), "{error:?}");
    }
    let tree = tree();
    fs::rename(tree.root().at(BLOCK), tree.root().at("/sys/class/moved")).unwrap();
    tree.link(BLOCK, &"x".repeat(300));
    assert_eq!(Usage::read(&tree.root()).unwrap_err().path, Path::new(BLOCK));
    assert_eq!(discover(&tree.root()).unwrap_err().path, Path::new(BLOCK));
}

/// In a pod the own table has what the pod was given, such as `/etc/hosts` from the node's disk.
#[test]
fn the_machines_table_is_the_first_processes() {
    let tree = tree();
    tree.file("/proc/self/mountinfo", "1 0 259:1 /pods/hosts /etc/hosts rw - xfs /dev/nvme1n1 rw\n");
    assert_eq!(tree.of("nvme1n1"), ["mounted on /etc/hosts"]);
    tree.file("/proc/1/mountinfo", "1 0 259:1 / /mnt/data rw - xfs /dev/nvme1n1 rw\n");
    assert_eq!(tree.of("nvme1n1"), ["mounted on /mnt/data"]);
}

#[test]
fn a_loop_in_the_links_ends() {
    let tree = tree();
    tree.stack("nvme1n1", "nvme2n1");
    tree.stack("nvme2n1", "nvme1n1");
    tree.file("/proc/self/mountinfo", "1 0 259:1 / /data rw - xfs /dev/nvme1n1 rw\n");
    assert_eq!(tree.of("nvme2n1").len(), 2);
}
