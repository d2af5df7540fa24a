//! The door to dnf and apt: what is offered, what is installed, install exactly this. Whatever the tool says in the
//! end, the caller hears one [`PackageError`] with a reason of the catalogue.
//!
//! Each command has a deadline, and dies with the agent. A lock that somebody else holds is waited for, within bounds;
//! a repository that fails is asked again; dpkg that was cut off is repaired first.

mod apt;
mod dnf;
mod offline;
mod patience;
mod prebuilt;
mod repository;
mod strays;
#[cfg(test)]
mod tests;
mod trouble;

use std::time::Duration;

use gpunode_host::driver::Manager;
use gpunode_host::driver::packages::{Offered, Package, Prebuilt};
use gpunode_host::versions::Version;

use crate::os::{Cmd, Os, Output};

pub(crate) use offline::{File, choose, others};
pub(crate) use repository::Repository;
pub(crate) use trouble::PackageError;

/// Downloads of some hundred megabytes and the build of kernel modules, which takes one to three minutes on four
/// processors; it stays below the step's own deadline.
const INSTALL_DEADLINE: Duration = Duration::from_secs(1100);
/// Questions, which may fetch some ten megabytes of metadata.
const QUERY_DEADLINE: Duration = Duration::from_secs(180);

/// Variables that tell a program of a proxy; dnf and apt read them as curl does.
const PROXIES: [&str; 4] = ["http_proxy", "https_proxy", "no_proxy", "all_proxy"];

/// The package manager of a machine.
pub(crate) struct Packages<'a> {
    os: &'a Os,
    manager: Manager,
    /// How long to wait for a lock.
    lock: Duration,
}

impl<'a> Packages<'a> {
    pub(crate) fn new(os: &'a Os, manager: Manager, lock: Duration) -> Self {
        Self { os, manager, lock }
    }

    /// Whether the tools are there.
    pub(crate) fn are_there(&self) -> bool {
        let programs = match self.manager {
            Manager::Dnf => ["dnf", "rpm"],
            Manager::Apt => ["apt-get", "dpkg-query"],
        };
        programs.iter().all(|program| self.os.has_program(program))
    }

    /// What the repositories offer of these names; a `*` stands for anything. Our repository must
    /// answer; apt's others may fail.
    pub(crate) fn offered(&self, patterns: &[String]) -> Result<Offered, PackageError> {
        match self.manager {
            Manager::Dnf => dnf::offered(self, patterns),
            Manager::Apt => apt::offered(self, patterns),
        }
    }

    /// Kernel modules that the distribution has built for this kernel, as the indexes tell that were last read. Only
    /// Ubuntu has them.
    pub(crate) fn prebuilt(&self, kernel: &str) -> Result<Vec<Prebuilt>, PackageError> {
        match self.manager {
            Manager::Dnf => Ok(Vec::new()),
            Manager::Apt => prebuilt::offered(self, kernel),
        }
    }

    /// The packages that are installed of these names; a `*` stands for anything.
    pub(crate) fn installed(&self, names: &[String]) -> Result<Vec<Package>, PackageError> {
        match self.manager {
            Manager::Dnf => dnf::installed(self, names),
            Manager::Apt => apt::installed(self, names),
        }
    }

    /// Installs these packages in exactly these versions, with what they need, older or newer than what is there.
    pub(crate) fn install(&self, packages: &[Package]) -> Result<(), PackageError> {
        let installed = self.installed(&packages.iter().map(|p| p.name.clone()).collect::<Vec<_>>())?;
        // What is there already and is asked for again was cut off in its scripts, or lacked something they need.
        let again = packages.iter().all(|package| installed.contains(package));
        match self.manager {
            Manager::Dnf => dnf::install(self, packages, again),
            Manager::Apt => apt::install(self, packages, again),
        }
    }

    /// Parts of the driver that an install of these packages would bring in another version than `driver`. dnf's packages
    /// ask for each other in exactly one version; Ubuntu's can be empty and lead to a newer branch, under the version of
    /// the old one.
    pub(crate) fn strays(
        &self,
        packages: &[Package],
        driver: &Version,
    ) -> Result<Vec<Package>, PackageError> {
        match self.manager {
            Manager::Dnf => Ok(Vec::new()),
            Manager::Apt => strays::of(self, packages, driver),
        }
    }

    /// Removes packages.
    pub(crate) fn remove(&self, names: &[String]) -> Result<(), PackageError> {
        match self.manager {
            _ if names.is_empty() => Ok(()),
            Manager::Dnf => dnf::remove(self, names),
            Manager::Apt => apt::remove(self, names),
        }
    }

    /// The packages in a folder, by what the files themselves say.
    pub(crate) fn in_folder(&self, folder: &str) -> Result<Vec<File>, PackageError> {
        offline::list(self, folder)
    }

    /// Whether something of this name is installed.
    pub(crate) fn is_there(&self, name: &str) -> Result<bool, PackageError> {
        offline::is_there(self, name)
    }

    /// Installs package files and nothing else.
    pub(crate) fn install_files(&self, files: &[String], key: Option<&str>) -> Result<(), PackageError> {
        self.files(files, key, false)
    }

    /// Installs package files whose packages are installed already.
    pub(crate) fn reinstall_files(&self, files: &[String], key: Option<&str>) -> Result<(), PackageError> {
        self.files(files, key, true)
    }

    fn files(&self, files: &[String], key: Option<&str>, again: bool) -> Result<(), PackageError> {
        match self.manager {
            _ if files.is_empty() => Ok(()),
            Manager::Dnf => dnf::install_files(self, files, key, again),
            Manager::Apt => apt::install_files(self, files, again),
        }
    }

    /// Keeps packages at their version when others are brought up to date.
    pub(crate) fn hold(&self, names: &[String]) {
        let held = match self.manager {
            Manager::Dnf => dnf::hold(self, names),
            Manager::Apt => apt::hold(self, names),
        };
        // The driver works all the same; the next look finds a version that changed.
        if let Err(error) = held {
            tracing::warn!(error = crate::step::chain(&error), "packages are not held");
        }
    }

    /// Runs a command as often as patience allows.
    fn run(&self, doing: &str, command: Cmd) -> Result<Output, PackageError> {
        let command = PROXIES.iter().fold(command, |command, name| match crate::environment::value(name) {
            Some(value) => command.env(*name, value),
            None => command,
        });
        patience::run(self, doing, &command)
    }
}
