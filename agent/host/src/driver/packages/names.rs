//! The names of the packages.
//!
//! Sources: the EKS AMI's `install-nvidia-driver.sh` for Amazon Linux; the NVIDIA Driver Installation Guide and Ubuntu's
//! package names for apt.

use crate::catalog::Architecture;
use crate::driver::{Distro, Fabric, Manager, Modules, Platform};
use crate::versions::Version;

/// From this branch on NVIDIA's names no longer carry a dash or the branch's number (EKS AMI, `install-nvidia-driver.sh`).
const RENAMED: u32 = 580;

pub(super) const TOOLKIT: &str = "nvidia-container-toolkit";

/// What the version of a package has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The driver's.
    Driver,
    /// This one: the running kernel's. Empty where the name carries it.
    Kernel(String),
    /// The newest.
    Newest,
}

/// A package that is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its possible names; the first that is offered in the right version is taken.
    pub names: Vec<String>,
    /// Its version.
    pub bound: Bound,
}

impl Request {
    pub(super) fn driver(name: impl Into<String>) -> Self {
        Self { names: vec![name.into()], bound: Bound::Driver }
    }

    pub(super) fn newest(name: &str) -> Self {
        Self { names: vec![name.to_owned()], bound: Bound::Newest }
    }
}

/// Every name that may be asked for, as patterns for the package manager: a `*` at the end or in the middle.
pub fn patterns(platform: Platform, kernel: &str) -> Vec<String> {
    let mut patterns: Vec<String> = match platform.manager() {
        Manager::Dnf => {
            vec!["kmod-nvidia-*-dkms", "nvidia-driver-cuda", "nvidia-persistenced", "nvidia-fabric*manager"]
        }
        Manager::Apt => {
            vec!["nvidia-headless-*", "nvidia-utils-*", "nvidia-compute-utils-*", "nvidia-fabricmanager*"]
        }
    }
    .into_iter()
    .chain(["nvidia-imex*", "nvidia-container-toolkit", "nvlsm", "libibumad*", "infiniband-diags"])
    .map(str::to_owned)
    .collect();
    patterns.extend(kernel_requests(platform, kernel).into_iter().flat_map(|request| request.names));
    patterns
}

/// Patterns of the package that leads: whose versions are the versions that are offered.
pub(super) fn lead_patterns(platform: Platform, modules: Modules) -> Vec<String> {
    match (platform.manager(), modules) {
        (Manager::Dnf, Modules::Open) => vec!["kmod-nvidia-open-dkms".into()],
        (Manager::Dnf, Modules::Proprietary) => vec!["kmod-nvidia-latest-dkms".into()],
        (Manager::Apt, Modules::Open) => {
            vec!["nvidia-headless-*-server-open".into(), "nvidia-headless-*-open".into()]
        }
        (Manager::Apt, Modules::Proprietary) => {
            vec!["nvidia-headless-*-server".into(), "nvidia-headless-*".into()]
        }
    }
}

/// The driver's packages, by naming scheme, best first. Ubuntu's archive has the branches for servers, NVIDIA's own
/// repository has the ones without the word. `nvidia-headless` is the driver without a display server.
pub fn schemes(platform: Platform, modules: Modules, branch: u32, toolkit: bool) -> Vec<Vec<Request>> {
    let of_dnf = || {
        let leads = lead_patterns(platform, modules).into_iter().map(Request::driver);
        let others = ["nvidia-driver-cuda", "nvidia-persistenced"].map(Request::driver);
        vec![leads.chain(others).collect::<Vec<_>>()]
    };
    let of_apt = |server: &str| {
        apt_scheme(&format!("nvidia-headless-{branch}{server}{}", open(modules)), branch, server)
    };
    let mut schemes = match platform.manager() {
        Manager::Dnf => of_dnf(),
        Manager::Apt => vec![of_apt("-server"), of_apt("")],
    };
    if toolkit {
        // Not bound to the driver: it works with all of them.
        for scheme in &mut schemes {
            scheme.push(Request::newest(TOOLKIT));
        }
    }
    schemes
}

pub(super) fn open(modules: Modules) -> &'static str {
    if modules == Modules::Open { "-open" } else { "" }
}

/// `nvidia-compute-utils` carries the persistence daemon.
pub(super) fn apt_scheme(headless: &str, branch: u32, server: &str) -> Vec<Request> {
    vec![
        Request::driver(headless),
        Request::driver(format!("nvidia-utils-{branch}{server}")),
        Request::driver(format!("nvidia-compute-utils-{branch}{server}")),
    ]
}

/// What an NVSwitch needs beside the driver, of exactly its version: the fabric manager refuses any other.
pub fn fabric_requests(platform: Platform, fabric: Fabric, branch: u32) -> Vec<Request> {
    let dashed = format!("nvidia-fabricmanager-{branch}");
    let manager = match platform.manager() {
        Manager::Dnf if branch < RENAMED => vec!["nvidia-fabric-manager".to_owned()],
        Manager::Dnf => vec!["nvidia-fabricmanager".to_owned()],
        Manager::Apt if branch < RENAMED => vec![dashed],
        Manager::Apt => vec![dashed, "nvidia-fabricmanager".to_owned()],
    };
    let imex = if branch < RENAMED { format!("nvidia-imex-{branch}") } else { "nvidia-imex".to_owned() };
    let manager = Request { names: manager, bound: Bound::Driver };
    let umad = match platform.manager() {
        Manager::Dnf => "libibumad",
        Manager::Apt => "libibumad3",
    };
    match fabric {
        Fabric::None => Vec::new(),
        Fabric::Managed => vec![manager],
        // The subnet manager of NVLink, its library for the management datagrams, and tools to look at it.
        Fabric::ManagedByInfiniband => vec![
            manager,
            Request::newest("nvlsm"),
            Request::newest(umad),
            Request::newest("infiniband-diags"),
        ],
        Fabric::UltraServer => vec![Request::driver(imex)],
    }
}

/// What the module is built with: the headers of the running kernel, and DKMS itself comes with the driver's packages.
pub fn kernel_requests(platform: Platform, kernel: &str) -> Vec<Request> {
    match platform.distro {
        Distro::AmazonLinux2023 => {
            let arch = match platform.arch {
                Architecture::X86_64 => ".x86_64",
                Architecture::Arm64 => ".aarch64",
            };
            let build = kernel.strip_suffix(arch).unwrap_or(kernel);
            // `kernel` is 6.1, the later ones have their number in their name: `kernel6.12`.
            let prefix = match build.parse::<Version>().map(|version| version.numbers()) {
                Ok([major, minor, ..]) if (major, minor) > (6, 1) => format!("kernel{major}.{minor}"),
                _ => "kernel".to_owned(),
            };
            vec![Request {
                names: vec![format!("{prefix}-devel"), "kernel-devel".to_owned()],
                bound: Bound::Kernel(build.to_owned()),
            }]
        }
        Distro::Ubuntu2204 | Distro::Ubuntu2404 => {
            vec![Request {
                names: vec![format!("linux-headers-{kernel}")],
                bound: Bound::Kernel(String::new()),
            }]
        }
    }
}
