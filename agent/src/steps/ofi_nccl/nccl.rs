//! NCCL itself, where it is wanted on the host.

use gpunode_host::nccl::package;
use gpunode_host::spec::DriverInstall;
use gpunode_host::versions::Versions;
use gpunode_host::{Finding, reason};

use crate::context::Context;
use crate::os::Os;
use crate::step::Failure;
use crate::steps::nvidia_driver;

/// What is to be done about it.
pub(super) enum State {
    /// It is right, or nobody asked for it.
    Right,
    /// To be installed, in this version.
    ToInstall(String),
    /// It cannot be installed: what is told.
    Lacking(Finding),
}

/// Looks. It is installed as a package from where the driver's packages come from. One that came another way, by hand or
/// with CUDA's archive, stays: a second copy beside it would be the one that nobody knows of.
pub(super) fn look(cx: &Context, os: &Os, versions: &Versions) -> State {
    let spec = cx.spec();
    if !spec.nccl.install {
        return State::Right;
    }
    let text = &spec.nccl.version;
    let wanted = text.split('-').next().unwrap_or_default();
    let found = versions.nccl.as_ref();
    if found.is_some_and(|found| wanted.parse().is_ok_and(|wanted| found.version == wanted)) {
        return State::Right;
    }
    let packaged =
        found.is_none_or(|found| found.path.starts_with("/usr/lib") || found.path.starts_with("/usr/lib64"));
    let may = spec.nvidia.install != DriverInstall::Never;
    if may && packaged && nvidia_driver::beside::manager(cx, os).is_some() {
        return State::ToInstall(text.clone());
    }
    let there =
        found.map_or_else(|| "none is there".to_owned(), |found| format!("{} is there", found.version));
    State::Lacking(Finding::new(&reason::NCCL_ABSENT, "nccl", format!("nccl.version is {wanted}, {there}")))
}

pub(super) fn install(cx: &Context, os: &Os, version: &str) -> Result<(), Failure> {
    let Some(manager) = nvidia_driver::beside::manager(cx, os) else { return Ok(()) };
    nvidia_driver::beside::install(cx, os, package::name(manager), version, &|manager, branch, offered| {
        package::choose(manager, version, branch.map(package::cuda_of), offered)
    })?;
    cx.forget_versions();
    Ok(())
}
