//! What an image was made of: the record that `gpunode-agent install` leaves in it.
//!
//! It is a contract: people compare images by it, and a program may read it. A reader refuses a schema that it does not
//! know; fields may be added to one.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::Root;
use crate::catalog::{DriverFlavour, InstanceType};
use crate::driver;
use crate::versions::{self, Versions};

/// Names the form of the record.
pub const SCHEMA: &str = "gpunode.io/image/v1";

/// Where it is kept.
pub const PATH: &str = "/etc/gpunode/image.json";

/// What an image was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// [`SCHEMA`].
    pub schema: String,
    /// When this was first true, RFC 3339 in UTC.
    pub built: String,
    /// The agent in the image.
    pub agent: Agent,
    /// The distribution, for example `ubuntu 24.04`.
    pub os: Option<String>,
    /// Kernels that are installed, by the names of their module folders.
    pub kernels: Vec<String>,
    /// The instance types it was made for.
    pub instance_types: Vec<String>,
    /// What is installed; what is not is absent.
    pub versions: Installed,
    /// Where what was installed came from, in the order of its installation.
    pub sources: Vec<Source>,
}

/// The agent in an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    /// Its version.
    pub version: String,
    /// Of the binary, in hexadecimal digits.
    pub sha256: String,
}

/// Versions, each as its package names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Installed {
    /// NVIDIA's driver: the module that is loaded, else the libraries that are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nvidia_driver: Option<String>,
    /// Drivers that the image carries beside `/usr`, in the order in which it prefers them: the first boot on a GPU lays
    /// one over it. Empty on most images.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nvidia_drivers_carried: Vec<String>,
    /// The bundle of AWS's EFA installer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub efa_installer: Option<String>,
    /// libfabric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub libfabric: Option<String>,
    /// The OFI-NCCL plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ofi_nccl: Option<String>,
    /// NCCL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nccl: Option<String>,
}

/// Where something came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// What it is, for example `efa-installer`.
    pub name: String,
    /// The URL, or the repository and package.
    pub from: String,
    /// Of the bytes that were installed, where they were one file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl Image {
    /// Reads what is installed below `root`.
    pub fn read(
        root: &Root,
        agent: Agent,
        types: &[InstanceType],
        sources: Vec<Source>,
        built: String,
    ) -> Self {
        let versions = Versions::read(root);
        let os = versions.os.as_ref();
        Self {
            schema: SCHEMA.to_owned(),
            built,
            agent,
            os: os.map(|os| format!("{} {}", os.id, os.version_id).trim().to_owned()),
            kernels: root.list("/lib/modules"),
            instance_types: types.iter().map(|one| one.name.clone()).collect(),
            versions: Installed::of(root, &versions),
            sources,
        }
    }

    /// Whether both say the same of the image; the time may differ.
    pub fn says_the_same(&self, other: &Self) -> bool {
        *self == Self { built: self.built.clone(), ..other.clone() }
    }

    /// As it stands in the file.
    pub fn json(&self) -> String {
        // Nothing in it can fail to be written.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

impl Installed {
    fn of(root: &Root, versions: &Versions) -> Self {
        let loaded = versions.nvidia.as_ref().map(|driver| driver.found.version.to_string());
        let text = |found: &Option<versions::Found>| found.as_ref().map(|found| found.version.to_string());
        Self {
            nvidia_driver: loaded
                .or_else(|| versions::nvidia_library(root).map(|found| found.version.to_string())),
            nvidia_drivers_carried: driver::carried(root).iter().map(ToString::to_string).collect(),
            efa_installer: versions.efa_installer.as_ref().map(|one| one.version.to_string()),
            libfabric: text(&versions.libfabric),
            ofi_nccl: text(&versions.ofi_nccl),
            nccl: text(&versions.nccl),
        }
    }
}

/// Why instance types cannot share an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WishError {
    /// No such type.
    #[error("{}", unknown_type(.0))]
    UnknownType(String),
    /// No such family.
    #[error("`{0}` is no GPU instance family that this version knows, for example p5en or g6")]
    UnknownFamily(String),
    /// Their GPUs want different kernel modules.
    #[error(
        "{0} wants the {1} kernel module of NVIDIA's driver and {2} the {3} one: make one image for each"
    )]
    Flavours(String, DriverFlavour, String, DriverFlavour),
    /// Their processors differ.
    #[error("{0} and {1} have processors of different architectures: make one image for each")]
    Architectures(String, String),
    /// Nothing was named.
    #[error(
        "say which instances the image is for: --instance-type, --instance-family, or instance.expectedType"
    )]
    Nothing,
}

fn unknown_type(name: &str) -> String {
    let hint =
        crate::catalog::nearest(name).map_or_else(String::new, |near| format!("; did you mean {near}?"));
    format!("`{name}` is no GPU instance type that this version knows{hint}")
}

/// The instance types that `types` and `families` name, by name, each once. They can share an image.
pub fn instance_types(types: &[String], families: &[String]) -> Result<Vec<InstanceType>, WishError> {
    let mut found = Vec::new();
    for name in types {
        found.push(crate::catalog::find(name).ok_or_else(|| WishError::UnknownType(name.clone()))?);
    }
    for family in families {
        let members: Vec<_> = crate::catalog::all().filter(|one| one.family() == family).collect();
        if members.is_empty() {
            return Err(WishError::UnknownFamily(family.clone()));
        }
        found.extend(members);
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found.dedup_by(|a, b| a.name == b.name);
    let Some(first) = found.first() else { return Err(WishError::Nothing) };
    for other in &found {
        if other.arch != first.arch {
            return Err(WishError::Architectures(first.name.clone(), other.name.clone()));
        }
        let (one, two) = (first.driver_flavour(), other.driver_flavour());
        if one != two {
            return Err(WishError::Flavours(first.name.clone(), one, other.name.clone(), two));
        }
    }
    Ok(found)
}

/// The one of `types` that needs the most: what is right for it is enough for the others.
pub fn most_demanding(types: &[InstanceType]) -> Option<&InstanceType> {
    types.iter().max_by_key(|one| (one.needs_fabric_manager(), one.gpu_count(), one.efa_max))
}
