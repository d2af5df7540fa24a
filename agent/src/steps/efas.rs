//! Whether this instance has EFA.

use gpunode_host::catalog::InstanceType;
use gpunode_host::{Root, efa};

use crate::context::Context;

/// By the catalogue; where it does not know the instance type, by what is on the PCI bus.
pub(crate) fn expected(cx: &Context, root: &Root) -> bool {
    let known = cx.facts().and_then(|facts| facts.catalog.as_ref());
    known.map_or_else(|| !efa::functions(root).is_empty(), InstanceType::has_efa)
}

/// Why there is nothing to do.
pub(crate) fn why_not(cx: &Context) -> &'static str {
    if cx.facts().is_some_and(|facts| facts.catalog.is_some()) {
        "this type has no EFA"
    } else {
        "no EFA is on the PCI bus"
    }
}
