//! The messages of the NVIDIA driver that have no code.

use serde::{Deserialize, Serialize};

use crate::pci_address::PciAddress;

/// One message of the NVIDIA driver that has no code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NvrmEvent {
    /// Which GPU is at an address; printed before the first Xid of a GPU, so also when NVML is dead.
    Identity {
        /// Its address.
        pci: PciAddress,
        /// `GPU-` and a UUID, as NVML says it.
        uuid: String,
    },
    /// The serial number of a board.
    Serial {
        /// Its address.
        pci: PciAddress,
        /// As printed.
        serial: String,
    },
    /// A GPU does not answer on the bus any more. Newer drivers say so without an Xid 79.
    FallenOffBus {
        /// Its address.
        pci: PciAddress,
    },
    /// The GPU's own processor does not answer; beside Xid 119 and 120, or alone.
    GspSilent {
        /// The driver's number of the GPU (`GPU0`), which is not that of NVML.
        gpu: Option<u32>,
        /// The line.
        text: String,
    },
    /// The memory driver cannot go on.
    UvmFatal {
        /// Its status code.
        status: u32,
        /// Whether the line asks for a reboot.
        reboot: bool,
    },
    /// A GPU cannot tell which of its NVLinks have a partner.
    NvLinkDetection {
        /// The line.
        text: String,
    },
    /// The IMEX daemon cannot be told of fabric events. At most one a minute.
    ImexUnreachable {
        /// Lines like this that were left out since the last one.
        left_out: u32,
    },
    /// A program's library is of another version than the loaded kernel module.
    ApiMismatch {
        /// The library's version.
        client: String,
        /// The kernel module's version.
        module: String,
    },
    /// The driver could not bring a GPU up.
    InitFailed {
        /// Its address.
        pci: PciAddress,
        /// What the driver says, with its status.
        text: String,
    },
    /// The driver does not lend a card the memory of a GPU, for where they hang on the bus.
    MemoryRefused {
        /// The line.
        text: String,
    },
    /// The driver found no GPU that it can use.
    NoDevices,
    /// The kernel module was loaded: whatever was wrong with the driver before is over.
    Loaded {
        /// Its version.
        version: String,
    },
}
