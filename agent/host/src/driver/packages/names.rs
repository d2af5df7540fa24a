//! The names of the packages.
//!
//! Sources: the EKS AMI's `install-nvidia-driver.sh` for Amazon Linux; the NVIDIA Driver Installation Guide ("Ubuntu":
//! from branch 590 on the branch is no part of a name, and compute-only is `libnvidia-compute` with `nvidia-dkms-open`) and
//! Ubuntu's package names for apt.

use super::kernel::{extra_modules, headers};
use crate::driver::{Fabric, Manager, Modules, Platform};

/// From this branch on NVIDIA's names no longer carry a dash or the branch's number (EKS AMI, `install-nvidia-driver.sh`).
const RENAMED: u32 = 580;

/// From this branch on the names in NVIDIA's repository for Ubuntu carry no branch.
const BARE: u32 = 590;

pub(super) const TOOLKIT: &str = "nvidia-container-toolkit";

/// Whose names the packages have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// NVIDIA's, for rpm.
    Rpm,
    /// Of Ubuntu's branches for servers: `nvidia-headless-580-server`.
    Server,
    /// Of Ubuntu's other branches, and of NVIDIA's repository for Ubuntu up to 580: `nvidia-headless-580`.
    Numbered,
    /// Of NVIDIA's repository for Ubuntu from 590 on: `nvidia-dkms-open`.
    Bare,
}

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
            vec![
                "nvidia-headless-*",
                "nvidia-utils-*",
                "nvidia-compute-utils-*",
                "nvidia-fabricmanager*",
                "nvidia-dkms-open",
                "nvidia-dkms",
                "libnvidia-compute",
                "nvidia-persistenced",
            ]
        }
    }
    .into_iter()
    .chain(["nvidia-imex*", "nvidia-container-toolkit", "nvlsm", "libibumad*", "infiniband-diags"])
    .map(str::to_owned)
    .collect();
    patterns.extend(
        [headers(platform, kernel), extra_modules(platform, kernel)].into_iter().flat_map(|r| r.names),
    );
    patterns
}

/// Patterns of the package that leads: whose versions are the versions that are offered.
pub(super) fn lead_patterns(platform: Platform, modules: Modules) -> Vec<String> {
    match (platform.manager(), modules) {
        (Manager::Dnf, Modules::Open) => vec!["kmod-nvidia-open-dkms".into()],
        (Manager::Dnf, Modules::Proprietary) => vec!["kmod-nvidia-latest-dkms".into()],
        (Manager::Apt, Modules::Open) => {
            vec![
                "nvidia-headless-*-server-open".into(),
                "nvidia-headless-*-open".into(),
                "nvidia-dkms-open".into(),
            ]
        }
        (Manager::Apt, Modules::Proprietary) => {
            vec!["nvidia-headless-*-server".into(), "nvidia-headless-*".into(), "nvidia-dkms".into()]
        }
    }
}

/// The driver's packages, by naming scheme, best first. Ubuntu's archive has the branches for servers, NVIDIA's own
/// repository has its own. `nvidia-headless` is the driver without a display server.
pub fn schemes(
    platform: Platform,
    modules: Modules,
    branch: u32,
    toolkit: bool,
) -> Vec<(Naming, Vec<Request>)> {
    let drivers = |names: &[&str]| names.iter().map(|name| Request::driver(*name)).collect::<Vec<_>>();
    let scheme = |naming| {
        let requests = match naming {
            Naming::Rpm => {
                let lead = if modules == Modules::Open { "open" } else { "latest" };
                drivers(&[&format!("kmod-nvidia-{lead}-dkms"), "nvidia-driver-cuda", "nvidia-persistenced"])
            }
            Naming::Bare => {
                let lead = format!("nvidia-dkms{}", open(modules));
                drivers(&[&lead, "libnvidia-compute", "nvidia-persistenced"])
            }
            Naming::Server | Naming::Numbered => {
                let server = server(naming);
                apt_scheme(&format!("nvidia-headless-{branch}{server}{}", open(modules)), branch, server)
            }
        };
        (naming, requests)
    };
    let namings: &[Naming] = match platform.manager() {
        Manager::Dnf => &[Naming::Rpm],
        Manager::Apt if branch < BARE => &[Naming::Server, Naming::Numbered],
        Manager::Apt => &[Naming::Server, Naming::Bare, Naming::Numbered],
    };
    let mut schemes: Vec<_> = namings.iter().map(|naming| scheme(*naming)).collect();
    if toolkit {
        // Not bound to the driver: it works with all of them.
        for (_, scheme) in &mut schemes {
            scheme.push(Request::newest(TOOLKIT));
        }
    }
    schemes
}

fn server(naming: Naming) -> &'static str {
    if naming == Naming::Server { "-server" } else { "" }
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

/// What an NVSwitch needs beside the driver, of exactly its version: the fabric manager refuses any other. Ubuntu's own
/// with the branch in its name goes with Ubuntu's branches for servers alone, whose packages it asks for.
pub fn fabric_requests(platform: Platform, fabric: Fabric, branch: u32, naming: Naming) -> Vec<Request> {
    let bare = "nvidia-fabricmanager".to_owned();
    let dashed = format!("{bare}-{branch}");
    let manager = match naming {
        Naming::Rpm if branch < RENAMED => vec!["nvidia-fabric-manager".to_owned()],
        Naming::Rpm | Naming::Bare => vec![bare],
        Naming::Server | Naming::Numbered if branch < RENAMED => vec![dashed],
        Naming::Server => vec![dashed, bare],
        Naming::Numbered => vec![bare, dashed],
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
