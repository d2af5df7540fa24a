//! What follows from an instance type though EC2 does not say it.

use serde::Serialize;

use super::{InstanceType, NvSwitch};

/// Which build of the NVIDIA kernel module the GPU takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DriverFlavour {
    /// The open kernel module; the only one that drives Blackwell.
    Open,
    /// The closed kernel module.
    Proprietary,
    /// The vGPU guest module, for fractions of a GPU.
    Grid,
}

impl std::fmt::Display for DriverFlavour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Proprietary => "proprietary",
            Self::Grid => "GRID",
        })
    }
}

impl InstanceType {
    /// The part of the name before the dot, for example `p5en` or `p6-b200`.
    pub fn family(&self) -> &str {
        self.name.split_once('.').map_or(self.name.as_str(), |(family, _)| family)
    }

    /// How many GPUs the operating system must see, fractions included.
    pub fn gpu_count(&self) -> u32 {
        self.gpus.iter().map(|gpu| gpu.logical).sum()
    }

    /// How many instance-store disks there are.
    pub fn disk_count(&self) -> u32 {
        self.disks.iter().map(|disks| disks.count).sum()
    }

    /// Whether an EFA device can be attached at all.
    pub fn has_efa(&self) -> bool {
        self.efa_max > 0
    }

    /// How many EFA devices an instance with a full network layout has; `None` where the type does not settle it:
    /// AWS's own example for p6e-gb200 attaches 4 of 16 (EKS User Guide, ml-eks-nvidia-ultraserver).
    pub fn expected_efa(&self) -> Option<u32> {
        (!self.efa_varies).then_some(self.efa_max)
    }

    /// Bandwidth of each EFA device in Gbit/s with a full layout. The instance's total is divided, because EC2's
    /// numbers per card are sometimes the total (g6e.48xlarge) and sometimes half the card (p6-b200).
    pub fn gbps_per_efa(&self) -> Option<f64> {
        self.has_efa().then(|| self.network_gbps.map(|total| total / f64::from(self.efa_max))).flatten()
    }

    /// Whether NCCL must find GPUDirect RDMA here. Source: `gdr_required` in aws-ofi-nccl
    /// `src/platform-aws.cpp`; it is false for p5.4xlarge, g5.48xlarge, g7e.8xlarge and p3dn, and types without an
    /// entry are EFA without GPUDirect.
    pub fn gpudirect_expected(&self) -> bool {
        match self.family() {
            "p4d" | "p4de" | "p5e" | "p5en" => true,
            "p5" => self.name != "p5.4xlarge",
            "g7e" => ["g7e.12xlarge", "g7e.24xlarge", "g7e.48xlarge"].contains(&self.name.as_str()),
            family => family.starts_with("p6"),
        }
    }

    /// Whether the EFA device reads remote memory; `None` where no source says so for the type. EC2 User Guide,
    /// "Elastic Fabric Adapter": all types of Nitro v4 and later do; p4d and p4de (Nitro v3) do as well, p3dn, g4dn
    /// and g5 (Nitro v3 and older) are the ones aws-ofi-nccl `doc/efa-env-var.md` calls "without RDMA".
    pub fn rdma_read(&self) -> Option<bool> {
        if !self.has_efa() {
            return Some(false);
        }
        match self.family() {
            "p4d" | "p4de" | "p5" | "p5e" | "p5en" => Some(true),
            "p3dn" | "g4dn" | "g5" => Some(false),
            family if family.starts_with("p6") => Some(true),
            _ => None,
        }
    }

    /// Whether the instance must run the fabric manager. UltraServers have it outside the instance.
    pub fn needs_fabric_manager(&self) -> bool {
        self.nvswitch == NvSwitch::Local
    }

    /// Which kernel module to install. The EKS AMI (amazon-eks-ami `runtime/gpu/nvidia-kmod-load.sh`) takes the
    /// open one wherever NVIDIA supports it but for g4dn, g5 and g5g, and GRID for fractions; V100 (p3dn) is older
    /// than the oldest GPU of the open module, Turing.
    pub fn driver_flavour(&self) -> DriverFlavour {
        match self.family() {
            "g6f" | "gr6f" => DriverFlavour::Grid,
            "p3dn" | "g4dn" | "g5" | "g5g" => DriverFlavour::Proprietary,
            _ => DriverFlavour::Open,
        }
    }

    /// Whether the GPU's own system processor is switched off (`NVreg_EnableGpuFirmware=0`), as the EKS AMI does
    /// on g4dn, g5 and g5g.
    pub fn gsp_firmware_off(&self) -> bool {
        matches!(self.family(), "g4dn" | "g5" | "g5g")
    }
}
