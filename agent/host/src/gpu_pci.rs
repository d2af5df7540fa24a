//! NVIDIA GPUs on the PCI bus: what the hardware says, whether or not a driver is loaded.

use serde::Serialize;

use crate::Root;
use crate::efa::{hex, link};

const DEVICES: &str = "/sys/bus/pci/devices";
/// NVIDIA's PCI vendor id.
const VENDOR: u32 = 0x10de;
/// PCI base class and subclass of a VGA controller and of a 3D controller; data-centre GPUs are the latter.
const CLASSES: [u32; 2] = [0x0300, 0x0302];

/// One GPU on the PCI bus.
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
}

/// Every NVIDIA GPU, by address. NVSwitches (bridges) and sound functions are left out.
pub fn devices(root: &Root) -> Vec<GpuPci> {
    root.list(DEVICES).into_iter().filter_map(|address| device(root, address)).collect()
}

fn device(root: &Root, address: String) -> Option<GpuPci> {
    let number = |file: &str| hex(&root.value(format!("{DEVICES}/{address}/{file}"))?);
    // The lowest byte of the class is the programming interface, which does not matter here.
    if number("vendor")? != VENDOR || !CLASSES.contains(&(number("class")? >> 8)) {
        return None;
    }
    Some(GpuPci {
        device_id: number("device")?,
        driver: link(root, &format!("{DEVICES}/{address}/driver")),
        numa_node: root.value(format!("{DEVICES}/{address}/numa_node")).and_then(|node| node.parse().ok()),
        address,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plug(root: &std::path::Path, address: &str, vendor: &str, class: &str, driver: Option<&str>) {
        let folder = root.join("sys/bus/pci/devices").join(address);
        std::fs::create_dir_all(&folder).unwrap();
        for (file, text) in [("vendor", vendor), ("class", class), ("device", "0x2330"), ("numa_node", "-1")]
        {
            std::fs::write(folder.join(file), format!("{text}\n")).unwrap();
        }
        if let Some(driver) = driver {
            std::os::unix::fs::symlink(
                format!("../../../../bus/pci/drivers/{driver}"),
                folder.join("driver"),
            )
            .unwrap();
        }
    }

    #[test]
    fn gpus_are_told_from_everything_else() {
        let dir = tempfile::tempdir().unwrap();
        plug(dir.path(), "0000:64:00.0", "0x10de", "0x030200", None);
        plug(dir.path(), "0000:53:00.0", "0x10de", "0x030200", Some("nvidia"));
        plug(dir.path(), "0000:00:1e.0", "0x10de", "0x030000", Some("vfio-pci"));
        plug(dir.path(), "0000:c0:00.0", "0x10de", "0x068000", Some("nvidia-nvswitch"));
        plug(dir.path(), "0000:00:1f.0", "0x10de", "0x040300", None);
        plug(dir.path(), "0000:00:02.0", "0x1d0f", "0x030000", None);
        plug(dir.path(), "0000:00:03.0", "garbage", "", None);
        let found = devices(&Root::new(dir.path()));
        let drivers: Vec<_> = found.iter().map(|gpu| (gpu.address.as_str(), gpu.driver.as_deref())).collect();
        assert_eq!(
            drivers,
            [("0000:00:1e.0", Some("vfio-pci")), ("0000:53:00.0", Some("nvidia")), ("0000:64:00.0", None)]
        );
        assert_eq!((found[1].device_id, found[1].numa_node), (0x2330, None));
    }
}
