//! What is there, for the decision.

use std::sync::Arc;

use gpunode_host::efa;
use gpunode_host::efa::install::{self, Decision, Place, Seen, Wanted};
use gpunode_host::rdma::queue_pairs;
use gpunode_host::root::ReadError;

use crate::context::Context;
use crate::os::Os;
use crate::steps::efas;

pub(super) const MODULE: &str = "/sys/module/efa";

pub(super) fn decide(cx: &Context, os: &Os) -> Result<Decision, ReadError> {
    let spec = &cx.spec().efa;
    let versions = cx.versions(os.root());
    let wanted =
        Wanted { install: spec.install, version: &spec.installer_version, mode: spec.installer_mode };
    let seen = Seen {
        installer: versions.efa_installer.as_ref(),
        // A module of the builder's kernel is not one of the image.
        module: os.root().exists(MODULE) && !cx.makes_image(),
        libfabric: versions.libfabric.is_some(),
        os: versions.os.as_ref(),
        functions: efas::on_bus(os)?,
        in_use: in_use(os),
        place: match (cx.makes_image(), efas::has_kernel(os)) {
            (true, true) => Place::Builder,
            (false, true) => Place::Node,
            (_, false) => Place::Tree,
        },
    };
    Ok(install::decide(&wanted, &seen))
}

/// Whether programs hold queue pairs on EFA devices; `None` where the kernel does not tell. The kernel that is asked is
/// the running one, so of a tree nothing is said.
pub(super) fn in_use(os: &Os) -> Option<bool> {
    if !os.root().is_host() {
        return Some(false);
    }
    let names: Vec<_> = efa::names(os.root()).ok()?.into_iter().map(Arc::from).collect();
    if names.is_empty() { Some(false) } else { queue_pairs::held(&names) }
}
