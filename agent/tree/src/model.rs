//! What the PCI bus and the driver say of each GPU model.

/// One model. The PCI ids are those of the PCI ID database; where it lists several for a model, of the variant that
/// EC2 is known or most likely to have.
pub(crate) struct Model {
    pub(crate) device_id: u32,
    /// As the driver names it.
    pub(crate) name: &'static str,
    /// PCI Express generation of its link. All have 16 lanes.
    pub(crate) generation: u8,
}

/// By EC2's name of the model; one that is not known yet looks like an H100.
pub(crate) fn model(name: &str) -> Model {
    let (device_id, name, generation) = match name {
        "T4" => (0x1eb8, "Tesla T4", 3),
        "T4g" => (0x1eb4, "NVIDIA T4G", 3),
        "V100" => (0x1db5, "Tesla V100-SXM2-32GB", 3),
        "A10G" => (0x2237, "NVIDIA A10G", 4),
        "L4" => (0x27b8, "NVIDIA L4", 4),
        "L40S" => (0x26b9, "NVIDIA L40S", 4),
        "A100" => (0x20b0, "NVIDIA A100-SXM4-40GB", 4),
        "H200" => (0x2335, "NVIDIA H200", 5),
        "B200" => (0x2901, "NVIDIA B200", 5),
        "B300" => (0x3182, "NVIDIA B300 SXM6 AC", 6),
        "RTX PRO 4500" => (0x2c31, "NVIDIA RTX PRO 4500 Blackwell Server Edition", 5),
        "RTX PRO Server 6000" => (0x2bb5, "NVIDIA RTX PRO 6000 Blackwell Server Edition", 5),
        _ => (0x2330, "NVIDIA H100 80GB HBM3", 5),
    };
    Model { device_id, name, generation }
}

/// NVSwitches of a board that are on the bus: their number and PCI id. Blackwell boards have them behind ConnectX
/// functions instead.
pub(crate) fn nvswitches(gpu: &str) -> (usize, u32) {
    match gpu {
        "A100" => (6, 0x1af1),
        "H100" | "H200" => (4, 0x22a3),
        _ => (0, 0),
    }
}

/// A generation's speed as sysfs writes it.
pub(crate) fn speed(generation: u8) -> &'static str {
    match generation {
        1 => "2.5 GT/s PCIe",
        2 => "5.0 GT/s PCIe",
        3 => "8.0 GT/s PCIe",
        4 => "16.0 GT/s PCIe",
        5 => "32.0 GT/s PCIe",
        6 => "64.0 GT/s PCIe",
        _ => "Unknown",
    }
}
