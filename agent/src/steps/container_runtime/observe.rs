//! What is on this machine.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use super::containerd::{self, NVIDIA_RUNTIME, Version};
use super::plan::{Machine, NODEADM_FILE};
use super::{cdi, soci};
use crate::os::{Cmd, FileSpec, Os};
use crate::step::Failure;
use crate::steps::node_config::{DROP_INS, NODEADM, OURS, Others};
use crate::steps::systemd;

/// A version is printed in milliseconds; on a cold disk in a second or two.
const VERSION_DEADLINE: Duration = Duration::from_secs(10);
/// Written when the EKS image was built.
const KUBELET_VERSION: &str = "/etc/eks/kubelet-version.txt";

/// Looks at the machine. `node_configs` are the parts of the user data that nodeadm reads.
pub(super) fn observe(os: &Os, node_configs: &[String]) -> Result<Machine, Failure> {
    let root = os.root();
    let nodeadm = root.exists(NODEADM);
    Ok(Machine {
        containerd: version(os, "containerd")?,
        config: root.read_text(containerd::CONFIG)?,
        nodeadm,
        kubelet: if nodeadm { kubelet(os)? } else { None },
        others_config: if nodeadm { others(os, node_configs)?.containerd_config } else { String::new() },
        nvidia_runtime: root.exists(NVIDIA_RUNTIME),
        soci: os.has_program(soci::PROGRAM) && systemd::has_unit(root, soci::UNIT),
        soci_config: root.read_text(soci::CONFIG)?,
        unpigz: root.exists(soci::UNPIGZ),
        nodes: cdi::discover(root),
    })
}

fn version(os: &Os, program: &str) -> Result<Option<Version>, Failure> {
    if !os.has_program(program) {
        return Ok(None);
    }
    let output = os.run(&Cmd::new(program).arg("--version").deadline(VERSION_DEADLINE))?;
    Ok(Version::find(&output.stdout))
}

fn kubelet(os: &Os) -> Result<Option<Version>, Failure> {
    match os.root().value(KUBELET_VERSION).and_then(|text| Version::find(&text)) {
        Some(version) => Ok(Some(version)),
        None => version(os, "kubelet"),
    }
}

/// What others say. A document that is not YAML is told by the kubelet's step, and says nothing here.
fn others(os: &Os, node_configs: &[String]) -> Result<Others, Failure> {
    let mut others = Others::default();
    for text in node_configs {
        let _ = others.add(text);
    }
    for name in os.root().list(DROP_INS).iter().filter(|name| !name.contains(OURS) && *name != NODEADM_FILE) {
        let _ = others.add(&os.root().read_text(format!("{DROP_INS}/{name}"))?.unwrap_or_default());
    }
    Ok(others)
}

/// The first of the files that containerd has not read: it was changed after containerd started.
pub(super) fn unread<'a>(os: &Os, files: &'a [FileSpec], since: u64) -> Option<&'a FileSpec> {
    files.iter().filter(|file| is_read_at_start(&file.path)).find(|file| {
        let changed = os.root().metadata(&file.path).map_or(0, |meta| meta.mtime());
        u64::try_from(changed).is_ok_and(|changed| changed > since)
    })
}

/// containerd looks at CDI files whenever a container is made, and at its own files when it starts.
pub(super) fn is_read_at_start(path: &Path) -> bool {
    path != Path::new(cdi::PATH)
}
