//! Which network interfaces an instance gets: card, device, kind and, where each has one of its own, the subnet.

mod subnets;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use gpunode_host::catalog::{InstanceType, InterfaceKind, NetworkCard};
use gpunode_host::spec::EfaLayout;
use serde::Serialize;

pub use subnets::{Subnet, SubnetError, spread};

/// One network interface of a launch template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Interface {
    /// Network card, from 0.
    pub card: u32,
    /// Device index on that card, below [`NetworkCard::max_interfaces`]. It is not the card's index.
    pub device: u32,
    /// ENA, EFA, or both in one.
    pub kind: InterfaceKind,
}

impl Interface {
    /// `InterfaceType` of the EC2 API.
    pub fn api_type(self) -> &'static str {
        match self.kind {
            InterfaceKind::Interface => "interface",
            InterfaceKind::Efa => "efa",
            InterfaceKind::EfaOnly => "efa-only",
        }
    }

    /// Whether it is an EFA device.
    pub fn is_efa(self) -> bool {
        !matches!(self.kind, InterfaceKind::Interface)
    }

    /// Whether it takes an address. EC2 refuses every address field of one that does not.
    pub fn has_address(self) -> bool {
        !matches!(self.kind, InterfaceKind::EfaOnly)
    }
}

/// Why a type cannot have the interfaces.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// More than there are.
    #[error("{name} has {has} EFA interfaces, not {wanted}")]
    TooMany {
        /// The type.
        name: String,
        /// What it has.
        has: u32,
        /// What was asked for.
        wanted: u32,
    },
}

/// The interfaces of `kind` with `efa` EFA devices (all of them for `None`), by card and device.
///
/// `efa-only` is AWS's current layout: card 0 device 0 is ENA with the address; an EFA-only interface beside it where
/// card 0 can; on every further card that can, device 0 is EFA-only. Source: EC2 User Guide, "Maximize network
/// bandwidth on Amazon EC2 instances with multiple network cards". `combined` is the older one, which eksctl and
/// Karpenter make: card 0 device 0 is EFA with ENA, further cards have one at device 1, or at 0 where the card holds
/// a single interface.
pub fn interfaces(
    kind: &InstanceType,
    layout: EfaLayout,
    efa: Option<u32>,
) -> Result<Vec<Interface>, LayoutError> {
    let wanted = efa.unwrap_or(kind.efa_max);
    if wanted > kind.efa_max {
        return Err(LayoutError::TooMany { name: kind.name.clone(), has: kind.efa_max, wanted });
    }
    let able = kind.cards.iter().filter_map(|card| efa_device(card, layout));
    let mut devices: Vec<_> = able.take(usize::try_from(wanted).unwrap_or(usize::MAX)).collect();
    if !devices.iter().any(|interface| (interface.card, interface.device) == (0, 0)) {
        devices.insert(0, Interface { card: 0, device: 0, kind: InterfaceKind::Interface });
    }
    Ok(devices)
}

/// The one EFA device of a card; more EC2 does not take.
fn efa_device(card: &NetworkCard, layout: EfaLayout) -> Option<Interface> {
    let first = card.index == 0;
    let at = |device: u32, kind| Some(Interface { card: card.index, device, kind });
    if layout == EfaLayout::Combined && card.supports(InterfaceKind::Efa) {
        return at(u32::from(!first && card.max_interfaces > 1), InterfaceKind::Efa);
    }
    // Device 0 of card 0 is the primary interface, which EC2 wants with an address. In both layouts: odd cards of
    // p6e-gb200 take an EFA-only interface and nothing else.
    if card.supports(InterfaceKind::EfaOnly) { at(u32::from(first), InterfaceKind::EfaOnly) } else { None }
}

/// For people.
pub fn table(interfaces: &[Interface]) -> String {
    let mut text = String::from("network card  device  type\n");
    for interface in interfaces {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:12}  {:6}  {}", interface.card, interface.device, interface.api_type());
    }
    text
}
