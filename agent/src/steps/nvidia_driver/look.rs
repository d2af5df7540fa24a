//! What is on this machine, and what is wanted of it.

use std::time::Duration;

use gpunode_host::catalog::{self, Architecture};
use gpunode_host::driver::{
    self, FabricManager, Generation, Machine, Manager, Modules, Observed, Platform, Policy, State, Wanted,
    Wish,
};
use gpunode_host::gpu_pci::{self, GpuPci};
use gpunode_host::spec::{DriverFlavour, DriverInstall};
use gpunode_host::versions::Version;

use super::offline;
use crate::context::Context;
use crate::os::{Cmd, Os};
use crate::packages::Packages;

/// It prints its version without a look at the hardware.
const VERSION_DEADLINE: Duration = Duration::from_secs(10);
const FABRIC_MANAGER: &str = "nv-fabricmanager";

/// All that was looked at.
pub(super) struct Seen {
    pub(super) machine: Machine,
    pub(super) wish: Wish,
    pub(super) state: State,
    pub(super) observed: Observed,
    /// Release of the running kernel; empty where it is not known. Of an image that is made in a tree whose kernel does
    /// not run, the newest that is installed.
    pub(super) kernel: String,
    /// An image is made: nothing is loaded, and what is loaded is the builder's.
    pub(super) for_image: bool,
    /// The driver comes by NVIDIA's `.run` file, which holds nothing beside it.
    pub(super) by_run_file: bool,
}

impl Seen {
    pub(super) fn look(cx: &Context, os: &Os) -> Self {
        Self::beside(cx, os, &gpus(cx, os))
    }

    /// All but the GPUs.
    pub(super) fn beside(cx: &Context, os: &Os, gpus: &[GpuPci]) -> Self {
        let versions = cx.versions(os.root());
        let for_image = cx.makes_image();
        let running = versions.kernel.as_ref().map(ToString::to_string);
        let kernel = running.or_else(|| newest_kernel(os).filter(|_| for_image)).unwrap_or_default();
        let observed = Observed::read(os.root(), &kernel);
        let machine = machine(cx, os, gpus);
        let state = State {
            loaded: versions.nvidia.clone().filter(|_| !for_image),
            installed: observed.installed(&machine.generations()).cloned(),
            laid_over: !observed.laid_over.is_empty(),
            fabric_manager: fabric_manager(os, &observed),
            subnet_manager: observed.subnet_manager,
            umad: observed.umad || for_image,
            toolkit: observed.toolkit || versions.container_toolkit.runtime.is_some(),
            users: driver::users(os.root()),
        };
        Self {
            machine,
            wish: wish(cx),
            state,
            observed,
            kernel,
            for_image,
            by_run_file: offline::is_run_file(cx),
        }
    }

    /// The platform and its package manager.
    pub(super) fn packages<'a>(&self, cx: &Context, os: &'a Os) -> Option<(Platform, Packages<'a>)> {
        let platform = self.machine.platform?;
        Some((platform, packages(cx, os, platform.manager())))
    }
}

fn newest_kernel(os: &Os) -> Option<String> {
    os.root().list("/lib/modules").into_iter().max_by_key(|name| name.parse::<Version>().ok())
}

fn packages<'a>(cx: &Context, os: &'a Os, manager: Manager) -> Packages<'a> {
    Packages::new(os, manager, Duration::from_secs(cx.spec().packages.lock_seconds))
}

/// The GPUs on the bus. An image is made on whatever is cheap: the builder's GPUs are not those that it is for.
pub(super) fn gpus(cx: &Context, os: &Os) -> Vec<GpuPci> {
    if cx.makes_image() { Vec::new() } else { gpu_pci::devices(os.root()) }
}

fn machine(cx: &Context, os: &Os, gpus: &[GpuPci]) -> Machine {
    let release = cx.versions(os.root()).os.clone();
    let mut distro = release.as_ref().map_or_else(
        || "a system that does not tell its name".to_owned(),
        |release| {
            if release.pretty_name.is_empty() { release.id.clone() } else { release.pretty_name.clone() }
        },
    );
    let mut platform = release.and_then(|release| Platform::of(&release, arch()));
    if let Some(known) = platform
        && !packages(cx, os, known.manager()).are_there()
    {
        let missing = match known.manager() {
            Manager::Dnf => "dnf and rpm",
            Manager::Apt => "apt-get and dpkg",
        };
        distro = format!("{distro} without {missing}");
        platform = None;
    }
    let known = cx.facts().and_then(|facts| facts.catalog.clone());
    if cx.makes_image() {
        let models = known.iter().flat_map(|kind| &kind.gpus);
        let gpus = models.map(|gpu| Generation::of_model(&gpu.name)).collect();
        return Machine { platform, distro, kind: known, gpus };
    }
    let gpus: Vec<_> = gpus.iter().map(|gpu| Generation::of(gpu.device_id)).collect();
    // An image is baked on whatever is cheap, for the type that the configuration names.
    let baked_for = cx.spec().instance.expected_type.as_deref().filter(|_| gpus.is_empty());
    let kind = baked_for.and_then(catalog::find).or(known);
    Machine { platform, distro, kind, gpus }
}

/// The agent is built for the processor it runs on.
fn arch() -> Architecture {
    if cfg!(target_arch = "aarch64") { Architecture::Arm64 } else { Architecture::X86_64 }
}

fn wish(cx: &Context) -> Wish {
    let spec = &cx.spec().nvidia;
    Wish {
        // The check of the setting lets nothing else through.
        version: Wanted::parse(&spec.driver_version).unwrap_or(Wanted::Latest),
        modules: match spec.flavour {
            DriverFlavour::Auto => None,
            DriverFlavour::Open => Some(Modules::Open),
            DriverFlavour::Proprietary => Some(Modules::Proprietary),
        },
        policy: match spec.install {
            DriverInstall::Auto => Policy::Auto,
            DriverInstall::Never => Policy::Never,
            DriverInstall::Replace => Policy::Replace,
        },
    }
}

/// The fabric manager says its version itself, however it came.
fn fabric_manager(os: &Os, observed: &Observed) -> FabricManager {
    if !observed.fabric_manager {
        return FabricManager::Absent;
    }
    let command = Cmd::new(FABRIC_MANAGER).arg("--version").deadline(VERSION_DEADLINE);
    let output = os.run_any(&command).map(|output| output.stdout).unwrap_or_default();
    parse(&output).map_or(FabricManager::Silent, FabricManager::Version)
}

/// `Fabric Manager version is : 550.127.05`
fn parse(output: &str) -> Option<Version> {
    let line = output.lines().find(|line| line.contains("version"))?;
    line.split_whitespace().filter_map(|word| word.parse().ok()).find(|v: &Version| v.as_str().contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fabric_manager_s_version() {
        assert_eq!(parse("Fabric Manager version is : 550.127.05\n").unwrap().as_str(), "550.127.05");
        assert_eq!(parse("usage: 1.2\n"), None);
        assert_eq!(parse(""), None);
    }
}
