//! Installs: from a repository, from a folder of packages, or by NVIDIA's `.run` file.

use gpunode_host::driver::packages::{
    Bound, Missing, Naming, Offered, Package, Purpose, Request, Resolved, fabric, resolve, upstream,
};
use gpunode_host::driver::{Action, Choice, Fabric, Manager, Plan, Platform, files, module_file};
use gpunode_host::spec::DriverModules;
use gpunode_host::versions::Version;
use gpunode_host::{image, reason};

use super::look::Seen;
use super::source::Source;
use super::{kernel, offline, run_file};
use crate::context::Context;
use crate::os::{FileSpec, Os};
use crate::packages::Packages;
use crate::step::Failure;

/// Free space below each of [`PLACES`], in bytes. A driver takes 1 GB when it is installed with its sources and modules,
/// and 0.4 GB while it is downloaded.
const ROOM: u64 = 1 << 30;
const PLACES: [&str; 2] = ["/usr", "/var"];
/// What Ubuntu's packages of prebuilt modules, their objects and their signatures are called.
const PREBUILT: [&str; 3] = ["linux-modules-nvidia-", "linux-objects-nvidia-", "linux-signatures-nvidia-"];

/// Installs the driver and what goes with it.
pub(super) fn driver(
    cx: &Context,
    os: &Os,
    seen: &Seen,
    plan: &Plan,
    choice: &Choice,
) -> Result<(), Failure> {
    room(os)?;
    if seen.observed.run_file && matches!(plan.driver, Action::Replace { .. }) {
        let message = "the driver that is there came by NVIDIA's .run file; run `nvidia-uninstall` first";
        return Err(Failure::new(&reason::PACKAGE_CONFLICT, "nvidia", message));
    }
    // First of all: a module that is built meanwhile may be loaded by udev.
    os.write(&FileSpec::new(files::MODPROBE, files::modprobe(choice, plan.fabric)))?;
    os.write(&FileSpec::new(files::MODULES_LOAD, files::modules_load(plan.fabric)))?;
    let _turn = cx.package_manager(os);
    if offline::is_run_file(cx) {
        from_run_file(cx, os, seen, plan, choice)?;
    } else {
        from_packages(cx, os, seen, plan, choice)?;
    }
    is_built(os, seen)
}

fn from_run_file(cx: &Context, os: &Os, seen: &Seen, plan: &Plan, choice: &Choice) -> Result<(), Failure> {
    kernel::is_complete(os, seen, plan.fabric)?;
    let name = offline::name(cx).unwrap_or_default();
    let version = run_file::fitting(offline::without_query(name), &seen.wish.version)?;
    let Some(file) = offline::get(cx, os)? else { return Ok(()) };
    run_file::install(os, &file.path, &version, choice)?;
    cx.note_source(image::Source {
        name: "nvidia-driver".to_owned(),
        from: file.name.clone(),
        sha256: file.sha256.clone(),
    });
    file.forget();
    Ok(())
}

fn from_packages(cx: &Context, os: &Os, seen: &Seen, plan: &Plan, choice: &Choice) -> Result<(), Failure> {
    let Some((platform, packages)) = seen.packages(cx, os) else { return Ok(()) };
    let source = Source::open(cx, os, seen, &packages, platform)?;
    let how = cx.spec().nvidia.modules;
    let purpose = Purpose {
        platform,
        wanted: seen.wish.version.clone(),
        modules: choice.modules,
        fabric: plan.fabric,
        gpus: seen.machine.generations(),
        toolkit: plan.toolkit,
        kernel: seen.kernel.clone(),
        build: how != DriverModules::Prebuilt,
        prebuilt: if how == DriverModules::Dkms { Vec::new() } else { source.prebuilt(&packages, seen)? },
    };
    let resolved = resolve(&purpose, source.offered()).map_err(|error| missing(&error))?;
    let first = kernel::packages(os, seen, (platform, plan.fabric), resolved.prebuilt, source.offered())?;
    if !first.is_empty() {
        // Not in one go: the driver's scripts build the module when they run, whatever else is still to be unpacked.
        source.install_first(&packages, &first, &resolved)?;
    }
    if let Action::Replace { from, .. } = &plan.driver {
        packages.remove(&left_over(&packages, from, &resolved)?)?;
    }
    source.install(&packages, &resolved)?;
    if module_file(os.root(), &seen.kernel).is_none() {
        // A run that was killed while the scripts ran leaves a package that is installed and has built nothing: the one
        // that leads is installed once more.
        source.install_again(&packages, &resolved)?;
    }
    source.note(cx, &resolved);
    // NCCL comes from the same archive, before or after.
    if !cx.spec().nccl.install {
        source.forget();
    }
    Ok(())
}

