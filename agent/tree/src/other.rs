//! RDMA devices that are not EFA.

use std::io;

use crate::files::Files;

pub(crate) fn mellanox(files: &Files, name: &str) -> io::Result<()> {
    let address = format!("0002:{:02x}:00.0", name.bytes().fold(0_u8, u8::wrapping_add));
    let folder = format!("/sys/devices/pci0002:00/{address}");
    for (file, value) in [("vendor", "0x15b3"), ("device", "0x1021"), ("class", "0x020700")] {
        files.put(&format!("{folder}/{file}"), value)?;
    }
    files.link(&format!("{folder}/driver"), "../../../bus/pci/drivers/mlx5_core")?;
    let bus = format!("/sys/bus/pci/devices/{address}");
    files.link(&bus, &format!("../../../devices/pci0002:00/{address}"))?;
    let rdma = format!("{folder}/infiniband/{name}");
    files.put(&format!("{rdma}/node_type"), "1: CA")?;
    files.link(&format!("{rdma}/device"), &format!("../../../{address}"))?;
    files.put(&format!("/sys/class/infiniband_verbs/uverbs-{name}/ibdev"), name)?;
    let target = format!("../../devices/pci0002:00/{address}/infiniband/{name}");
    files.link(&format!("/sys/class/infiniband/{name}"), &target)
}

pub(crate) fn soft_roce(files: &Files, name: &str) -> io::Result<()> {
    files.put(&format!("/sys/devices/virtual/infiniband/{name}/node_type"), "1: CA")?;
    files.put(&format!("/sys/devices/virtual/infiniband/{name}/parent"), "ens5")?;
    files.put(&format!("/sys/class/infiniband_verbs/uverbs-{name}/ibdev"), name)?;
    files.link(&format!("/sys/class/infiniband/{name}"), &format!("../../devices/virtual/infiniband/{name}"))
}
