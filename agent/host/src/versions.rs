//! What is installed, read from the file tree alone: no program is run, so an image can be looked at as well as a
//! running machine, and a hung driver cannot hang the reader.

mod efa;
mod nccl;
mod nvidia;
mod os;
mod packages;
mod reader;
mod scan;
#[cfg(test)]
mod tests;
mod version;

use std::path::PathBuf;

use serde::Serialize;

pub use efa::Installer;
pub use nvidia::{ContainerToolkit, Driver, DriverBuild};
pub use os::{OsRelease, parse_containerd};
pub use packages::Package;
pub use reader::Reader;
pub use version::{ParseError, Version};

use crate::Root;
use crate::root::ReadError;
use reader::Memory;

/// A version, and what told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The version.
    pub version: Version,
    /// The file that told it, as the machine sees it.
    pub path: PathBuf,
    /// How the file told it.
    pub by: By,
}

/// How a file told a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The file says it in its text.
    Text,
    /// It is in a list of installed packages.
    PackageList,
    /// It is in the name of the shared library.
    FileName,
    /// It was found among the bytes of the shared library.
    Bytes,
}

/// Something that is there but does not tell its version.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file's text holds no version where one belongs.
    #[error("{path} holds no usable version")]
    Version {
        /// The file, as the machine sees it.
        path: PathBuf,
        /// What is wrong with the text.
        #[source]
        source: ParseError,
    },
    /// The file does not have the form it has always had.
    #[error("{path}: {expected} is missing")]
    Form {
        /// The file, as the machine sees it.
        path: PathBuf,
        /// What was looked for.
        expected: &'static str,
    },
}

/// What is installed. `None`: not installed, or it does not tell (then [`Versions::problems`] says so).
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Versions {
    /// The NVIDIA kernel module that is loaded.
    pub nvidia: Option<Driver>,
    /// Parts of the NVIDIA container toolkit.
    pub container_toolkit: ContainerToolkit,
    /// The EFA kernel module that is loaded.
    pub efa_driver: Option<Found>,
    /// The EFA installer's own record.
    pub efa_installer: Option<Installer>,
    /// libfabric of the EFA installer.
    pub libfabric: Option<Found>,
    /// The NCCL network plugin's library file.
    pub ofi_nccl_plugin: Option<PathBuf>,
    /// aws-ofi-nccl.
    pub ofi_nccl: Option<Found>,
    /// NCCL on the host; containers bring their own.
    pub nccl: Option<Found>,
    /// The running kernel.
    pub kernel: Option<Version>,
    /// The distribution.
    pub os: Option<OsRelease>,
    /// What is there but does not tell its version.
    #[serde(skip)]
    pub problems: Vec<Problem>,
}

impl Versions {
    /// Looks at the tree. What cannot be understood is in [`Versions::problems`]; nothing stops the rest.
    pub fn read(root: &Root) -> Self {
        Self::remembering(root, &mut Memory::default())
    }

    fn remembering(root: &Root, memory: &mut Memory) -> Self {
        let mut problems = Vec::new();
        let efa_installer = keep(efa::installer(root), &mut problems);
        let packages = efa_installer.as_ref().map_or(&[][..], |installer| &installer.packages);
        let plugin = nccl::plugin(root);
        Self {
            nvidia: keep(nvidia::driver(root), &mut problems),
            container_toolkit: nvidia::container_toolkit(root),
            efa_driver: keep(efa::driver(root), &mut problems),
            libfabric: efa::libfabric(root, packages, memory),
            ofi_nccl: keep(nccl::ofi(root, packages, plugin.as_deref(), memory), &mut problems),
            ofi_nccl_plugin: plugin,
            nccl: nccl::library(root, memory),
            kernel: keep(os::kernel(root), &mut problems),
            os: keep(os::release(root), &mut problems),
            efa_installer,
            problems,
        }
    }
}

/// The NVIDIA driver whose libraries are installed, whether or not its module is loaded.
pub fn nvidia_library(root: &Root) -> Option<Found> {
    nvidia::library(root, &mut Memory::default())
}

fn keep<T>(result: Result<Option<T>, Problem>, problems: &mut Vec<Problem>) -> Option<T> {
    result.unwrap_or_else(|problem| {
        problems.push(problem);
        None
    })
}

/// The version that is all of the text at `path`.
fn text(root: &Root, path: &str) -> Result<Option<Found>, Problem> {
    let Some(text) = root.read_text(path)? else {
        return Ok(None);
    };
    let version = text.trim().parse().map_err(|source| Problem::Version { path: path.into(), source })?;
    Ok(Some(Found { version, path: path.into(), by: By::Text }))
}

/// The highest version among files named `prefix` and a version in `folders`. Of several the first folder that has
/// one wins, because that is the order in which the loader looks.
fn by_file_name(
    root: &Root,
    folders: &[&'static str],
    prefix: &'static str,
    memory: &mut Memory,
) -> Option<Found> {
    let look = |folder: &str| {
        let names = root.list(folder);
        let versions = names.iter().filter_map(|name| Some((name, name.strip_prefix(prefix)?.parse().ok()?)));
        let (name, version) = versions.max_by(|(_, a): &(_, Version), (_, b)| a.cmp(b))?;
        Some(Found { version, path: PathBuf::from(folder).join(name), by: By::FileName })
    };
    folders.iter().find_map(|folder| memory.in_folder(root, folder, prefix, || look(folder)))
}
