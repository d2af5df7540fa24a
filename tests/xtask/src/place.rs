//! Where things are: the clone, the cache outside it, and cargo's target folder. The one reader of the environment.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::fcntl::{Flock, FlockArg};

use crate::error::Error;
use crate::run;

const INCREMENTAL: &str = "CARGO_INCREMENTAL";
/// The largest time of a file in a tar archive of 1988: eleven octal digits.
const MAX_EPOCH: u64 = 0o777_7777_7777;

/// The folders every job works with.
#[derive(Debug)]
pub(crate) struct Place {
    /// The root of the clone.
    pub(crate) clone: PathBuf,
    /// Holds what is downloaded or built and worth keeping; safe to delete at any time.
    pub(crate) cache: PathBuf,
    /// Cargo's target folder: the caller's `CARGO_TARGET_DIR`, or one per compiler version in the cache.
    pub(crate) target: PathBuf,
    /// Cargo's home, with the registry's downloads.
    pub(crate) cargo_home: PathBuf,
}

impl Place {
    pub(crate) fn find() -> Result<Self, Error> {
        let manifest = variable("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let clone =
            manifest.ancestors().nth(2).map(Path::to_owned).ok_or_else(|| {
                Error::Advice(format!("{} is not tests/xtask of a clone", manifest.display()))
            })?;
        let home = variable("HOME");
        let in_home = |name: &str| home.as_ref().map(|home| home.join(name));
        let unknown = |what: &str| Error::Advice(format!("set HOME or {what}: neither is set"));
        let cache = variable("XDG_CACHE_HOME").or_else(|| in_home(".cache"));
        let cache = cache.ok_or_else(|| unknown("XDG_CACHE_HOME"))?.join("gpunode");
        let cargo_home = variable("CARGO_HOME").or_else(|| in_home(".cargo"));
        let cargo_home = cargo_home.ok_or_else(|| unknown("CARGO_HOME"))?;
        let target = match variable("CARGO_TARGET_DIR") {
            Some(target) => std::path::absolute(&target).map_err(Error::file("find", target))?,
            None => cache.join(format!("target-{}", compiler_version(&clone)?)),
        };
        for folder in [&cache, &target] {
            fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
        }
        Ok(Self { clone, cache, target, cargo_home })
    }

    /// `SOURCE_DATE_EPOCH`, seconds since 1970 (reproducible-builds.org): the time of what is made; 0 where it is not set.
    pub(crate) fn epoch() -> Result<u64, Error> {
        let Some(text) = variable("SOURCE_DATE_EPOCH") else { return Ok(0) };
        let number = text.to_str().and_then(|text| text.parse().ok()).filter(|epoch| *epoch <= MAX_EPOCH);
        number.ok_or_else(|| {
            let text = text.display();
            Error::Advice(format!("SOURCE_DATE_EPOCH is `{text}`, not seconds from 0 to {MAX_EPOCH}"))
        })
    }

    /// One run at a time per target folder: two clones that share it would swap each other's release binaries.
    pub(crate) fn lock(&self) -> Result<Flock<File>, Error> {
        lock(&self.target.join("xtask.lock"))
    }

    /// A program that runs in the clone.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = run::program(name);
        command.current_dir(&self.clone);
        command
    }

    /// Cargo with our target folder. `--locked` comes with each subcommand that knows it: what is checked is
    /// what `Cargo.lock` says. A run compiles all of the workspace or nothing of it, so what an incremental compiler writes
    /// down for the next edit costs a quarter more time and gigabytes of the cache; the caller's word counts more.
    pub(crate) fn cargo(&self, subcommand: &str) -> Command {
        let mut command = self.program("cargo");
        command.arg(subcommand).env("CARGO_TARGET_DIR", &self.target);
        if variable(INCREMENTAL).is_none() {
            command.env(INCREMENTAL, "0");
        }
        command
    }
}

/// Holds the file at `path` locked until the value is dropped or the process ends.
pub(crate) fn lock(path: &Path) -> Result<Flock<File>, Error> {
    let open = || File::create(path).map_err(Error::file("create", path));
    if let Ok(lock) = Flock::lock(open()?, FlockArg::LockExclusiveNonblock) {
        return Ok(lock);
    }
    eprintln!("xtask: waiting for the run that holds {}", path.display());
    Flock::lock(open()?, FlockArg::LockExclusive)
        .map_err(|(_, errno)| Error::file("lock", path)(errno.into()))
}

fn compiler_version(clone: &Path) -> Result<String, Error> {
    let mut command = run::program("rustc");
    let text = run::read(command.arg("--version").current_dir(clone))?;
    text.split_whitespace()
        .nth(1)
        .map(str::to_owned)
        .ok_or_else(|| Error::Output { line: "rustc --version".into(), what: text.clone() })
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).map(PathBuf::from)
}
