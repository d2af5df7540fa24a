//! The EFA installer's record, kernel module and libfabric.

use serde::Serialize;

use super::reader::Memory;
use super::{By, Found, Package, Problem, Version};
use crate::Root;

const RECORD: &str = "/opt/amazon/efa_installed_packages";
const HEADER: &str = "# EFA installer version:";

/// What the EFA installer recorded about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Installer {
    /// The installer's version, for example `1.51.0`.
    pub version: Version,
    /// What it installed. With `--minimal` there is no libfabric among it.
    pub packages: Vec<Package>,
}

/// The record: comment lines, one of them with the version, then the packages' names, divided by spaces or lines.
pub(super) fn installer(root: &Root) -> Result<Option<Installer>, Problem> {
    let Some(text) = root.read_text(RECORD)? else {
        return Ok(None);
    };
    let header =
        text.lines().find_map(|line| line.trim_start().strip_prefix(HEADER)).ok_or(Problem::Form {
            path: RECORD.into(),
            expected: "a line `# EFA installer version: <version>`",
        })?;
    let version = header.trim().parse().map_err(|source| Problem::Version { path: RECORD.into(), source })?;
    let packages = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(str::split_whitespace)
        .filter_map(Package::parse)
        .collect();
    Ok(Some(Installer { version, packages }))
}

/// `/sys/module/efa/version` is there for the installer's module; the one inside the kernel tree has none.
pub(super) fn driver(root: &Root) -> Result<Option<Found>, Problem> {
    super::text(root, "/sys/module/efa/version")
}

/// From the installer's list, else from the library's file name. The file name carries the libtool version, which
/// runs ahead of the release (`libfabric.so.1.20.0` is libfabric 1.17.0 in Debian 12), so it only tells that the
/// library is there and which of two is newer; [`By::FileName`] says so to the reader.
pub(super) fn libfabric(root: &Root, packages: &[Package], memory: &mut Memory) -> Option<Found> {
    package(packages, &["libfabric-aws", "libfabric1-aws"]).or_else(|| {
        let folders = ["/opt/amazon/efa/lib64", "/opt/amazon/efa/lib"];
        super::by_file_name(root, &folders, "libfabric.so.", memory)
    })
}

/// The version of the first package that has one of `names`.
pub(super) fn package(packages: &[Package], names: &[&str]) -> Option<Found> {
    let package = packages.iter().find(|package| names.contains(&package.name.as_str()))?;
    Some(Found { version: package.version.clone(), path: RECORD.into(), by: By::PackageList })
}
