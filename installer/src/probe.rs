//! Whether pods get GPUs and EFA interfaces: one pod for each, on a node of a node group, which ends by itself and is
//! removed in any case.

mod node;
mod pod;
mod run;
mod state;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use node::{Room, choose, probes, room, takes};
pub use pod::{NAME, OWNER, Probe, object, path};
pub use run::{Runner, sweep};
pub use state::{State, finding, state};

/// A pod looks for this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hardware {
    /// `nvidia-smi -L` finds every GPU that the pod was given.
    Gpu,
    /// `fi_info -p efa` finds every EFA interface that the pod was given.
    Efa,
}

impl Hardware {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Gpu, Self::Efa];

    /// What a pod asks for.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Gpu => "nvidia.com/gpu",
            Self::Efa => "vpc.amazonaws.com/efa",
        }
    }

    /// What the pod runs.
    pub fn tool(self) -> &'static str {
        match self {
            Self::Gpu => "nvidia-smi -L",
            Self::Efa => "fi_info -p efa",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Gpu => "gpu",
            Self::Efa => "efa",
        }
    }
}

/// How the pods are run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where.
    pub namespace: String,
    /// Image with `sh` and `grep`, and the C library that the driver's `nvidia-smi` needs.
    pub gpu_image: String,
    /// Image with `fi_info` of EFA's libfabric.
    pub efa_image: String,
    /// For each pod, its image included.
    pub deadline: Duration,
    /// As the mark of what is ours says it.
    pub owner: String,
}

impl Options {
    fn image(&self, hardware: Hardware) -> &str {
        match hardware {
            Hardware::Gpu => &self.gpu_image,
            Hardware::Efa => &self.efa_image,
        }
    }
}
