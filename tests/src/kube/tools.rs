//! Programs of the Kubernetes project, and files of Karpenter's: found where `KUBEBUILDER_ASSETS` says, else built or
//! fetched once with Go and kept.
//!
//! The modules in `tests/kube` name each version and carry the checksum of every module that goes into the programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Error;
use super::module::{Gives, Module};
use crate::binary;

const VERSION: &str = "v1.36.3";
const SERVER: Module = Module {
    folder: "server",
    version: VERSION,
    flags: "-s -w \
        -X k8s.io/component-base/version.gitVersion=v1.36.3 -X k8s.io/component-base/version.gitMajor=1 \
        -X k8s.io/component-base/version.gitMinor=36 -X k8s.io/component-base/version.gitTreeState=archive \
        -X k8s.io/client-go/pkg/version.gitVersion=v1.36.3",
    tags: "",
    with_c: false,
    gives: Gives::Programs(&["k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes/cmd/kubectl"]),
};
const HELM: Module = Module {
    folder: "helm",
    version: "v4.3.1",
    flags: "-s -w",
    tags: "",
    with_c: false,
    gives: Gives::Programs(&["helm.sh/helm/v4/cmd/helm"]),
};
const KARPENTER: Module = of_karpenter("pkg/apis/crds");
const KARPENTER_CHART: Module = of_karpenter("charts/karpenter");
const KARPENTER_CALLS: Module = of_karpenter("pkg/aws");

const fn of_karpenter(folder: &'static str) -> Module {
    Module {
        folder: "karpenter",
        version: "v1.14.0",
        flags: "",
        tags: "",
        with_c: false,
        gives: Gives::Files { module: "github.com/aws/karpenter-provider-aws", folder },
    }
}

/// What makes a container of a pod beside Debian's runc. NVIDIA's runtime loads the driver's library when it needs it:
/// its names are looked up late (the flag is that of its own Makefile).
const RUNTIME: Module = Module {
    folder: "runtime",
    version: "v1.19.1",
    flags: "-s -w -extldflags=-Wl,-z,lazy",
    tags: "",
    with_c: true,
    gives: Gives::Programs(&[
        "github.com/NVIDIA/nvidia-container-toolkit/cmd/nvidia-container-runtime",
        "./seccomp",
    ]),
};

/// What makes pods of objects: of the API server's version and, to the compiler, mostly of its packages.
const NODE: Module = Module {
    folder: "node",
    version: VERSION,
    flags: SERVER.flags,
    tags: "",
    with_c: false,
    gives: Gives::Programs(&[
        "k8s.io/kubernetes/cmd/kubelet",
        "k8s.io/kubernetes/cmd/kube-controller-manager",
        "k8s.io/kubernetes/cmd/kube-scheduler",
    ]),
};
/// containerd without the snapshotters that no node here has; they want headers in C.
const CONTAINERD: Module = Module {
    folder: "containerd",
    version: "v2.2.2",
    flags: "-s -w -X github.com/containerd/containerd/v2/version.Version=v2.2.2",
    tags: "no_btrfs,no_devmapper,no_zfs",
    with_c: false,
    gives: Gives::Programs(&[
        "github.com/containerd/containerd/v2/cmd/containerd",
        "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
        "github.com/containerd/containerd/v2/cmd/ctr",
    ]),
};

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

/// NVIDIA's container runtime, which adds CDI devices to a container and starts it by runc.
pub fn nvidia_container_runtime() -> Result<PathBuf, Error> {
    let name = "nvidia-container-runtime";
    asset(name).map_or_else(|| Ok(RUNTIME.get()?.join(name)), Ok)
}

/// The folder with the kubelet, kube-controller-manager and kube-scheduler.
pub fn node_programs() -> Result<PathBuf, Error> {
    NODE.get()
}

/// The folder with containerd, its shim for runc, and ctr.
pub fn containerd_programs() -> Result<PathBuf, Error> {
    CONTAINERD.get()
}

/// What prints containerd's profile of system calls, `RuntimeDefault`.
pub fn seccomp_profile() -> Result<PathBuf, Error> {
    Ok(RUNTIME.get()?.join("seccomp"))
}

/// A folder with Karpenter's custom resource definitions, as its chart has them.
pub fn karpenter_definitions() -> Result<PathBuf, Error> {
    folder("karpenter-crds").map_or_else(|| KARPENTER.get(), Ok)
}

/// A folder with Karpenter's chart, as its sources have it: the release writes its version and its image into it, and adds
/// [`karpenter_definitions`].
pub fn karpenter_chart() -> Result<PathBuf, Error> {
    folder("karpenter-chart").map_or_else(|| KARPENTER_CHART.get(), Ok)
}

/// A folder with the file `sdk.go`, in which Karpenter names each call of AWS that it makes.
pub fn karpenter_calls() -> Result<PathBuf, Error> {
    folder("karpenter-calls").map_or_else(|| KARPENTER_CALLS.get(), Ok)
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

/// A folder in the one that `KUBEBUILDER_ASSETS` names.
fn folder(name: &str) -> Option<PathBuf> {
    binary::variable("KUBEBUILDER_ASSETS").map(|folder| folder.join(name)).filter(|path| path.is_dir())
}

/// A program in the folder that `KUBEBUILDER_ASSETS` names.
fn asset(name: &str) -> Option<PathBuf> {
    binary::variable("KUBEBUILDER_ASSETS").map(|folder| folder.join(name)).filter(|path| path.is_file())
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
    use std::fs;

    use super::super::module::GO;
    use super::*;

    #[test]
    fn the_module_names_the_version_that_the_programs_say() {
        for folder in ["server", "node"] {
            let text = fs::read_to_string(binary::bed().join("kube").join(folder).join("go.mod")).unwrap();
            assert!(text.contains(&format!("k8s.io/kubernetes {VERSION} ")), "{text}");
        }
        let text = fs::read_to_string(binary::bed().join("kube/containerd/go.mod")).unwrap();
        let version = CONTAINERD.version;
        assert!(text.contains(&format!("github.com/containerd/containerd/v2 {version} ")), "{text}");
        assert!(CONTAINERD.flags.ends_with(&format!("version.Version={version}")));
        assert!(SERVER.flags.contains(&format!("gitVersion={VERSION}")));
        for module in [&SERVER, &NODE, &CONTAINERD, &HELM, &KARPENTER, &RUNTIME] {
            let text =
                fs::read_to_string(binary::bed().join("kube").join(module.folder).join("go.mod")).unwrap();
            assert!(text.contains(&format!("\ngo {GO}")), "{}", module.folder);
        }
    }
}
