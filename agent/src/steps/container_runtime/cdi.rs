//! The CDI specification `gpunode.io/host=all`: exactly the devices that the daemonset's pod may open.
//!
//! With it the pod needs no privilege: it names the device, and NVIDIA's container runtime adds these nodes. A node
//! that is named here and then gone would keep the pod from starting, so only what is there is named, and the file is
//! written anew at every boot, after the drivers were loaded.
//!
//! Form: Container Device Interface, SPEC.md and schema/schema.json, version 0.5.0: the oldest that has all that is
//! used here, and all that containerd 1.7.0 knows.

#[cfg(test)]
mod tests;

use std::os::unix::fs::FileTypeExt;

use gpunode_host::Root;
use serde_json::{Value, json};

use crate::os::FileSpec;

pub(super) const PATH: &str = "/etc/cdi/gpunode.json";
const VERSION: &str = "0.5.0";
const KIND: &str = "gpunode.io/host";
const DEVICE: &str = "all";

/// Names below `/dev` that are devices of ours.
const EXACT: [&str; 6] =
    ["kmsg", "nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset", "nvidia-nvswitchctl"];
/// Beginnings of names that are devices of ours with a number behind.
const NUMBERED: [&str; 4] = ["nvidia", "nvidia-nvswitch", "nvidia-caps/nvidia-cap", "infiniband/uverbs"];

/// A device node of the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Node {
    pub(crate) path: String,
}

impl Node {
    /// The kernel log is read only; the NVIDIA and EFA libraries open their devices for writing, and nobody makes
    /// nodes (`m`).
    fn permissions(&self) -> &'static str {
        if self.path == "/dev/kmsg" { "r" } else { "rw" }
    }
}

/// The nodes among `paths` that belong into the specification, sorted, each once.
pub(crate) fn select<'a>(paths: impl IntoIterator<Item = &'a str>) -> Vec<Node> {
    let mut nodes: Vec<_> =
        paths.into_iter().filter(|path| is_ours(path)).map(|path| Node { path: path.to_owned() }).collect();
    nodes.sort();
    nodes.dedup();
    nodes
}

fn is_ours(path: &str) -> bool {
    let Some(name) = path.strip_prefix("/dev/") else {
        return false;
    };
    let numbered = |prefix: &str| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    EXACT.contains(&name) || NUMBERED.into_iter().any(numbered)
}

/// The device nodes that are there now.
pub(crate) fn discover(root: &Root) -> Vec<Node> {
    let mut paths = Vec::new();
    for folder in ["/dev", "/dev/nvidia-caps", "/dev/infiniband"] {
        let names = root.list(folder);
        paths.extend(names.into_iter().map(|name| format!("{folder}/{name}")));
    }
    // A file or folder with the name of a device, as careless bind mounts leave behind, would keep the pod from
    // starting.
    paths.retain(|path| is_device(root, path));
    select(paths.iter().map(String::as_str))
}

/// In a tree that was not made by root there are no device nodes; a link to one of this machine stands for it there.
fn is_device(root: &Root, path: &str) -> bool {
    let here = || {
        let target = std::fs::read_link(root.at(path))?;
        if target.starts_with("/dev") { target.metadata() } else { Err(std::io::ErrorKind::NotFound.into()) }
    };
    root.metadata(path).or_else(|_| here()).is_ok_and(|meta| meta.file_type().is_char_device())
}

/// The specification; `None` where there is nothing to name, since a device without edits is not valid.
pub(crate) fn file(nodes: &[Node]) -> Option<FileSpec> {
    let device_nodes: Vec<_> =
        nodes.iter().map(|node| json!({ "path": node.path, "permissions": node.permissions() })).collect();
    let spec = json!({
        "cdiVersion": VERSION,
        "kind": KIND,
        "devices": [{ "name": DEVICE, "containerEdits": { "deviceNodes": device_nodes } }],
    });
    (!nodes.is_empty()).then(|| FileSpec::new(PATH, pretty(&spec)))
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
