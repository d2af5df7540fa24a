//! The agent and the daemonset's program for aarch64: built with this machine's toolchain where that can, else in a Debian chroot.

use std::fs;
use std::path::PathBuf;

use crate::chroot::Chroot;
use crate::error::Error;
use crate::package::{self, AGENT, Arch, DAEMONSET, STATIC};
use crate::place::Place;
use crate::{job, prerequisites, run};

const LINKER: &str = "aarch64-linux-gnu-gcc";
const LINKER_VARIABLE: &str = "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER";
/// A cold build of both takes minutes on 2 cores; one that takes this long hangs.
const MINUTES: u32 = 30;

/// The programs, and what runs them here.
#[derive(Debug)]
pub(crate) struct Built {
    agent: PathBuf,
    daemonset: PathBuf,
    /// The emulator; none where this machine is an aarch64 itself.
    emulator: Option<PathBuf>,
}

impl Built {
    /// Every program.
    pub(crate) fn binaries(self) -> Vec<PathBuf> {
        vec![self.agent, self.daemonset]
    }
}

/// Builds both, then runs the tests that look at it and start it.
pub(crate) fn test(place: &Place, target: &str) -> Result<(), Error> {
    let built = build(place)?;
    let mut variables =
        vec![("GPUNODE_AGENT_AARCH64", built.agent), ("GPUNODE_DAEMONSET_AARCH64", built.daemonset)];
    variables.extend(built.emulator.map(|emulator| ("GPUNODE_EMULATOR_AARCH64", emulator)));
    job::tests(place, 1, |name| name == target, &variables)
}

/// Builds the static release programs.
pub(crate) fn build(place: &Place) -> Result<Built, Error> {
    let triple = Arch::Aarch64.gnu();
    if Arch::native()? == Arch::Aarch64 {
        let (agent, daemonset) = both(|program| package::build_program(place, triple, program))?;
        return Ok(Built { agent, daemonset, emulator: None });
    }
    if package::has_target(place, triple)?
        && let (true, Some(emulator)) = (on_path(LINKER), emulator_on_path())
    {
        let (agent, daemonset) = both(|program| cross(place, triple, program))?;
        return Ok(Built { agent, daemonset, emulator: Some(emulator) });
    }
    prerequisites::install(place)?;
    in_chroot(place, triple)
}

/// One after the other: together, each would get what only the other asks of a library.
fn both(build: impl Fn(&str) -> Result<PathBuf, Error>) -> Result<(PathBuf, PathBuf), Error> {
    Ok((build(AGENT)?, build(DAEMONSET)?))
}

fn cross(place: &Place, triple: &str, program: &str) -> Result<PathBuf, Error> {
    let mut command = place.cargo("build");
    command.args(package::arguments(triple, program));
    command.env_remove("CARGO_ENCODED_RUSTFLAGS").env("RUSTFLAGS", STATIC).env(LINKER_VARIABLE, LINKER);
    run::go(&mut command)?;
    Ok(package::built(place, triple, program))
}

fn in_chroot(place: &Place, triple: &str) -> Result<Built, Error> {
    let chroot = Chroot::ready(place)?;
    // This machine's cargo knows how to reach the registry; the chroot's needs only what it fetched.
    run::go(place.cargo("fetch").args(["--locked", "--target", triple, "--target", Arch::native()?.gnu()]))?;
    let target = place.target.join(format!("sid-{}", chroot.key));
    fs::create_dir_all(&target).map_err(Error::file("create", &target))?;
    let (agent, daemonset) = both(|program| {
        let mut command = chroot.command(place, &target, MINUTES);
        command.arg(format!("RUSTFLAGS={STATIC}")).arg(format!("{LINKER_VARIABLE}={LINKER}"));
        command.args(["cargo", "build", "--offline"]).args(package::arguments(triple, program));
        run::go(&mut command)?;
        Ok(target.join(triple).join("release").join(program))
    })?;
    Ok(Built { agent, daemonset, emulator: Some(chroot.emulator()) })
}

fn on_path(program: &str) -> bool {
    run::succeeds(run::program(program).arg("--version"))
}

/// Debian names the static build with its suffix up to release 12, without after.
fn emulator_on_path() -> Option<PathBuf> {
    ["qemu-aarch64-static", "qemu-aarch64"].into_iter().find(|name| on_path(name)).map(PathBuf::from)
}
