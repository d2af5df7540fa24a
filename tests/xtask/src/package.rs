//! `cargo xtask package`: the static release binaries.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::place::Place;
use crate::{aarch64, run};

/// The program that boots a node.
pub(crate) const AGENT: &str = "gpunode-agent";
/// The program that reports its health; its container image holds nothing else.
pub(crate) const DAEMONSET: &str = "gpunode-daemonset";
/// The C library goes into the binary, so that it runs on any distribution and without one. Its relocations are packed
/// (a third of a megabyte): glibc 2.36 and newer, that of Debian 12, undoes that at the start of a static program.
pub(crate) const STATIC: &str = "-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs";
/// Functions that come to the same code are one (65 KB of the agent). LLD can do that, which the toolchain links with for
/// this target alone. Nothing here compares functions by their addresses.
const FOLDED: (&str, &str) = ("x86_64-unknown-linux-gnu", "-C link-arg=-Wl,--icf=all,-O2");

/// What the daemonset does every second is worth the larger form of the library, and what the agent does once is not.
/// For aarch64 both take the small one: the larger costs LLVM 22 half an hour.
const SMALL: &str = "profile.release.package.gpunode-host.opt-level='z'";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arch {
    #[value(name = "x86_64")]
    X86_64,
    #[value(name = "aarch64")]
    Aarch64,
}

impl Arch {
    /// This machine's.
    pub(crate) fn native() -> Result<Self, Error> {
        Self::from_str(std::env::consts::ARCH, false)
            .map_err(|_| Error::Advice(format!("gpunode is not built for {}", std::env::consts::ARCH)))
    }

    pub(crate) fn gnu(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-linux-gnu",
            Self::Aarch64 => "aarch64-unknown-linux-gnu",
        }
    }

    fn musl(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-linux-musl",
            Self::Aarch64 => "aarch64-unknown-linux-musl",
        }
    }
}

pub(crate) fn run(place: &Place, arch: Option<Arch>) -> Result<(), Error> {
    let native = Arch::native()?;
    let arch = arch.unwrap_or(native);
    let binaries = match arch {
        Arch::Aarch64 if native != arch => aarch64::build(place)?.binaries(),
        _ if native == arch => self::native(place)?,
        _ => {
            return Err(Error::Advice(format!("the {} binary is built on that processor only", arch.gnu())));
        }
    };
    binaries.iter().try_for_each(|binary| describe(binary))
}

/// This machine's release programs; the agent also linked with musl where the toolchain has that target.
pub(crate) fn native(place: &Place) -> Result<Vec<PathBuf>, Error> {
    let arch = Arch::native()?;
    let mut binaries = vec![build(place, arch.gnu())?, build_program(place, arch.gnu(), DAEMONSET)?];
    if has_target(place, arch.musl())? {
        binaries.push(build(place, arch.musl())?);
    }
    Ok(binaries)
}

/// What cargo is told for a release program, wherever it runs.
pub(crate) fn arguments<'a>(triple: &'a str, program: &'a str) -> Vec<&'a str> {
    let mut arguments = vec!["--locked", "--release", "--target", triple, "-p", program];
    if program == AGENT || triple == Arch::Aarch64.gnu() {
        arguments.extend(["--config", SMALL]);
    }
    arguments
}

/// The agent.
pub(crate) fn build(place: &Place, triple: &str) -> Result<PathBuf, Error> {
    build_program(place, triple, AGENT)
}

/// The one documented way to build a program by hand, and the one that is tested (with `--locked`). One at a time: built
/// together, each would get what only the other asks of a library.
pub(crate) fn build_program(place: &Place, triple: &str, program: &str) -> Result<PathBuf, Error> {
    let mut command = place.cargo("build");
    command.args(arguments(triple, program));
    // Takes precedence over RUSTFLAGS, so a caller's value would undo ours.
    command.env_remove("CARGO_ENCODED_RUSTFLAGS");
    let (linked_by_lld, folded) = FOLDED;
    let flags = if triple == linked_by_lld { format!("{STATIC} {folded}") } else { STATIC.to_owned() };
    run::go(command.env("RUSTFLAGS", flags))?;
    Ok(built(place, triple, program))
}

/// Where [`build`] leaves the agent.
pub(crate) fn agent(place: &Place, triple: &str) -> PathBuf {
    built(place, triple, AGENT)
}

/// Where [`native`] leaves a program.
pub(crate) fn built(place: &Place, triple: &str, program: &str) -> PathBuf {
    place.target.join(triple).join("release").join(program)
}

/// Whether the compiler at hand has a standard library for `triple`.
pub(crate) fn has_target(place: &Place, triple: &str) -> Result<bool, Error> {
    let folder = run::read(place.program("rustc").args(["--print", "target-libdir", "--target", triple]))?;
    Ok(Path::new(folder.trim()).is_dir())
}

/// Pages with parts that are made from the agent's own tables.
const PAGES: [&str; 3] = ["README.md", "agent/RULES.md", "agent/CHECK.md"];

/// Fills the reference parts of every page from the agent's own tables.
pub(crate) fn readme(place: &Place) -> Result<(), Error> {
    let agent = build(place, Arch::native()?.gnu())?;
    for page in PAGES {
        let mut command = place.cargo("run");
        command.args(["--locked", "--quiet", "--package", "gpunode-tests", "--bin", "readme", "--"]);
        run::go(command.arg(place.clone.join(page)).arg(&agent))?;
    }
    Ok(())
}

/// Makes what of `manifests/` is made: from the programs' own tables, and with helm from the chart.
pub(crate) fn manifests(place: &Place) -> Result<(), Error> {
    let mut command = place.cargo("run");
    command.args(["--locked", "--quiet", "--package", "gpunode-tests", "--bin", "manifests", "--"]);
    run::go(command.arg(place.clone.join("manifests")))
}

fn describe(binary: &Path) -> Result<(), Error> {
    let bytes = fs::read(binary).map_err(Error::file("read", binary))?;
    println!("{}", binary.display());
    println!("  size    {} bytes", bytes.len());
    println!("  sha256  {}", hex(&Sha256::digest(&bytes)));
    Ok(())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
