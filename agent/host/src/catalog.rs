//! What each EC2 GPU instance type has: processors, GPUs, network cards, EFA, disks.
//!
//! The rows are `data/instance-types.json`, made by `data/refresh.py` from a dump of DescribeInstanceTypes; what
//! EC2 does not say (driver flavour, GPUDirect, RDMA) follows from the type in methods of [`InstanceType`].

mod cards;
mod rules;
#[cfg(test)]
mod tests;
mod types;

use std::sync::LazyLock;

use crate::carried::unpack;

pub use rules::DriverFlavour;
pub use types::{
    Architecture, Disks, Ebs, Gpu, Hypervisor, InstanceType, InterfaceKind, NetworkCard, NvSwitch, UsageClass,
};

static DOCUMENT: LazyLock<String> =
    LazyLock::new(|| unpack(include_bytes!(concat!(env!("OUT_DIR"), "/instance-types.json.zlib"))));

/// The row of the type `name`, or `None` where the catalogue has none.
pub fn find(name: &str) -> Option<InstanceType> {
    rows().find(|(row, _)| *row == name).and_then(|(name, json)| parse(name, json))
}

/// The type that somebody who wrote `name` probably meant, if any is near enough.
pub fn nearest(name: &str) -> Option<String> {
    crate::spec::settings::nearest(name, names().map(str::to_owned))
}

/// Every type, by name.
pub fn all() -> impl Iterator<Item = InstanceType> {
    rows().filter_map(|(name, json)| parse(name, json))
}

/// The name of every type, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    rows().map(|(name, _)| name)
}

/// Name and JSON text of each row. The file has one type to a line, indented by two spaces (`refresh.py` writes it
/// so, a test compares this with the whole file parsed as JSON), so a boot reads one row and not seventy.
fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    DOCUMENT
        .lines()
        .filter_map(|line| line.strip_prefix("  \"")?.split_once("\": "))
        .map(|(name, json)| (name, json.strip_suffix(',').unwrap_or(json)))
}

fn parse(name: &str, json: &str) -> Option<InstanceType> {
    let row: InstanceType = serde_json::from_str(json).ok()?;
    Some(InstanceType { name: name.to_owned(), ..row })
}
