//! NVIDIA GPUs and NVSwitches on the PCI bus: what the hardware and the kernel say, with or without NVML.
//!
//! [`devices`] and [`nvswitches`] read only what the kernel keeps in its memory. What asks the hardware or the NVIDIA
//! driver is in [`Hardware`] and read apart, because it can block; see there.

mod config;
mod hardware;
mod information;
mod link;
mod power;
mod readers;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::Root;
use crate::efa::{hex, link as link_at};

pub use config::ConfigSpace;
pub use hardware::{Hardware, hardware};
pub use information::Information;
pub use link::{Link, generation, parse_width};
pub use power::{DriverPower, Power};
pub use readers::{GpuEvent, GpuReaders, hardware_once};

const DEVICES: &str = "/sys/bus/pci/devices";
/// NVIDIA's PCI vendor id.
const VENDOR: u32 = 0x10de;
/// PCI base class and subclass of a VGA controller and of a 3D controller; data-centre GPUs are the latter.
const GPU_CLASSES: [u32; 2] = [0x0300, 0x0302];
/// "Other bridge": NVSwitches.
const NVSWITCH_CLASSES: [u32; 1] = [0x0680];

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

/// Every NVIDIA GPU, by address. NVSwitches (bridges) and sound functions are left out.
pub fn devices(root: &Root) -> Vec<GpuPci> {
    functions(root, &GPU_CLASSES)
}

/// Every NVSwitch that is in this machine, by address. Blackwell boards have none on the bus.
pub fn nvswitches(root: &Root) -> Vec<GpuPci> {
    functions(root, &NVSWITCH_CLASSES)
}

fn functions(root: &Root, classes: &[u32]) -> Vec<GpuPci> {
    root.list(DEVICES).into_iter().filter_map(|address| device(root, address, classes)).collect()
}

fn device(root: &Root, address: String, classes: &[u32]) -> Option<GpuPci> {
    let folder = format!("{DEVICES}/{address}");
    let number = |file: &str| hex(&root.value(format!("{folder}/{file}"))?);
    // The lowest byte of the class is the programming interface, which does not matter here.
    if number("vendor")? != VENDOR || !classes.contains(&(number("class")? >> 8)) {
        return None;
    }
    Some(GpuPci {
        device_id: number("device")?,
        driver: link_at(root, &format!("{folder}/driver")),
        numa_node: root.value(format!("{folder}/numa_node")).and_then(|node| node.parse().ok()),
        power: Power::read(root, &folder),
        address,
    })
}
