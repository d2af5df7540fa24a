//! Which network interfaces an instance type gets.

use std::fmt::Write as _;

use gpunode_host::catalog::{InstanceType, InterfaceKind};

/// One network interface of a launch template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Interface {
    pub(crate) card: u32,
    pub(crate) device: u32,
    /// `InterfaceType` of the EC2 API.
    pub(crate) kind: &'static str,
}

/// AWS's current layout: card 0 device 0 is ENA with the address; an EFA-only interface beside it where card 0 can;
/// on every further card that can, device 0 is EFA-only. Source: EC2 User Guide, "Maximize network bandwidth on
/// Amazon EC2 instances with multiple network cards".
pub(crate) fn interfaces(kind: &InstanceType) -> Vec<Interface> {
    let primary = Interface { card: 0, device: 0, kind: "interface" };
    let able = kind.cards.iter().filter(|card| card.supports(InterfaceKind::EfaOnly));
    let efa = able.take(usize::try_from(kind.efa_max).unwrap_or(usize::MAX)).map(|card| Interface {
        card: card.index,
        device: u32::from(card.index == 0),
        kind: "efa-only",
    });
    std::iter::once(primary).chain(efa).collect()
}

pub(crate) fn table(kind: &InstanceType) -> String {
    let mut text = String::from("network card  device  type\n");
    for Interface { card, device, kind } in interfaces(kind) {
        let _ = writeln!(text, "{card:12}  {device:6}  {kind}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(name: &str) -> usize {
        interfaces(&gpunode_host::catalog::find(name).unwrap()).len()
    }

    #[test]
    fn one_more_than_the_efas_except_where_card_0_has_none() {
        // EKS User Guide, `ml/device-management-efa.adoc`, and the per-card table of DescribeInstanceTypes.
        for (name, interfaces) in [
            ("p4d.24xlarge", 5),
            ("p5.48xlarge", 33),
            ("p5en.48xlarge", 17),
            ("p6-b200.48xlarge", 9),
            ("p6-b300.48xlarge", 17),
            ("g5.xlarge", 1),
        ] {
            assert_eq!(count(name), interfaces, "{name}");
        }
    }
}
