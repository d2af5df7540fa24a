//! The agent for aarch64: built with this machine's toolchain where that can, else in a Debian chroot.

use std::fs;
use std::path::PathBuf;

use crate::chroot::Chroot;
use crate::error::Error;
use crate::package::{self, AGENT, Arch, STATIC};
use crate::place::Place;
use crate::{job, prerequisites, run};

const LINKER: &str = "aarch64-linux-gnu-gcc";
const LINKER_VARIABLE: &str = "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER";
/// A cold build takes minutes on 2 cores; a build that takes this long hangs.
const MINUTES: u32 = 30;

/// The agent, and what runs it here.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) binary: PathBuf,
    /// The emulator; none where this machine is an aarch64 itself.
    emulator: Option<PathBuf>,
}

/// Builds the agent, then runs the tests that look at it and start it.
pub(crate) fn test(place: &Place, target: &str) -> Result<(), Error> {
    let built = build(place)?;
    let mut variables = vec![("GPUNODE_AGENT_AARCH64", built.binary)];
    variables.extend(built.emulator.map(|emulator| ("GPUNODE_EMULATOR_AARCH64", emulator)));
    job::tests(place, 1, |name| name == target, &variables)
}

/// Builds the static release agent.
pub(crate) fn build(place: &Place) -> Result<Built, Error> {
    let triple = Arch::Aarch64.gnu();
    if Arch::native()? == Arch::Aarch64 {
        return Ok(Built { binary: package::build(place, triple)?, emulator: None });
    }
    if package::has_target(place, triple)?
        && let (true, Some(emulator)) = (on_path(LINKER), emulator_on_path())
    {
        return Ok(Built { binary: cross(place, triple)?, emulator: Some(emulator) });
    }
    prerequisites::install(place)?;
    in_chroot(place, triple)
}

fn cross(place: &Place, triple: &str) -> Result<PathBuf, Error> {
    let mut command = place.cargo("build");
    command.args(package::arguments(triple, AGENT));
    command.env_remove("CARGO_ENCODED_RUSTFLAGS").env("RUSTFLAGS", STATIC).env(LINKER_VARIABLE, LINKER);
    run::go(&mut command)?;
    Ok(package::agent(place, triple))
}

fn in_chroot(place: &Place, triple: &str) -> Result<Built, Error> {
    let chroot = Chroot::ready(place)?;
    // This machine's cargo knows how to reach the registry; the chroot's needs only what it fetched.
    run::go(place.cargo("fetch").args(["--locked", "--target", triple, "--target", Arch::native()?.gnu()]))?;
    let target = place.target.join(format!("sid-{}", chroot.key));
    fs::create_dir_all(&target).map_err(Error::file("create", &target))?;
    let mut command = chroot.command(place, &target, MINUTES);
    command.arg(format!("RUSTFLAGS={STATIC}")).arg(format!("{LINKER_VARIABLE}={LINKER}"));
    command.args(["cargo", "build", "--offline"]).args(package::arguments(triple, AGENT));
    run::go(&mut command)?;
    let binary = target.join(triple).join("release").join(AGENT);
    Ok(Built { binary, emulator: Some(chroot.emulator()) })
}

fn on_path(program: &str) -> bool {
    run::succeeds(run::program(program).arg("--version"))
}

/// Debian names the static build with its suffix up to release 12, without after.
fn emulator_on_path() -> Option<PathBuf> {
    ["qemu-aarch64-static", "qemu-aarch64"].into_iter().find(|name| on_path(name)).map(PathBuf::from)
}
