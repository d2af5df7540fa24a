//! Programs of the Kubernetes project, and files of Karpenter's: found where `KUBEBUILDER_ASSETS` says, else built or
//! fetched once with Go and kept.
//!
//! The modules in `tests/kube` name each version and carry the checksum of every module that goes into the programs.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest as _, Sha256};

use super::Error;
use super::error::at;
use crate::binary;

/// What one Go module gives.
struct Module {
    /// Its folder in `tests/kube`.
    folder: &'static str,
    version: &'static str,
    /// `-ldflags` that say which version it is.
    flags: &'static str,
    gives: Gives,
}

/// What is kept of a module.
enum Gives {
    /// Programs that are built together, since they share most of their packages.
    Programs(&'static [&'static str]),
    /// The files in a folder of a module that this one names; nothing is built.
    Files { module: &'static str, folder: &'static str },
}

const VERSION: &str = "v1.36.3";
const SERVER: Module = Module {
    folder: "server",
    version: VERSION,
    flags: "-s -w \
        -X k8s.io/component-base/version.gitVersion=v1.36.3 -X k8s.io/component-base/version.gitMajor=1 \
        -X k8s.io/component-base/version.gitMinor=36 -X k8s.io/component-base/version.gitTreeState=archive \
        -X k8s.io/client-go/pkg/version.gitVersion=v1.36.3",
    gives: Gives::Programs(&["k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes/cmd/kubectl"]),
};
const HELM: Module = Module {
    folder: "helm",
    version: "v4.3.1",
    flags: "-s -w",
    gives: Gives::Programs(&["helm.sh/helm/v4/cmd/helm"]),
};
const KARPENTER: Module = Module {
    folder: "karpenter",
    version: "v1.14.0",
    flags: "",
    gives: Gives::Files { module: "github.com/aws/karpenter-provider-aws", folder: "pkg/apis/crds" },
};
/// What the modules in `tests/kube` say in their `go` line.
const GO: &str = "1.26";

/// kube-apiserver.
pub(super) fn kube_apiserver() -> Result<PathBuf, Error> {
    asset("kube-apiserver").map_or_else(|| Ok(SERVER.get()?.join("kube-apiserver")), Ok)
}

/// kubectl, which also renders kustomizations.
pub fn kubectl() -> Result<PathBuf, Error> {
    asset("kubectl").map_or_else(|| Ok(SERVER.get()?.join("kubectl")), Ok)
}

/// helm.
pub fn helm() -> Result<PathBuf, Error> {
    asset("helm").map_or_else(|| Ok(HELM.get()?.join("helm")), Ok)
}

/// A folder with Karpenter's custom resource definitions, as its chart has them.
pub fn karpenter_definitions() -> Result<PathBuf, Error> {
    let folder = binary::variable("KUBEBUILDER_ASSETS").map(|folder| folder.join("karpenter-crds"));
    folder.filter(|path| path.is_dir()).map_or_else(|| KARPENTER.get(), Ok)
}

/// etcd.
pub(super) fn etcd() -> Result<PathBuf, Error> {
    let on_path =
        || search_path().split(':').map(|folder| Path::new(folder).join("etcd")).find(|it| it.is_file());
    asset("etcd").or_else(on_path).ok_or_else(|| {
        Error::Missing(
            "etcd is not installed; install it with\n    apt-get install --yes --no-install-recommends etcd-server"
                .to_owned(),
        )
    })
}

/// A program in the folder that `KUBEBUILDER_ASSETS` names.
fn asset(name: &str) -> Option<PathBuf> {
    binary::variable("KUBEBUILDER_ASSETS").map(|folder| folder.join(name)).filter(|path| path.is_file())
}

impl Module {
    /// The folder with its programs; built first if need be, which takes about five minutes for the API server.
    fn get(&self) -> Result<PathBuf, Error> {
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
        for name in ["go.mod", "go.sum"] {
            let path = source.join(name);
            hash.update(fs::read(&path).map_err(at(&path))?);
        }
        hash.update(self.flags);
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
            "-ldflags",
            self.flags,
            "-o",
        ]);
        command.arg(out.join("")).args(packages);
        command.current_dir(source).env("CGO_ENABLED", "0");
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
    let from = Path::new(from).join(folder);
    for entry in fs::read_dir(&from).map_err(at(&from))? {
        let path = entry.map_err(at(&from))?.path();
        let Some(name) = path.file_name() else { continue };
        fs::write(out.join(name), fs::read(&path).map_err(at(&path))?).map_err(at(out))?;
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

/// A command of that name, its standard input closed.
#[expect(clippy::disallowed_methods, reason = "a test's programs are not the product's")]
pub fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(name);
    command.stdin(Stdio::null()).env("PATH", search_path());
    command
}

/// Runs to the end and gives standard output; an error carries what it said on standard error.
pub fn finish(mut command: Command) -> Result<String, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |detail: String| Error::Program { program: program.clone(), detail };
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return String::from_utf8(output.stdout).map_err(|error| failed(error.to_string()));
    }
    Err(failed(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim())))
}

fn search_path() -> String {
    let path = binary::variable("PATH").unwrap_or_default();
    format!("{}:/usr/local/go/bin:/usr/sbin:/sbin:/usr/bin:/bin", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_names_the_version_that_the_programs_say() {
        let text = fs::read_to_string(binary::bed().join("kube/server/go.mod")).unwrap();
        assert!(text.contains(&format!("k8s.io/kubernetes {VERSION} ")), "{text}");
        assert!(SERVER.flags.contains(&format!("gitVersion={VERSION}")));
        for module in [&SERVER, &HELM, &KARPENTER] {
            let text =
                fs::read_to_string(binary::bed().join("kube").join(module.folder).join("go.mod")).unwrap();
            assert!(text.contains(&format!("\ngo {GO}")), "{}", module.folder);
        }
    }
}
