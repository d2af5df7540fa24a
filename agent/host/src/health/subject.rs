//! Which thing a finding is about.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The thing a finding is about, with all names that are known of it. Two subjects are the same thing when
/// [`Subject::kind`] and [`Subject::id`] are equal; the other names may become known later.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Subject {
    /// The node as a whole.
    Node,
    /// A GPU.
    Gpu(GpuName),
    /// An EFA interface.
    Efa(EfaName),
    /// An NVSwitch.
    NvSwitch {
        /// PCI address.
        pci: String,
    },
    /// A disk or block device.
    Disk {
        /// For example `nvme1n1`.
        name: String,
    },
    /// Any other PCI device.
    Pci {
        /// PCI address.
        pci: String,
    },
}

/// A subject's kind, in the order of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// The node as a whole.
    Node,
    /// A GPU.
    Gpu,
    /// An NVSwitch.
    NvSwitch,
    /// An EFA interface.
    Efa,
    /// A disk.
    Disk,
    /// Any other PCI device.
    Pci,
}

/// All names of a GPU.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GpuName {
    /// Domain, bus, device and function, for example `0000:53:00.0`. It stays the same until the next boot.
    pub pci: String,
    /// NVML's index, which is also the N of `nvidia-smi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// `GPU-…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// The board's serial number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
}

/// All names of an EFA interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EfaName {
    /// Domain, bus, device and function; empty where an attached interface has no device at all.
    pub pci: String,
    /// The RDMA device, for example `rdmap79s0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// `eni-…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eni: Option<String>,
    /// Lower-case, with colons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// The network card's index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_card: Option<u32>,
}

impl EfaName {
    fn id(&self) -> &str {
        if !self.pci.is_empty() {
            return &self.pci;
        }
        self.eni.as_deref().or(self.mac.as_deref()).or(self.device.as_deref()).unwrap_or_default()
    }
}

impl Subject {
    /// A GPU of which only the PCI address is known.
    pub fn gpu(pci: impl Into<String>) -> Self {
        Self::Gpu(GpuName { pci: pci.into(), ..GpuName::default() })
    }

    /// An EFA interface of which only the PCI address is known.
    pub fn efa(pci: impl Into<String>) -> Self {
        Self::Efa(EfaName { pci: pci.into(), ..EfaName::default() })
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Node => Kind::Node,
            Self::Gpu(_) => Kind::Gpu,
            Self::NvSwitch { .. } => Kind::NvSwitch,
            Self::Efa(_) => Kind::Efa,
            Self::Disk { .. } => Kind::Disk,
            Self::Pci { .. } => Kind::Pci,
        }
    }

    /// What tells it from others of its kind.
    pub fn id(&self) -> &str {
        match self {
            Self::Node => "",
            Self::Gpu(name) => &name.pci,
            Self::Efa(name) => name.id(),
            Self::NvSwitch { pci } | Self::Pci { pci } => pci,
            Self::Disk { name } => name,
        }
    }
}

impl PartialEq for Subject {
    fn eq(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.id() == other.id()
    }
}

impl Eq for Subject {}

/// As a report names it: `GPU 3 (0000:53:00.0)`, `EFA rdmap79s0 (eni-0abc, network card 4)`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node => f.write_str("node"),
            Self::Gpu(GpuName { pci, index: Some(index), .. }) => write!(f, "GPU {index} ({pci})"),
            Self::Gpu(name) => write!(f, "GPU {}", name.pci),
            Self::Efa(name) => name.fmt(f),
            Self::NvSwitch { pci } => write!(f, "NVSwitch {pci}"),
            Self::Disk { name } => write!(f, "disk {name}"),
            Self::Pci { pci } => write!(f, "PCI device {pci}"),
        }
    }
}

impl fmt::Display for EfaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let card = self.network_card.map(|card| format!("network card {card}"));
        let mut names = self.device.iter().chain(&self.eni).cloned().chain(card).chain([self.pci.clone()]);
        let first = names.find(|name| !name.is_empty()).unwrap_or_default();
        let rest: Vec<_> = names.filter(|name| !name.is_empty()).collect();
        write!(f, "EFA {first}")?;
        if rest.is_empty() { Ok(()) } else { write!(f, " ({})", rest.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_stays_the_same_when_more_of_its_names_become_known() {
        let known = GpuName { pci: "0000:53:00.0".into(), index: Some(3), ..GpuName::default() };
        assert_eq!(Subject::Gpu(known), Subject::gpu("0000:53:00.0"));
        assert_ne!(Subject::gpu("0000:53:00.0"), Subject::efa("0000:53:00.0"));
        let absent = EfaName { eni: Some("eni-1".into()), network_card: Some(4), ..EfaName::default() };
        assert_eq!(Subject::Efa(absent.clone()).id(), "eni-1");
        assert_eq!(Subject::Efa(absent).to_string(), "EFA eni-1 (network card 4)");
    }
}
