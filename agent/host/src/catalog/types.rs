//! The fields of a row.

use serde::{Deserialize, Serialize};

/// One instance type. `None` means that no source confirms the value, not that it is zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceType {
    /// For example `p5en.48xlarge`.
    #[serde(default)]
    pub name: String,
    /// Where a row that was written by hand comes from; `None` for rows from EC2 itself.
    #[serde(default)]
    pub note: Option<String>,
    /// `x86_64` or `arm64`, as EC2 spells them.
    pub arch: Architecture,
    /// Virtual processors with the default options.
    pub vcpus: Option<u32>,
    /// Memory in MiB.
    pub memory_mib: Option<u64>,
    /// What is under the operating system.
    pub hypervisor: Hypervisor,
    /// How it can be bought.
    pub usage: Vec<UsageClass>,
    /// GPUs by model; every type today has one model.
    pub gpus: Vec<Gpu>,
    /// Where the NVSwitches are, if any.
    pub nvswitch: NvSwitch,
    /// Network bandwidth of the whole instance in Gbit/s, peak. The cards' numbers cannot be added up: EC2 shows
    /// the total on each card of g6e and g7.
    pub network_gbps: Option<f64>,
    /// How many EFA interfaces, `efa` and `efa-only` together, can be attached.
    pub efa_max: u32,
    /// How many are attached is up to the launch template (UltraServers): nothing can be expected from the type.
    #[serde(default)]
    pub efa_varies: bool,
    /// By index, without gaps.
    #[serde(deserialize_with = "super::cards::deserialize")]
    pub cards: Vec<NetworkCard>,
    /// Instance-store disks by size.
    pub disks: Vec<Disks>,
    /// Limits of the attached volumes together.
    pub ebs: Option<Ebs>,
}

/// Processor architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// `x86_64`
    #[serde(rename = "x86_64")]
    X86_64,
    /// `arm64`, which the kernel calls aarch64.
    Arm64,
}

impl Architecture {
    /// As EC2 calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }
}

/// What is under the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hypervisor {
    /// The Nitro hypervisor.
    Nitro,
    /// Nothing: a `.metal` size.
    None,
}

/// How an instance can be bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UsageClass {
    /// By the second.
    OnDemand,
    /// Spare capacity that EC2 takes back.
    Spot,
    /// Reserved in advance for a span of days, in one cluster.
    CapacityBlock,
}

/// GPUs of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gpu {
    /// `NVIDIA`
    pub manufacturer: String,
    /// EC2's name of the model, for example `H200`.
    pub name: String,
    /// Whole GPUs; 0 where the instance has a fraction of one (g6f, gr6f).
    pub count: u32,
    /// GPUs that the operating system sees, fractions included.
    pub logical: u32,
    /// Memory of each in MiB; of the fraction where it is one.
    pub memory_mib: Option<u64>,
    /// Which part of a GPU each logical one is, where it is not the whole.
    #[serde(default)]
    pub partition: Option<f64>,
}

/// Where the NVSwitches are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NvSwitch {
    /// None: one GPU, or GPUs that talk over PCIe or direct NVLink.
    None,
    /// Inside the instance, which has to run the fabric manager.
    Local,
    /// In the UltraServer, beyond the instance, which runs IMEX and no fabric manager.
    UltraServer,
}

/// One network card.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkCard {
    /// From 0.
    pub index: u32,
    /// How many network interfaces it holds. Device indexes on it are below this.
    pub max_interfaces: u32,
    /// Which kinds can be attached to it.
    pub kinds: Vec<InterfaceKind>,
    /// Baseline bandwidth in Gbit/s as EC2 says it; see [`InstanceType::network_gbps`].
    pub baseline_gbps: Option<f64>,
    /// Peak bandwidth in Gbit/s.
    pub peak_gbps: Option<f64>,
}

impl NetworkCard {
    /// Whether `kind` can be attached.
    pub fn supports(&self, kind: InterfaceKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Whether an EFA device of either kind can be attached. A card holds one at most.
    pub fn supports_efa(&self) -> bool {
        self.supports(InterfaceKind::Efa) || self.supports(InterfaceKind::EfaOnly)
    }
}

/// Kinds of network interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InterfaceKind {
    /// Ethernet (ENA) alone.
    Interface,
    /// ENA and an EFA device in one.
    Efa,
    /// An EFA device without Ethernet; takes no address and has no network device.
    EfaOnly,
}

/// Instance-store disks of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disks {
    /// How many.
    pub count: u32,
    /// Size of each in GB (powers of ten).
    pub gb: u64,
    /// Whether they are NVMe devices.
    pub nvme: bool,
}

/// Limits of all attached EBS volumes together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ebs {
    /// Sustained bandwidth in Mbit/s.
    pub baseline_mbps: u32,
    /// Peak bandwidth in Mbit/s.
    pub max_mbps: u32,
    /// Sustained operations per second.
    pub baseline_iops: u32,
    /// Peak operations per second.
    pub max_iops: u32,
    /// How many volumes can be attached, where EC2 says.
    pub attachments: Option<u32>,
}
