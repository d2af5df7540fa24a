//! NCCL and its network plugin, aws-ofi-nccl.

use std::path::{Path, PathBuf};

use super::reader::Memory;
use super::{By, Found, Package, Problem, efa, scan};
use crate::Root;
use crate::root::ReadError;

/// Where installers have put the plugin, newest first: the EFA installer (with Debian's folders on Ubuntu), the
/// AWS deep-learning images before it, NCCL's own folder.
const PLUGIN_FOLDERS: [&str; 6] = [
    "/opt/amazon/ofi-nccl/lib",
    "/opt/amazon/ofi-nccl/lib64",
    "/opt/amazon/ofi-nccl/lib/x86_64-linux-gnu",
    "/opt/amazon/ofi-nccl/lib/aarch64-linux-gnu",
    "/opt/aws-ofi-nccl/lib",
    "/opt/aws-ofi-nccl/install/lib",
];
const PLUGIN_NAMES: [&str; 2] = ["libnccl-net-ofi.so", "libnccl-net.so"];

const LIBRARY_FOLDERS: [&str; 8] = [
    "/usr/lib64",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/local/cuda/lib64",
    "/usr/local/cuda/lib",
    "/usr/local/nccl/lib",
    "/usr/local/lib",
    "/opt/nccl/build/lib",
];

pub(super) fn plugin(root: &Root) -> Option<PathBuf> {
    let paths =
        PLUGIN_FOLDERS.iter().flat_map(|folder| PLUGIN_NAMES.map(|name| Path::new(folder).join(name)));
    paths.into_iter().find(|path| root.exists(path))
}

/// From the library itself, since it is what NCCL loads; else from the installer's list. A plugin that was built
/// from a Git checkout calls itself `git-<commit>` and has no version.
pub(super) fn ofi(
    root: &Root,
    packages: &[Package],
    plugin: Option<&Path>,
    memory: &mut Memory,
) -> Result<Option<Found>, Problem> {
    let Some(path) = plugin else { return Ok(None) };
    let word = memory
        .in_file(root, path, || root.open(path).and_then(|file| scan::word_after(file, b"aws-ofi-nccl ")))
        .map_err(|source| ReadError { path: path.to_owned(), source })?;
    if let Some(word) = word {
        let version = word.parse().map_err(|source| Problem::Version { path: path.to_owned(), source })?;
        return Ok(Some(Found { version, path: path.to_owned(), by: By::Bytes }));
    }
    match efa::package(packages, &["libnccl-ofi", "aws-ofi-nccl"]) {
        Some(found) => Ok(Some(found)),
        None => Err(Problem::Form { path: path.to_owned(), expected: "the text `aws-ofi-nccl <version>`" }),
    }
}

pub(super) fn library(root: &Root, memory: &mut Memory) -> Option<Found> {
    let found = super::by_file_name(root, &LIBRARY_FOLDERS, "libnccl.so.", memory);
    found.filter(|found| found.version.at_least(2, 0, 1))
}
