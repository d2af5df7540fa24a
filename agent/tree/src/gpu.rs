//! What the NVIDIA driver and the PCI bus show besides the GPUs.

use std::io;

use gpunode_host::catalog::{Architecture, DriverFlavour, InstanceType, NvSwitch};
use gpunode_host::driver::Generation;

use crate::files::Files;
use crate::model;

/// The module, the driver on the bus, and its control devices.
pub(crate) fn driver(files: &Files, kind: &InstanceType, version: &str) -> io::Result<()> {
    if kind.gpu_count() == 0 {
        return Ok(());
    }
    let arch = match kind.arch {
        Architecture::X86_64 => "x86_64",
        Architecture::Arm64 => "aarch64",
    };
    let build = match kind.driver_flavour() {
        DriverFlavour::Open => format!("NVIDIA UNIX Open Kernel Module for {arch}"),
        DriverFlavour::Proprietary | DriverFlavour::Grid => format!("NVIDIA UNIX {arch} Kernel Module"),
    };
    files.put("/sys/module/nvidia/version", version)?;
    files.put("/proc/driver/nvidia/version", &format!("NVRM version: {build}  {version}  Release Build"))?;
    files.link("/sys/bus/pci/drivers/nvidia/module", "../../../../module/nvidia")?;
    for name in ["nvidiactl", "nvidia-uvm", "nvidia-uvm-tools"] {
        files.device(&format!("/dev/{name}"))?;
    }
    if kind.nvswitch == NvSwitch::Local {
        files.device("/dev/nvidia-nvswitchctl")?;
        // The switches of B200 and B300 are reached through it.
        if kind.gpus.iter().any(|gpu| Generation::of_model(&gpu.name).open_only()) {
            files.put("/sys/module/ib_umad/initstate", "live")?;
        }
    }
    Ok(())
}

/// The NVSwitches that are on the bus.
pub(crate) fn nvswitches(files: &Files, kind: &InstanceType) -> io::Result<()> {
    if kind.nvswitch != NvSwitch::Local {
        return Ok(());
    }
    let gpu = kind.gpus.first().map_or("", |gpu| gpu.name.as_str());
    let (count, id) = model::nvswitches(gpu);
    for number in 0..count {
        let address = format!("0000:{:02x}:00.0", 0xdb + number);
        let folder = format!("/sys/devices/pci0000:00/{address}");
        for (file, value) in [
            ("vendor", "0x10de"),
            ("device", &*format!("{id:#06x}")),
            ("class", "0x068000"),
            ("numa_node", "-1"),
            ("power_state", "D0"),
        ] {
            files.put(&format!("{folder}/{file}"), value)?;
        }
        files.link(&format!("{folder}/driver"), "../../../bus/pci/drivers/nvidia-nvswitch")?;
        let bus = format!("/sys/bus/pci/devices/{address}");
        files.link(&bus, &format!("../../../devices/pci0000:00/{address}"))?;
        files.device(&format!("/dev/nvidia-nvswitch{number}"))?;
    }
    Ok(())
}
