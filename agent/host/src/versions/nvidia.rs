//! The NVIDIA kernel module and container toolkit.

use std::path::PathBuf;

use serde::Serialize;

use super::reader::Memory;
use super::{By, Found, Problem, Version};
use crate::Root;

/// Written by the loaded module, so it tells the truth after an upgrade that waits for a reboot.
const PROC: &str = "/proc/driver/nvidia/version";
/// The options that the loaded module runs with, a line each: `Name: 1`.
const PARAMETERS: &str = "/proc/driver/nvidia/params";
const SYSFS: &str = "/sys/module/nvidia/version";

/// The NVIDIA kernel module that is loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Driver {
    /// For example `550.127.05`.
    #[serde(flatten)]
    pub found: Found,
    /// Which build it is; `None` where only the version file of sysfs is there, which does not say.
    pub build: Option<DriverBuild>,
    /// Whether it lends GPU memory to cards without a look at where they hang on the PCI bus
    /// (`NVreg_GrdmaPciTopoCheckOverride`); `None` where its options cannot be read.
    #[serde(skip)]
    pub any_topology: Option<bool>,
}

/// Which build of the kernel module is loaded. Unlike [`crate::catalog::DriverFlavour`] this cannot tell GRID from
/// the ordinary closed module: both call themselves "Kernel Module".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DriverBuild {
    /// "Open Kernel Module".
    Open,
    /// "Kernel Module".
    Proprietary,
}

/// Parts of the NVIDIA container toolkit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ContainerToolkit {
    /// The OCI runtime that containerd starts.
    pub runtime: Option<PathBuf>,
    /// `nvidia-ctk`, which writes CDI specs.
    pub ctk: Option<PathBuf>,
}

pub(super) fn driver(root: &Root) -> Result<Option<Driver>, Problem> {
    let Some(text) = root.read_text(PROC)? else {
        let found = super::text(root, SYSFS)?;
        return Ok(found.map(|found| Driver { found, build: None, any_topology: any_topology(root) }));
    };
    let (version, build) = parse(&text)
        .ok_or(Problem::Form { path: PROC.into(), expected: "a line `NVRM version: … <version>`" })?;
    let found = Found { version, path: PROC.into(), by: By::Text };
    Ok(Some(Driver { found, build: Some(build), any_topology: any_topology(root) }))
}

fn any_topology(root: &Root) -> Option<bool> {
    let text = root.read_text(PARAMETERS).ok()??;
    let value = text.lines().find_map(|line| line.strip_prefix("GrdmaPciTopoCheckOverride:"));
    Some(value.is_some_and(|value| value.trim() != "0"))
}

/// `NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (…)  <date>`, or
/// `NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.127.05  <date>`. The version is the first word after
/// "Kernel Module" with a dot between digits; `x86_64` and the date have none.
fn parse(text: &str) -> Option<(Version, DriverBuild)> {
    let line = text.lines().find_map(|line| line.strip_prefix("NVRM version:"))?;
    let (before, after) = line.split_once("Kernel Module")?;
    let build =
        if before.trim_end().ends_with("Open") { DriverBuild::Open } else { DriverBuild::Proprietary };
    let numbers = |version: &Version| version.as_str().contains('.') && version.suffix().is_empty();
    let version = after.split_whitespace().filter_map(|word| word.parse().ok()).find(numbers)?;
    Some((version, build))
}

/// NVIDIA's management library, which has the version of the driver that it belongs to: in an image that is being made
/// no driver is loaded.
pub(super) fn library(root: &Root, memory: &mut Memory) -> Option<Found> {
    let folders = ["/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];
    let found = super::by_file_name(root, &folders, "libnvidia-ml.so.", memory);
    // `libnvidia-ml.so.1` is a link to the file with the version.
    found.filter(|found| found.version.as_str().contains('.'))
}

pub(super) fn container_toolkit(root: &Root) -> ContainerToolkit {
    let first = |name: &str| {
        ["/usr/bin", "/usr/local/nvidia/toolkit", "/usr/local/bin"]
            .iter()
            .map(|folder| PathBuf::from(folder).join(name))
            .find(|path| root.exists(path))
    };
    ContainerToolkit { runtime: first("nvidia-container-runtime"), ctk: first("nvidia-ctk") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_tell_whether_the_topology_is_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(dir.path());
        assert_eq!(any_topology(&root), None);
        let path = dir.path().join("proc/driver/nvidia/params");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        for (text, any) in [
            ("ModifyDeviceFiles: 1\nGrdmaPciTopoCheckOverride: 1\n", true),
            ("GrdmaPciTopoCheckOverride: 0\nModifyDeviceFiles: 1\n", false),
            ("ModifyDeviceFiles: 1\nRegistryDwords: \"\"\n", false),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(any_topology(&root), Some(any), "{text}");
        }
    }

    #[test]
    fn both_builds_are_told_apart() {
        for (text, version, build) in [
            (
                "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  \
                 (dvs-builder@U22-I3-B17-02-5)  Tue Sep 23 09:55:41 UTC 2025\nGCC version:  gcc version 11.4.0\n",
                "580.95.05",
                DriverBuild::Open,
            ),
            (
                "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  590.48.01  Release Build\n",
                "590.48.01",
                DriverBuild::Open,
            ),
            (
                "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.135  Fri Jan 10 20:00:00 UTC 2025\n",
                "550.135",
                DriverBuild::Proprietary,
            ),
        ] {
            let (parsed, flavour) = parse(text).unwrap();
            assert_eq!((parsed.as_str(), flavour), (version, build));
        }
        assert!(parse("NVRM version: \n").is_none());
        assert!(parse("NVRM version: NVIDIA UNIX x86_64 Kernel Module\n").is_none());
    }
}
