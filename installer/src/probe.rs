//! Whether pods get GPUs and EFA interfaces: one pod for each, on a node of a node group, which ends by itself and is
//! removed in any case.

mod claim;
mod node;
mod pod;
mod run;
mod state;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::devices::Hardware;

pub use claim::claim;
pub use node::{Room, choose, probes, room, takes};
pub use pod::{NAME, OWNER, Probe, Way, object, path};
pub use run::{Runner, sweep};
pub use state::{State, finding, state};

impl Hardware {
    /// What the pod runs: each finds every device that the pod was given.
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
