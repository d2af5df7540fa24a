//! What has to ask the device or its driver.

use serde::Serialize;

use super::{ConfigSpace, DEVICES, DriverPower, Information, Link};
use crate::Root;

/// What the device and the NVIDIA driver say about one GPU, without NVML.
///
/// Reading this can block, and not only briefly:
/// - configuration space: a reader sleeps, and cannot be interrupted, while the kernel holds the function's access
///   back, as it does through a whole reset (`pci_wait_cfg` in `access.c`);
/// - configuration space, and in new kernels the link files: a function that sleeps in D3 is woken first, through
///   its driver (`pci_config_pm_runtime_get` in `pci-sysfs.c`);
/// - the driver's `information`: wakes the GPU, then asks it under the driver's locks, which another call may hold
///   while it waits 45 s for the GPU's own processor (`nv_procfs_read_gpu_info` in `nv-procfs.c`).
///
/// So it is read by [`super::GpuReaders`] or [`super::hardware_once`], which have a deadline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hardware {
    /// Whether it answers on the bus.
    pub config: ConfigSpace,
    /// Its link to the bus.
    pub link: Link,
    /// What the driver says; `None` where no NVIDIA driver holds it, or the driver cannot wake it.
    pub information: Option<Information>,
    /// The driver's view of its power.
    pub driver_power: Option<DriverPower>,
}

/// Asks the device at the PCI address. May block; see [`Hardware`]. Configuration space is first and what needs the
/// driver last: a device that is gone has all ones there, and is not asked through its driver.
pub fn hardware(root: &Root, address: &str) -> Hardware {
    let function = root.dir(format!("{DEVICES}/{address}"));
    let proc = format!("/proc/driver/nvidia/gpus/{address}");
    let text = |file: &str| root.read_text(format!("{proc}/{file}")).ok().flatten();
    let config = function.as_ref().map_or_else(ConfigSpace::unreadable, ConfigSpace::read);
    let gone = config == ConfigSpace::AllOnes;
    let link = function.as_ref().map_or_else(|_| Link::default(), Link::read);
    let of_driver = |file: &str| if gone { None } else { text(file) };
    Hardware {
        config,
        link,
        information: of_driver("information").as_deref().and_then(Information::parse),
        driver_power: of_driver("power").as_deref().and_then(DriverPower::parse),
    }
}
