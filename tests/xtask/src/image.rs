//! `cargo xtask image`: container images that hold one static program and nothing else, made without a container
//! engine. The same input gives the same digests, on any machine.

mod archive;
mod elf;
mod layout;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::error::Error;
use crate::package::{self, Arch};
use crate::place::Place;
use crate::run;

use elf::Processor;
use layout::Platform;

#[derive(Clone, Debug, Args)]
pub(crate) struct ImageArgs {
    /// A static binary for the image, one for each processor; default: this machine's is built
    #[arg(long, value_name = "PATH")]
    pub(crate) binary: Vec<PathBuf>,
    /// What the image is for
    #[arg(long, value_enum, default_value_t = Kind::Daemonset)]
    pub(crate) kind: Kind,
    /// Where it is written; default: `image/` in the target folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// The daemonset
    Daemonset,
    /// `gpunode-agent check` of the host below /.bottlerocket/rootfs, for a bootstrap container of Bottlerocket
    Check,
}

impl Kind {
    /// The program; its package and, in the image, its file have the same name.
    fn program(self) -> &'static str {
        match self {
            Self::Daemonset => "gpunode-daemonset",
            Self::Check => package::AGENT,
        }
    }

    /// The image's name.
    fn name(self) -> &'static str {
        match self {
            Self::Daemonset => "gpunode-daemonset",
            Self::Check => "gpunode-check",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::Daemonset => "Health of GPUs, EFA and disks of an EKS node",
            Self::Check => "One look at the GPUs, EFA and disks of a Bottlerocket host at boot",
        }
    }

    fn entrypoint(self) -> Vec<String> {
        let program = format!("/{}", self.program());
        let words: &[&str] = match self {
            Self::Daemonset => &[],
            // Where Bottlerocket mounts the host's root into a bootstrap container (its documentation).
            Self::Check => &["check", "--root", "/.bottlerocket/rootfs"],
        };
        std::iter::once(program).chain(words.iter().map(|word| (*word).to_owned())).collect()
    }
}

/// What an image is made of.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    pub(crate) kind: Kind,
    pub(crate) version: String,
    /// The commit, where it is known.
    pub(crate) revision: Option<String>,
    /// Seconds since 1970: of every file, and when the image was "created".
    pub(crate) epoch: u64,
}

pub(crate) fn run(place: &Place, args: &ImageArgs) -> Result<(), Error> {
    let binaries = if args.binary.is_empty() {
        vec![package::build_program(place, Arch::native()?.gnu(), args.kind.program())?]
    } else {
        args.binary.clone()
    };
    let out = args.out.clone().unwrap_or_else(|| folder(place, args.kind));
    for line in make(&recipe(place, args.kind)?, &binaries, &out)? {
        println!("{line}");
    }
    Ok(())
}

/// Makes the daemonset's image of a program that was built before; returns its layout.
pub(crate) fn of_daemonset(place: &Place, binary: PathBuf) -> Result<PathBuf, Error> {
    let out = folder(place, Kind::Daemonset);
    make(&recipe(place, Kind::Daemonset)?, &[binary], &out)?;
    Ok(out.join(LAYOUT))
}

/// The folder of the image's layout.
const LAYOUT: &str = "oci";

fn folder(place: &Place, kind: Kind) -> PathBuf {
    place.target.join("image").join(kind.name())
}

fn recipe(place: &Place, kind: Kind) -> Result<Recipe, Error> {
    let revision = run::read(place.program("git").args(["rev-parse", "HEAD"])).ok();
    Ok(Recipe {
        kind,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: revision.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
        epoch: Place::epoch()?,
    })
}

/// Says that a folder was made by [`make`].
const MARK: &str = ".made-by-xtask-image";

/// Makes the image in `out`, which is emptied of an earlier one. Returns what there is to say of it.
pub(crate) fn make(recipe: &Recipe, binaries: &[PathBuf], out: &Path) -> Result<Vec<String>, Error> {
    let mut programs = binaries.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    programs.sort_by_key(|(processor, _)| *processor);
    if let Some(pair) = programs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(Error::Advice(format!("two of the binaries are for {}", pair[0].0.name())));
    }
    let platforms = programs
        .iter()
        .map(|(processor, bytes)| Platform::new(recipe, *processor, bytes))
        .collect::<Result<Vec<_>, _>>()?;
    // Only what an earlier run has made is removed.
    let mark = out.join(MARK);
    if mark.exists() {
        fs::remove_dir_all(out).map_err(Error::file("remove", out))?;
    }
    let digest = layout::write(recipe, &platforms, &out.join(LAYOUT))?;
    fs::write(&mark, "").map_err(Error::file("write", &mark))?;
    let name = recipe.kind.name();
    let mut lines = vec![format!("{}", out.join(LAYOUT).display()), format!("  digest  {digest}")];
    for platform in &platforms {
        let path = out.join(format!("{name}-{}.tar", platform.processor.name()));
        let archive = archive::docker(&format!("{name}:{}", recipe.version), platform, recipe.epoch)
            .map_err(Error::file("write", &path))?;
        fs::write(&path, &archive).map_err(Error::file("write", &path))?;
        lines.push(format!("{}", path.display()));
        lines.push(format!("  image   {}", platform.config.digest()));
        lines.push(format!("  layer   {} bytes", platform.layer.bytes.len()));
    }
    Ok(lines)
}

fn read(path: &Path) -> Result<(Processor, Vec<u8>), Error> {
    let bytes = fs::read(path).map_err(Error::file("read", path))?;
    let processor = elf::processor_of_static(&bytes)
        .map_err(|problem| Error::Advice(format!("{}: {problem}", path.display())))?;
    Ok((processor, bytes))
}
