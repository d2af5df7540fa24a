//! A plugin of NCCL, as the loader sees it.

use serde::{Deserialize, Serialize};

/// A plugin that was loaded, and with it all libraries that it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plugin {
    /// Versions of NCCL's network interface that it speaks: N of each symbol `ncclNetPlugin_vN`.
    pub net: Vec<u32>,
    /// Versions of NCCL's tuner interface: N of each `ncclTunerPlugin_vN`.
    pub tuner: Vec<u32>,
}
