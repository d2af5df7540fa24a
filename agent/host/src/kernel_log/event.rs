//! What a line of the kernel means, without a judgement.

use serde::{Deserialize, Serialize};

use super::{
    EfaEvent, HardwareEvent, HungTaskEvent, LockupEvent, NvrmEvent, OomEvent, PcieEvent, StorageEvent,
    SxidEvent, XidEvent,
};

/// One thing that the kernel said. Names and texts in it are cut to a fixed length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Event {
    /// The NVIDIA driver reports an error of a GPU by its code.
    Xid(XidEvent),
    /// The NVSwitch driver reports an error of a switch by its code.
    Sxid(SxidEvent),
    /// Anything else that the NVIDIA driver says and that matters.
    Nvrm(NvrmEvent),
    /// The EFA driver.
    Efa(EfaEvent),
    /// Disks, RAID arrays and file systems.
    Storage(StorageEvent),
    /// PCI Express: errors, links, hot plug.
    Pcie(PcieEvent),
    /// Processor and memory errors.
    Hardware(HardwareEvent),
    /// The kernel killed a process for want of memory.
    Oom(OomEvent),
    /// A task waits in the kernel and cannot be killed.
    HungTask(HungTaskEvent),
    /// A CPU makes no progress.
    Lockup(LockupEvent),
}

/// An event and when it was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The record's number since boot.
    pub sequence: u64,
    /// Microseconds since boot, without the time the machine slept.
    pub microseconds: u64,
    /// What was said.
    pub event: Event,
}
