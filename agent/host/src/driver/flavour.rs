//! Open or closed kernel modules.

use crate::catalog::{DriverFlavour, InstanceType};
use crate::versions::{DriverBuild, Version};

use super::{Generation, Refusal};

/// Which build of the kernel modules is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modules {
    /// The open ones.
    Open,
    /// The closed ones.
    Proprietary,
}

impl Modules {
    /// As it stands in the configuration and in messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Proprietary => "proprietary",
        }
    }

    /// Whether the module that is loaded is of this build.
    pub fn is(self, build: DriverBuild) -> bool {
        match build {
            DriverBuild::Open => self == Self::Open,
            DriverBuild::Proprietary => self == Self::Proprietary,
        }
    }
}

/// What was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The build.
    pub modules: Modules,
    /// The GPU's own system processor is switched off (`NVreg_EnableGpuFirmware=0`). The open modules cannot do so.
    pub gsp_off: bool,
    /// Why, to complete "… modules: ".
    pub because: &'static str,
}

/// From this branch on NVIDIA builds only the open modules ("Proprietary Kernel Modules Removed", NVIDIA Driver
/// Installation Guide, release 620; the guide of 615 has both).
pub const OPEN_ONLY_FROM: u32 = 620;

/// The rules, first that applies: what the GPU can take at all, what the branch has (`None` where the newest that has the
/// modules is taken), what the operator says, what the EKS image does for the type (`resolve-nvidia-driver.sh`), and the
/// open modules for all others.
pub fn choose(
    told: Option<Modules>,
    kind: Option<&InstanceType>,
    gpus: &[Generation],
    branch: Option<u32>,
) -> Result<Choice, Refusal> {
    let chosen = |modules, because| {
        let gsp_off = modules == Modules::Proprietary && kind.is_some_and(InstanceType::gsp_firmware_off);
        Ok(Choice { modules, gsp_off, because })
    };
    let flavour = kind.map(InstanceType::driver_flavour);
    if flavour == Some(DriverFlavour::Grid) {
        return Err(Refusal::Grid);
    }
    let open_only = gpus.iter().any(|gpu| gpu.open_only());
    let closed_only = gpus.iter().any(|gpu| gpu.closed_only());
    let without_closed = branch.filter(|branch| *branch >= OPEN_ONLY_FROM);
    if let (false, false, Some(Modules::Proprietary), Some(branch)) =
        (open_only, closed_only, told, without_closed)
    {
        return Err(Refusal::ClosedGone(branch));
    }
    match (open_only, closed_only, told) {
        (true, true, _) => Err(Refusal::MixedGpus),
        (true, false, Some(Modules::Proprietary)) => Err(Refusal::OpenOnly),
        (false, true, Some(Modules::Open)) => Err(Refusal::ClosedOnly),
        (true, false, _) => chosen(Modules::Open, "the only ones for Blackwell"),
        (false, true, _) => chosen(Modules::Proprietary, "the only ones before Turing"),
        (false, false, Some(modules)) => chosen(modules, "nvidia.flavour says so"),
        (false, false, None) if without_closed.is_some() => {
            chosen(Modules::Open, "the only ones of this branch")
        }
        (false, false, None) if flavour == Some(DriverFlavour::Proprietary) => {
            chosen(Modules::Proprietary, "as the EKS image does on this type")
        }
        (false, false, None) => chosen(Modules::Open, "NVIDIA's own choice since Turing"),
    }
}

/// How a network card reads the memory of a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerMemory {
    /// Through dma-buf: nothing but the two drivers is needed.
    DmaBuf,
    /// Through the module `efa_nv_peermem` of the EFA installer. `nvidia-peermem` is for Mellanox cards and of no use
    /// to EFA.
    EfaNvPeermem,
}

/// dma-buf wants the open modules and Linux 5.12 (where RDMA learnt it); EFA has no use for `nvidia-peermem` on either
/// (amazon-eks-ami issue 2672).
pub fn peer_memory(modules: Modules, kernel: &Version) -> PeerMemory {
    if modules == Modules::Open && kernel.at_least(5, 12, 0) {
        PeerMemory::DmaBuf
    } else {
        PeerMemory::EfaNvPeermem
    }
}
