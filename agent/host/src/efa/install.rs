//! Whether EFA's software must be installed, and with which words the installer is called: a decision from what was
//! seen, without doing anything.
//!
//! Sources: EC2 User Guide ("Get started with EFA", "Install the EFA software in a container", release notes), and how
//! the EKS images install it (`--minimal`: the kernel module and rdma-core; libfabric comes with the containers, so its
//! absence on such a host is right).

mod system;
#[cfg(test)]
mod tests;

use crate::spec::{EfaInstall, EfaMode};
use crate::versions::{Installer, OsRelease, Version};

/// The word for the newest version.
pub const LATEST: &str = "latest";

/// What the operator asks for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Whether anything is installed.
    pub install: EfaInstall,
    /// A version of the installer, or [`LATEST`].
    pub version: &'a str,
    /// What of it.
    pub mode: EfaMode,
}

/// What is there.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The installer's record of itself.
    pub installer: Option<&'a Installer>,
    /// Whether the kernel module is loaded, with or without a version of its own.
    pub module: bool,
    /// Whether the installer's libfabric is there.
    pub libfabric: bool,
    /// The distribution.
    pub os: Option<&'a OsRelease>,
    /// EFA functions on the PCI bus.
    pub functions: usize,
    /// Whether programs hold queue pairs; `None` where the kernel does not tell.
    pub in_use: Option<bool>,
    /// Where it is installed.
    pub place: Place,
}

/// Where the software is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On a node.
    Node,
    /// On a running machine of which an image is made: the module is built, and nobody expects a device.
    Builder,
    /// In a file tree whose kernel does not run: an image that is baked by chroot, a container.
    Tree,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is as it should be.
    Right,
    /// It is another version than is asked for, and is left alone: why.
    Leave(String),
    /// It is not there, and stays so since `efa.install` says so.
    Absent,
    /// Install.
    Install(Plan),
    /// It should be installed and cannot be: why.
    Refuse(String),
}

/// How the installer is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The version, or [`LATEST`].
    pub version: String,
    /// The words after its name.
    pub flags: Vec<&'static str>,
    /// Why, in a few words.
    pub why: String,
}

/// Decides.
pub fn decide(wanted: &Wanted<'_>, seen: &Seen<'_>) -> Decision {
    let present = seen.installer.is_some() || seen.module;
    let Some(why) = why(wanted, seen) else { return Decision::Right };
    match (wanted.install, &why) {
        (_, Why::Newer(why)) => return Decision::Leave(why.clone()),
        (EfaInstall::Never, _) if !present => return Decision::Absent,
        (EfaInstall::Never, why) => return Decision::Leave(format!("{}; efa.install is never", why.text())),
        (EfaInstall::Auto, _) => {}
    }
    if let Err(why) = system::supports(seen.os, wanted.version) {
        return Decision::Refuse(why);
    }
    // The installer unloads the module to load the new one. That must not happen under a running job.
    if seen.place != Place::Tree && seen.module {
        match seen.in_use {
            Some(false) => {}
            Some(true) => return Decision::Leave(format!("{}; programs use the devices", why.text())),
            None if seen.functions == 0 => {}
            None => {
                let unknown = "whether programs use the devices cannot be told";
                return Decision::Leave(format!("{}; {unknown}", why.text()));
            }
        }
    }
    Decision::Install(Plan {
        version: wanted.version.to_owned(),
        flags: flags(wanted, seen),
        why: why.text(),
    })
}

enum Why {
    Other(String),
    /// What is there is newer: the installer does not go back.
    Newer(String),
}

impl Why {
    fn text(&self) -> String {
        match self {
            Self::Other(text) | Self::Newer(text) => text.clone(),
        }
    }
}

/// Why what is there is not what is asked for; `None` where it is.
fn why(wanted: &Wanted<'_>, seen: &Seen<'_>) -> Option<Why> {
    let other = |text: String| Some(Why::Other(text));
    let exact: Option<Version> = wanted.version.parse().ok();
    match (seen.installer, exact) {
        (None, _) if !seen.module => return other("EFA is not installed".to_owned()),
        (None, Some(exact)) => {
            return other(format!("EFA is there without the installer's record, asked for is {exact}"));
        }
        (Some(found), Some(exact)) if found.version < exact => {
            return other(format!("EFA {} is installed, asked for is {exact}", found.version));
        }
        (Some(found), Some(exact)) if found.version > exact => {
            let text = format!("EFA {} is installed, which is newer than {exact}", found.version);
            return Some(Why::Newer(text));
        }
        (None | Some(_), None) | (Some(_), Some(_)) => {}
    }
    if wanted.mode == EfaMode::Full && !seen.libfabric {
        return other("EFA is installed without libfabric, asked for is all of it".to_owned());
    }
    None
}

fn flags(wanted: &Wanted<'_>, seen: &Seen<'_>) -> Vec<&'static str> {
    let mut flags = vec!["-y"];
    if wanted.mode == EfaMode::Minimal {
        flags.push("--minimal");
    }
    if seen.place == Place::Tree {
        // A file tree has no kernel of its own: the builder's would get the module, and its limits would be tried.
        flags.extend(["--skip-kmod", "--skip-limit-conf"]);
    }
    // The installer's test is a ping-pong with libfabric over a device.
    if seen.place != Place::Node || seen.functions == 0 {
        flags.push("--no-verify");
    }
    flags
}

/// The version of the kernel module that the installer has put on the disk, where it lists it.
pub fn packaged_driver(installer: &Installer) -> Option<&Version> {
    let package =
        installer.packages.iter().find(|package| ["efa", "efa-dkms"].contains(&package.name.as_str()));
    package.map(|package| &package.version)
}