/// Packages of the driver that was there, whose names the new one does not have: they would stay, and be in its way. Where
/// names carry no branch, those of what comes along are the new one's, too.
fn left_over(packages: &Packages<'_>, from: &Version, resolved: &Resolved) -> Result<Vec<String>, Failure> {
    let installed = packages.installed(&["*nvidia*".to_owned()])?;
    let branch = format!("-{}", from.numbers()[0]);
    let stays = |package: &Package| {
        let is_new = resolved.packages.iter().any(|new| new.name == package.name);
        is_new || (resolved.naming == Naming::Bare && !package.name.contains(&branch))
    };
    // The packages of prebuilt modules have the kernel's version.
    let prebuilt = |package: &Package| PREBUILT.iter().any(|start| package.name.starts_with(start));
    let of_old = |package: &&Package| {
        upstream(&package.version).is_some_and(|version| version == *from) || prebuilt(package)
    };
    Ok(installed.iter().filter(of_old).filter(|p| !stays(p)).map(|package| package.name.clone()).collect())
}

/// What goes with a driver that is there already.
pub(super) fn additions(cx: &Context, os: &Os, seen: &Seen, plan: &Plan) -> Result<(), Failure> {
    if !plan.fix_fabric && !plan.toolkit {
        return Ok(());
    }
    let present =
        seen.state.loaded.as_ref().map(|driver| &driver.found.version).or(seen.state.installed.as_ref());
    let (Some(version), Some((platform, packages))) = (present, seen.packages(cx, os)) else { return Ok(()) };
    room(os)?;
    let _turn = cx.package_manager(os);
    let source = Source::open(cx, os, seen, &packages, platform)?;
    let needed = if plan.fix_fabric { plan.fabric } else { Fabric::None };
    let naming = naming(&packages, platform, version)?;
    let mut resolved =
        fabric(platform, version, needed, naming, source.offered()).map_err(|error| missing(&error))?;
    let first = kernel::packages(os, seen, (platform, needed), true, source.offered())?;
    if !first.is_empty() {
        source.install_first(&packages, &first, &resolved)?;
    }
    if plan.toolkit {
        resolved.packages.push(toolkit(version, source.offered())?);
    }
    source.install(&packages, &resolved)
}

/// Whose packages the driver came by.
fn naming(packages: &Packages<'_>, platform: Platform, driver: &Version) -> Result<Naming, Failure> {
    if platform.manager() == Manager::Dnf {
        return Ok(Naming::Rpm);
    }
    let bare = "nvidia-kernel-common";
    let server = format!("{bare}-{}-server", driver.numbers()[0]);
    let installed = packages.installed(&[bare.to_owned(), server.clone()])?;
    let has = |name: &str| installed.iter().any(|package| package.name == name);
    Ok(match (has(&server), has(bare)) {
        (true, _) => Naming::Server,
        (false, true) => Naming::Bare,
        (false, false) => Naming::Numbered,
    })
}

fn toolkit(driver: &Version, offered: &Offered) -> Result<Package, Failure> {
    let request = Request { names: vec!["nvidia-container-toolkit".into()], bound: Bound::Newest };
    request
        .find(driver, offered)
        .ok_or_else(|| missing(&Missing::Package { names: request.names.clone(), version: String::new() }))
}

/// DKMS's own failure is not one of the packages', whose scripts go on without a module.
fn is_built(os: &Os, seen: &Seen) -> Result<(), Failure> {
    if module_file(os.root(), &seen.kernel).is_some() || seen.observed.loader.is_some() {
        return Ok(());
    }
    kernel::has_headers(os, seen)?;
    let message = format!("there is no nvidia.ko below /lib/modules/{}", seen.kernel);
    Err(Failure::new(&reason::NVIDIA_MODULE_NOT_BUILT, "nvidia", message))
}

pub(super) fn missing(error: &Missing) -> Failure {
    Failure::of(&reason::PACKAGE_NOT_OFFERED, "packages", error)
}

/// Fails where there is not enough room, before anything is begun.
fn room(os: &Os) -> Result<(), Failure> {
    for place in PLACES {
        let Ok(space) = nix::sys::statvfs::statvfs(&os.root().follow(place)) else { continue };
        let free = space.blocks_available().saturating_mul(space.fragment_size());
        if free < ROOM {
            let message =
                format!("{} MiB are free below {place}, the driver needs {}", free >> 20, ROOM >> 20);
            return Err(Failure::new(&reason::DISK_FULL, place, message));
        }
    }
    Ok(())
}
