//! NVIDIA's `.run` file: an installer with everything in it, for machines without a repository.

use std::time::Duration;

use gpunode_host::driver::{Choice, Modules, Wanted};
use gpunode_host::reason;
use gpunode_host::versions::Version;

use crate::os::{Cmd, Os};
use crate::step::{Failure, chain};

/// It unpacks a gigabyte and builds the modules by DKMS.
const DEADLINE: Duration = Duration::from_secs(1100);
const CHECK_DEADLINE: Duration = Duration::from_secs(120);
/// From this branch on the installer is told of the build by `--kernel-module-type`; before, by the folder that it is
/// built in (its own `--advanced-options`).
const TYPE_OPTION: u32 = 560;

/// The version in the file's name: `NVIDIA-Linux-x86_64-550.127.05.run`.
pub(super) fn version(path: &str) -> Option<Version> {
    let name = path.rsplit('/').next()?.strip_suffix(".run")?;
    name.rsplit('-').find_map(|word| word.parse().ok().filter(|v: &Version| v.numbers()[0] >= 100))
}

/// Before it is downloaded: whether it is, by its name, what is wanted.
pub(super) fn fitting(name: &str, wanted: &Wanted) -> Result<Version, Failure> {
    version(name).filter(|version| wanted.fits(version)).ok_or_else(|| {
        let message = format!("{name} is not, by its name, the NVIDIA driver {wanted}");
        Failure::new(&reason::PACKAGE_NOT_OFFERED, "nvidia.offline", message)
    })
}

/// Checks the file against the sum that it carries, then runs it. Whether it is NVIDIA's is the operator's to know: it is
/// a file of the machine, or one whose SHA-256 he gave.
pub(super) fn install(os: &Os, path: &str, version: &Version, choice: &Choice) -> Result<(), Failure> {
    if !os.root().exists(path) {
        let message = format!("{path} is not there");
        return Err(Failure::new(&reason::PACKAGE_NOT_OFFERED, "nvidia.offline", message));
    }
    let check = Cmd::new("sh").args([path, "--check"]).deadline(CHECK_DEADLINE);
    os.run(&check).map_err(|error| {
        let message = format!("{path} is not whole, so it was not run: {}", chain(&error));
        Failure::new(&reason::PACKAGE_SIGNATURE_WRONG, "nvidia.offline", message)
    })?;
    let build = match (choice.modules, version.numbers()[0] >= TYPE_OPTION) {
        (Modules::Open, true) => "--kernel-module-type=open",
        (Modules::Proprietary, true) => "--kernel-module-type=proprietary",
        (Modules::Open, false) => "--kernel-module-build-directory=kernel-open",
        (Modules::Proprietary, false) => "--kernel-module-build-directory=kernel",
    };
    let quiet = ["--silent", "--no-questions", "--ui=none", "--dkms", "--no-x-check", "--no-drm", build];
    os.run(&Cmd::new("sh").arg(path).args(quiet).deadline(DEADLINE))?;
    Ok(())
}
