//! The rules of the driver, on machines made of values and of folders.

mod decide;
mod random;
mod read;
mod resolve;

use super::*;
use crate::catalog::{self, Architecture};
use crate::versions::{By, Driver, DriverBuild, Found};

fn machine(kind: &str) -> Machine {
    let kind = catalog::find(kind).expect(kind);
    let gpus = match kind.family() {
        "p6-b200" => vec![Generation::Blackwell; 8],
        "p6-b300" => vec![Generation::BlackwellUltra; 8],
        "p3dn" => vec![Generation::Volta; 8],
        "g4dn" => vec![Generation::Turing],
        _ => vec![Generation::Hopper; 8],
    };
    Machine {
        platform: Some(platform(Distro::AmazonLinux2023)),
        distro: "Amazon Linux 2023".into(),
        kind: Some(kind),
        gpus,
    }
}

fn platform(distro: Distro) -> Platform {
    Platform { distro, arch: Architecture::X86_64 }
}

fn wish(version: &str) -> Wish {
    Wish { version: Wanted::parse(version).unwrap(), modules: None, policy: Policy::Auto }
}

fn loaded(version: &str, build: DriverBuild) -> State {
    let found =
        Found { version: version.parse().unwrap(), path: "/proc/driver/nvidia/version".into(), by: By::Text };
    State {
        loaded: Some(Driver { found, build: Some(build), any_topology: None }),
        installed: Some(version.parse().unwrap()),
        fabric_manager: FabricManager::Version(version.parse().unwrap()),
        subnet_manager: true,
        umad: true,
        laid_over: false,
        toolkit: true,
        users: Vec::new(),
    }
}

fn user() -> User {
    User { pid: 7, name: "python3".into(), device: "/dev/nvidia0".into() }
}
