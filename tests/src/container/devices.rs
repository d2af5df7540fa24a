//! What a node has below `/dev`, and the agent's CDI specification of it.

use std::fs;
use std::path::Path;

use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use serde_json::Value;

use crate::agent::{bootstrap, finish};
use crate::kube::daemonset::Node;

/// What every container may open (OCI runtime specification, "Default Devices"), and the numbers of `/dev/ptmx`.
const USUAL: [(&str, u64, u64); 7] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
    ("ptmx", 5, 2),
];
/// The kernel log: this machine's own.
const KERNEL_LOG: (u64, u64) = (1, 11);
/// No kernel here has NVIDIA's or EFA's drivers. Their devices have the numbers of `/dev/fuse`, which can be opened without
/// anything coming of it, and which no container may open unless it is said.
const STAND_IN: (u64, u64) = (10, 229);
/// A device that the agent names.
pub const NAMED: &str = "/dev/nvidia0";
/// A device that the agent does not name, with the numbers of `/dev/loop-control`.
pub const UNNAMED: &str = "/dev/not-ours";
const NOT_OURS: (u64, u64) = (10, 237);

/// Gives the machine its devices and lets the agent boot it as far as containers are concerned; returns the devices that
/// its CDI specification names.
///
/// # Panics
/// When a device cannot be made, or the agent fails.
pub fn boot(node: &Node) -> Vec<String> {
    let root = node.machine.tree.path();
    for (name, major, minor) in USUAL {
        make(root, name, (major, minor));
    }
    make(root, "kmsg", KERNEL_LOG);
    make(root, UNNAMED.trim_start_matches("/dev/"), NOT_OURS);
    stand_in(root, Path::new("dev"));
    // A shell for those who look at the container from inside: the image has none.
    fs::create_dir_all(root.join("bin")).unwrap();
    fs::copy("/bin/busybox", root.join("bin/busybox")).unwrap();

    let endpoint = node.metadata_endpoint();
    fs::create_dir_all(root.join("etc/gpunode")).unwrap();
    fs::write(root.join("etc/gpunode/agent.toml"), format!("[imds]\nendpoint = \"{endpoint}\"\n")).unwrap();
    let run = finish(&mut bootstrap(root, &endpoint, &["--only", "container-runtime,verify"]));
    assert_eq!(run.code, 0, "{run:?}");
    named(root)
}

/// Where a tree without root has links to a device of this machine, there are devices now.
fn stand_in(root: &Path, folder: &Path) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let (path, kind) = (folder.join(entry.file_name()), entry.file_type().unwrap());
        if kind.is_dir() {
            stand_in(root, &path);
        } else if kind.is_symlink() {
            make(root, path.strip_prefix("dev").unwrap().to_str().unwrap(), STAND_IN);
        }
    }
}

fn named(root: &Path) -> Vec<String> {
    let text = fs::read_to_string(root.join("etc/cdi/gpunode.json")).unwrap();
    let spec: Value = serde_json::from_str(&text).unwrap();
    let nodes = spec["devices"][0]["containerEdits"]["deviceNodes"].as_array().unwrap();
    nodes.iter().map(|node| node["path"].as_str().unwrap().to_owned()).collect()
}

fn make(root: &Path, name: &str, (major, minor): (u64, u64)) {
    let path = root.join("dev").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    // A file that stood for it.
    let _ = fs::remove_file(&path);
    let mode = Mode::from_bits_truncate(0o666);
    mknod(&path, SFlag::S_IFCHR, mode, makedev(major, minor))
        .unwrap_or_else(|error| panic!("mknod {}: {error}; this test needs root", path.display()));
}
