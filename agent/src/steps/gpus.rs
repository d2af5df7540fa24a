//! Whether this instance has GPUs.

use gpunode_host::{Root, gpu_pci};

use crate::context::Context;

/// By the catalogue; where it does not know the instance type, by what is on the PCI bus.
pub(crate) fn expected(cx: &Context, root: &Root) -> bool {
    let known = cx.facts().and_then(|facts| facts.catalog.as_ref());
    known.map_or_else(|| !gpu_pci::devices(root).is_empty(), |instance_type| instance_type.gpu_count() > 0)
}
