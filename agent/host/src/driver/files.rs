//! The files that go with the driver: what may load, with which options.

use super::{Choice, Fabric};

/// Options of the kernel module, and nouveau kept out. Modprobe reads the folder in the order of names; one `options`
/// line adds to another, so an image's own file stays in force beside this one.
pub const MODPROBE: &str = "/etc/modprobe.d/gpunode-nvidia.conf";

/// Modules that are loaded at every boot.
pub const MODULES_LOAD: &str = "/etc/modules-load.d/gpunode-nvidia.conf";

/// The text of [`MODPROBE`].
pub fn modprobe(choice: &Choice, fabric: Fabric) -> String {
    let mut text = String::from(
        "# Written by gpunode-agent.\n\
         # Two drivers cannot hold one GPU; nouveau is in the kernel and would be first.\n\
         blacklist nouveau\n\
         options nouveau modeset=0\n",
    );
    if choice.gsp_off {
        text.push_str(
            "# As the EKS image does for g4dn, g5 and g5g.\noptions nvidia NVreg_EnableGpuFirmware=0\n",
        );
    }
    if fabric == Fabric::UltraServer {
        text.push_str(
            "# As the EKS image does: else the kernel takes the GPUs' memory of Grace Blackwell for its own.\n\
             options nvidia NVreg_CoherentGPUMemoryMode=driver\n\
             # Else the driver finds no way that it trusts from an EFA card to a GPU, and NCCL falls back to sockets.\n\
             # Drivers from 595 on do not know the option, and the kernel passes it over.\n\
             options nvidia NVreg_GrdmaPciTopoCheckOverride=1\n",
        );
    }
    text
}

/// The modules that are loaded, in order: the driver, its unified memory, and for NVSwitches of the fourth generation
/// what the fabric manager talks through.
pub fn modules(fabric: Fabric) -> Vec<&'static str> {
    let mut modules = vec!["nvidia", "nvidia_uvm"];
    if fabric == Fabric::ManagedByInfiniband {
        modules.push("ib_umad");
    }
    modules
}

/// The text of [`MODULES_LOAD`].
pub fn modules_load(fabric: Fabric) -> String {
    let mut text = String::from("# Written by gpunode-agent.\n");
    for module in modules(fabric) {
        text.push_str(module);
        text.push('\n');
    }
    text
}
