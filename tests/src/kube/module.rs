//! What is built or fetched with Go, once, and kept.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest as _, Sha256};

use super::Error;
use super::error::at;
use super::tools::{finish, program};
use crate::binary;

/// What the modules in `tests/kube` say in their `go` line.
pub(super) const GO: &str = "1.26";

/// What one Go module gives.
pub(super) struct Module {
    /// Its folder in `tests/kube`.
    pub(super) folder: &'static str,
    pub(super) version: &'static str,
    /// `-ldflags` that say which version it is.
    pub(super) flags: &'static str,
    /// Build tags, one comma between two.
    pub(super) tags: &'static str,
    /// It has parts in C.
    pub(super) with_c: bool,
    pub(super) gives: Gives,
}

/// What is kept of a module.
pub(super) enum Gives {
    /// Programs that are built together, since they share most of their packages.
    Programs(&'static [&'static str]),
    /// The files in a folder of a module that this one names; nothing is built.
    Files { module: &'static str, folder: &'static str },
}

impl Module {
    /// The folder with its programs; built first if need be, which takes about five minutes for the API server.
    pub(super) fn get(&self) -> Result<PathBuf, Error> {
        let source = binary::bed().join("kube").join(self.folder);
        let cache = cache()?;
        let folder = cache.join(self.key(&source)?);
        if folder.exists() {
            return Ok(folder);
        }
        let path = cache.join(format!("{}.lock", self.folder));
        let file = File::create(&path).map_err(at(&path))?;
        let _builder =
            Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| at(&path)(errno.into()))?;
        // Another process may have built it while this one waited.
        if !folder.exists() {
            let scratch =
                tempfile::Builder::new().prefix("building-").tempdir_in(&cache).map_err(at(&cache))?;
            let out = scratch.path().join("out");
            fs::create_dir(&out).map_err(at(&out))?;
            match &self.gives {
                Gives::Programs(packages) => self.build(packages, &source, &out)?,
                Gives::Files { module, folder } => fetch(module, folder, &source, &out)?,
            }
            // Under another name until it is complete: an interrupted build leaves nothing that looks finished.
            fs::rename(&out, &folder).map_err(at(&folder))?;
        }
        Ok(folder)
    }

    /// Changes with the module, so that a changed one is built anew.
    fn key(&self, source: &Path) -> Result<String, Error> {
        let mut hash = Sha256::new();
        let mut files = vec![source.join("go.mod"), source.join("go.sum")];
        match &self.gives {
            // A package of the module itself is one file.
            Gives::Programs(packages) => files.extend(
                packages
                    .iter()
                    .filter_map(|it| it.strip_prefix("./"))
                    .map(|it| source.join(it).join("main.go")),
            ),
            // Of one module several folders may be kept, each by itself.
            Gives::Files { folder, .. } => hash.update(folder),
        }
        for path in files {
            hash.update(fs::read(&path).map_err(at(&path))?);
        }
        hash.update(self.flags);
        hash.update(self.tags);
        let digest = hash.finalize();
        let start = digest.iter().take(4).fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
        Ok(format!("{}-{}-{start:08x}", self.folder, self.version))
    }

    fn build(&self, packages: &[&str], source: &Path, out: &Path) -> Result<(), Error> {
        eprintln!("building {} of {}: once, some minutes", packages.join(" and "), source.display());
        let mut command = program("go");
        command.args([
            "build",
            "-mod=readonly",
            "-trimpath",
            "-buildvcs=false",
            "-tags",
            self.tags,
            "-ldflags",
            self.flags,
            "-o",
        ]);
        command.arg(out.join("")).args(packages);
        command.current_dir(source).env("CGO_ENABLED", if self.with_c { "1" } else { "0" });
        let output =
            command.output().map_err(|error| Error::Missing(format!("go: {error}; {}", advice())))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Error::Program {
                program: "go build".to_owned(),
                detail: format!("{said}\n{}", advice()),
            });
        }
        Ok(())
    }
}

/// Copies the files in `folder` of `module`, whose checksum the `go.sum` in `source` has, into `out`.
fn fetch(module: &str, folder: &str, source: &Path, out: &Path) -> Result<(), Error> {
    let mut command = program("go");
    command.args(["mod", "download", "-json", module]).current_dir(source);
    let said = finish(command)?;
    let unread = |detail: String| Error::Program { program: "go mod download".to_owned(), detail };
    let about: serde_json::Value = serde_json::from_str(&said).map_err(|error| unread(error.to_string()))?;
    let from = about["Dir"].as_str().ok_or_else(|| unread(said.clone()))?;
    copy(&Path::new(from).join(folder), out)
}

/// Copies what is in the folder `from` into the folder `to`. What Go keeps is read-only, and the copies are not.
fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(from).map_err(at(from))? {
        let path = entry.map_err(at(from))?.path();
        let Some(name) = path.file_name() else { continue };
        let copied = to.join(name);
        if path.is_dir() {
            fs::create_dir(&copied).map_err(at(&copied))?;
            copy(&path, &copied)?;
        } else {
            fs::write(&copied, fs::read(&path).map_err(at(&path))?).map_err(at(&copied))?;
        }
    }
    Ok(())
}

fn advice() -> String {
    format!(
        "install Go {GO} or later, or name a folder with etcd, kube-apiserver and kubectl in KUBEBUILDER_ASSETS \
         (`setup-envtest use 1.36 -p path` downloads one)"
    )
}

/// `$XDG_CACHE_HOME/gpunode/kube`, by default below `~/.cache`; made if it is not there.
fn cache() -> Result<PathBuf, Error> {
    let home = || binary::variable("HOME").map(|home| home.join(".cache"));
    let base = binary::variable("XDG_CACHE_HOME").or_else(home);
    let base = base.ok_or_else(|| Error::Missing("neither XDG_CACHE_HOME nor HOME is set".to_owned()))?;
    let folder = base.join("gpunode/kube");
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    Ok(folder)
}
