//! Whether this instance has EFA.

use gpunode_host::efa;
use gpunode_host::root::ReadError;

use crate::context::Context;
use crate::os::Os;

/// By the catalogue; where it does not know the instance type, by what is on the PCI bus.
///
/// # Errors
/// The bus cannot be seen.
pub(crate) fn expected(cx: &Context, os: &Os) -> Result<bool, ReadError> {
    match cx.facts().and_then(|facts| facts.catalog.as_ref()) {
        Some(known) => Ok(known.has_efa()),
        None => Ok(on_bus(os)? > 0),
    }
}

/// How many EFA cards are on the PCI bus; none in a tree without a kernel.
///
/// # Errors
/// The bus cannot be seen.
pub(crate) fn on_bus(os: &Os) -> Result<usize, ReadError> {
    if has_kernel(os) { Ok(efa::functions(os.root())?.len()) } else { Ok(0) }
}

/// Whether the tree's kernel runs: the sysfs of the tree is its own.
pub(crate) fn has_kernel(os: &Os) -> bool {
    os.root().is_host() || os.root().exists("/sys/module")
}

/// Why there is nothing to do.
pub(crate) fn why_not(cx: &Context) -> &'static str {
    if cx.facts().is_some_and(|facts| facts.catalog.is_some()) {
        "this type has no EFA"
    } else {
        "no EFA is on the PCI bus"
    }
}
