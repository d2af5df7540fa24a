//! What several tests begin with.

use gpunode_probe_protocol::fabric::{Endpoint, Interface};

/// An entry of libfabric's list that says no more of the device than its name.
pub(crate) fn listed(device: &str, endpoint: Endpoint) -> Interface {
    Interface {
        fabric: "efa".into(),
        domain: format!("{device}-rdm"),
        device: device.into(),
        endpoint,
        pci: None,
        device_version: None,
        firmware: None,
        driver: None,
        address: None,
        mtu: None,
        speed: None,
        hmem: Some(true),
        rma: true,
    }
}
