//! NVIDIA GPUs and NVSwitches on the PCI bus: what the hardware and the kernel say, with or without NVML.
//!
//! [`devices`] and [`nvswitches`] read only what the kernel keeps in its memory. What asks the hardware or the NVIDIA
//! driver is in [`Hardware`] and read apart, because it can block; see there.

mod bus;
mod config;
mod hardware;
mod information;
mod link;
mod power;
mod readers;
mod starts;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::Root;

pub use bus::{Bus, Functions};
pub use config::ConfigSpace;
pub use hardware::{Hardware, hardware};
pub use information::Information;
pub use link::{Link, generation, parse_width};
pub use power::{DriverPower, Power};
pub use readers::{GpuReaders, hardware_once};
pub use starts::Starts;

const DEVICES: &str = "/sys/bus/pci/devices";

/// One GPU, or one NVSwitch, on the PCI bus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GpuPci {
    /// Domain, bus, device and function, for example `0000:53:00.0`.
    pub address: String,
    /// PCI device id, for example 0x2330 for H100.
    pub device_id: u32,
    /// The kernel driver that holds it: `nvidia`, `vfio-pci`, `nouveau`; `None` where none does.
    pub driver: Option<String>,
    /// The memory node it hangs on; `None` where the machine has only one.
    pub numa_node: Option<u32>,
    /// Its power state as the kernel remembers it.
    pub power: Power,
}

/// Every NVIDIA GPU, by address; none where the bus cannot be seen. NVSwitches (bridges) and sound functions are left out.
pub fn devices(root: &Root) -> Vec<GpuPci> {
    Bus::default().look(root).unwrap_or_default().gpus
}

/// Every NVSwitch that is in this machine, by address. Blackwell boards have none on the bus.
pub fn nvswitches(root: &Root) -> Vec<GpuPci> {
    Bus::default().look(root).unwrap_or_default().nvswitches
}
