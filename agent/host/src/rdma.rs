//! RDMA devices of any maker. EFA's are told in [`crate::efa`].

pub mod queue_pairs;

use serde::Serialize;

use crate::Root;
use crate::efa::{hex, link};
use crate::root::ReadError;

pub(crate) const CLASS: &str = "/sys/class/infiniband";

/// An RDMA device that is not EFA: a ConnectX card, the NVLink management ports of a B200 board (`ibp…`), soft RoCE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rdma {
    /// For example `ibp12s0`.
    pub name: String,
    /// Domain, bus, device and function; `None` for one that is made of software.
    pub pci_address: Option<String>,
    /// PCI vendor id, for example 0x15b3 (Mellanox).
    pub vendor: Option<u32>,
    /// The kernel driver, for example `mlx5_core`.
    pub driver: Option<String>,
    /// For example `1: CA`.
    pub node_type: Option<String>,
    /// The character device that programs open, for example `uverbs3`.
    pub uverbs: Option<String>,
}

impl Rdma {
    /// Whether it is made of software (soft RoCE, siw): it hangs on no bus.
    pub fn is_software(&self) -> bool {
        self.pci_address.is_none()
    }
}

/// The names of all RDMA devices; none where the kernel has no RDMA.
pub(crate) fn names(root: &Root) -> Result<Vec<String>, ReadError> {
    root.names_if_there(CLASS)
}

pub(crate) fn read(root: &Root, name: String) -> Rdma {
    let folder = format!("{CLASS}/{name}");
    Rdma {
        vendor: root.value(format!("{folder}/device/vendor")).as_deref().and_then(hex),
        node_type: root.value(format!("{folder}/node_type")),
        uverbs: uverbs(root, &name),
        ..by_links(root, name)
    }
}

/// What links tell of it, which no driver is asked for.
pub(crate) fn by_links(root: &Root, name: String) -> Rdma {
    let pci = format!("{CLASS}/{name}/device");
    Rdma {
        pci_address: link(root, &pci),
        driver: link(root, &format!("{pci}/driver")),
        vendor: None,
        node_type: None,
        uverbs: None,
        name,
    }
}

/// By the bus, where it is on one; a software device's by the verbs devices' own word.
fn uverbs(root: &Root, name: &str) -> Option<String> {
    if let Some(on_bus) = root.list(format!("{CLASS}/{name}/device/infiniband_verbs")).into_iter().next() {
        return Some(on_bus);
    }
    let class = "/sys/class/infiniband_verbs";
    let serves = |verbs: &String| root.value(format!("{class}/{verbs}/ibdev")).as_deref() == Some(name);
    root.list(class).into_iter().find(serves)
}
