//! The distributions on which the driver can be installed, and where NVIDIA keeps the packages for them.

use crate::catalog::Architecture;
use crate::versions::OsRelease;

/// A distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distro {
    /// Amazon Linux 2023.
    AmazonLinux2023,
    /// Ubuntu 22.04.
    Ubuntu2204,
    /// Ubuntu 24.04.
    Ubuntu2404,
}

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    /// dnf 4, with rpm.
    Dnf,
    /// apt-get, with dpkg.
    Apt,
}

/// A distribution on an architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Platform {
    /// The distribution.
    pub distro: Distro,
    /// The processor's.
    pub arch: Architecture,
}

/// NVIDIA's repositories. Source: CUDA Installation Guide for Linux, "Package Manager Installation".
const NVIDIA: &str = "https://developer.download.nvidia.com/compute/cuda/repos";

impl Platform {
    /// The platform that `release` names; `None` for one that the driver cannot be installed on.
    pub fn of(release: &OsRelease, arch: Architecture) -> Option<Self> {
        let distro = match (release.id.as_str(), release.version_id.as_str()) {
            // Amazon Linux writes its point releases elsewhere; should it begin to write `2023.9` here, it is the same.
            ("amzn", version) if version.split('.').next() == Some("2023") => Distro::AmazonLinux2023,
            ("ubuntu", "22.04") => Distro::Ubuntu2204,
            ("ubuntu", "24.04") => Distro::Ubuntu2404,
            _ => return None,
        };
        Some(Self { distro, arch })
    }

    /// The package manager.
    pub fn manager(self) -> Manager {
        match self.distro {
            Distro::AmazonLinux2023 => Manager::Dnf,
            Distro::Ubuntu2204 | Distro::Ubuntu2404 => Manager::Apt,
        }
    }

    /// NVIDIA's repository for this platform. `sbsa` is NVIDIA's word for servers with ARM processors.
    pub fn repository(self) -> String {
        let distro = match self.distro {
            Distro::AmazonLinux2023 => "amzn2023",
            Distro::Ubuntu2204 => "ubuntu2204",
            Distro::Ubuntu2404 => "ubuntu2404",
        };
        let arch = match self.arch {
            Architecture::X86_64 => "x86_64",
            Architecture::Arm64 => "sbsa",
        };
        format!("{NVIDIA}/{distro}/{arch}")
    }

    /// The key that signs NVIDIA's repository, which lies beside the packages: `D42D0685` for rpm, `3bf863cc` for apt.
    /// Source: "Updating the CUDA Linux GPG Repository Key", NVIDIA developer blog, April 2022.
    pub fn repository_key(self) -> String {
        let name = match self.manager() {
            Manager::Dnf => "D42D0685.pub",
            Manager::Apt => "3bf863cc.pub",
        };
        format!("{}/{name}", self.repository())
    }

    /// The fingerprint of that key. Sources: for rpm NVIDIA's `cuda-repo-management` (`SIGNATURES.md`, its last 16
    /// digits in what `rpm -qip` prints) and several public repositories that pin it whole; for apt pinned whole by
    /// cloud-init's tests, by cookbooks of Chef and modules of Puppet, and in prints of `apt-key list` (uid cudatools,
    /// of April 2022).
    pub fn key_fingerprint(self) -> &'static str {
        match self.manager() {
            Manager::Dnf => "610C7B14E068A878070DA4E99CD0A493D42D0685",
            Manager::Apt => "EB693B3035CD5710E231E123A4B469963BF863CC",
        }
    }
}
