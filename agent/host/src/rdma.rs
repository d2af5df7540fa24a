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
    let pci = format!("{folder}/device");
    Rdma {
        pci_address: link(root, &pci),
        vendor: root.value(format!("{pci}/vendor")).as_deref().and_then(hex),
        driver: link(root, &format!("{pci}/driver")),
        node_type: root.value(format!("{folder}/node_type")),
        uverbs: uverbs(root, &name),
        name,
    }
}

/// By the verbs devices' own word, which software devices have too.
fn uverbs(root: &Root, name: &str) -> Option<String> {
    let class = "/sys/class/infiniband_verbs";
    let serves = |verbs: &String| root.value(format!("{class}/{verbs}/ibdev")).as_deref() == Some(name);
    root.list(class).into_iter().find(serves)
}
