//! Where the fields are that this workspace reads and writes, as of symbol version `FABRIC_1.3` on 64-bit processors.
//!
//! The checks are evaluated by the compiler, so bindings made from headers that disagree do not build.

use std::mem::offset_of;

use crate::bindings::{
    fi_bus_attr, fi_device_attr, fi_domain_attr, fi_ep_attr, fi_fabric_attr, fi_info, fi_link_attr,
    fi_pci_attr, fid_nic,
};

/// `(what the bindings say, what the binary interface says)`, in bytes.
pub const OFFSETS: [(usize, usize); 28] = [
    (offset_of!(fi_info, next), 0),
    (offset_of!(fi_info, caps), 8),
    (offset_of!(fi_info, mode), 16),
    (offset_of!(fi_info, ep_attr), 88),
    (offset_of!(fi_info, domain_attr), 96),
    (offset_of!(fi_info, fabric_attr), 104),
    (offset_of!(fi_info, nic), 112),
    (offset_of!(fi_ep_attr, type_), 0),
    (offset_of!(fi_domain_attr, name), 8),
    (offset_of!(fi_domain_attr, mr_mode), 36),
    (offset_of!(fi_domain_attr, mode), 144),
    (offset_of!(fi_fabric_attr, name), 8),
    (offset_of!(fi_fabric_attr, prov_name), 16),
    (offset_of!(fid_nic, device_attr), 24),
    (offset_of!(fid_nic, bus_attr), 32),
    (offset_of!(fid_nic, link_attr), 40),
    (offset_of!(fi_device_attr, name), 0),
    (offset_of!(fi_device_attr, device_version), 16),
    (offset_of!(fi_device_attr, driver), 32),
    (offset_of!(fi_device_attr, firmware), 40),
    (offset_of!(fi_bus_attr, bus_type), 0),
    (offset_of!(fi_bus_attr, attr), 4),
    (offset_of!(fi_pci_attr, bus_id), 2),
    (offset_of!(fi_pci_attr, device_id), 3),
    (offset_of!(fi_pci_attr, function_id), 4),
    (offset_of!(fi_link_attr, address), 0),
    (offset_of!(fi_link_attr, mtu), 8),
    (offset_of!(fi_link_attr, speed), 16),
];

const _: () = {
    let mut at = 0;
    while at < OFFSETS.len() {
        assert!(OFFSETS[at].0 == OFFSETS[at].1, "the headers' layout is not that of FABRIC_1.3");
        at += 1;
    }
};
