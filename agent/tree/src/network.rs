//! Network interfaces, as sysfs and the metadata service show them.

use std::io;

use gpunode_host::catalog::{InstanceType, InterfaceKind, NetworkCard};
use gpunode_host::metadata::Eni;

use crate::files::Files;

/// How network interfaces are laid out. Source: EC2 User Guide, "Maximize network bandwidth on Amazon EC2 instances
/// with multiple network cards".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// Card 0 device 0 with the address, and one EFA-only interface on every card that can: beside it on card 0,
    /// device 0 on the others.
    #[default]
    EfaOnly,
    /// The older one: EFA with ENA on every card, device 0 on card 0 and device 1 on the others.
    Combined,
}

/// The network cards that carry an EFA interface.
pub fn efa_cards(kind: &InstanceType) -> impl Iterator<Item = &NetworkCard> {
    let able = kind.cards.iter().filter(|card| card.supports(InterfaceKind::EfaOnly));
    able.take(usize::try_from(kind.efa_max).unwrap_or(usize::MAX))
}

/// The address of the interface at a place; 02 is the locally administered range.
pub fn mac(card: u32, device: u32) -> String {
    format!("02:00:00:00:{card:02x}:{device:02x}")
}

/// What the metadata service says of the interfaces, by network card and device index.
pub fn enis(kind: &InstanceType, layout: Layout) -> Vec<Eni> {
    let address = |card: u32| vec![format!("10.0.3.{}", 17 + card)];
    let primary = std::iter::once(eni(0, 0, address(0)));
    match layout {
        Layout::EfaOnly => primary
            .chain(efa_cards(kind).map(|card| eni(card.index, u32::from(card.index == 0), Vec::new())))
            .collect(),
        Layout::Combined => {
            let further = efa_cards(kind).map(|card| card.index).filter(|card| *card != 0);
            primary.chain(further.map(|card| eni(card, 1, address(card)))).collect()
        }
    }
}

fn eni(card: u32, device: u32, ipv4: Vec<String>) -> Eni {
    Eni {
        mac: mac(card, device),
        eni_id: format!("eni-0demo{card:04}{device:08}"),
        device_index: device,
        network_card: card,
        subnet_id: "subnet-0demo0000000001".to_owned(),
        ipv4,
        ipv6: Vec::new(),
    }
}

/// The network devices of the interfaces that have an address.
pub(crate) fn build(files: &Files, kind: &InstanceType, layout: Layout) -> io::Result<()> {
    for (number, eni) in enis(kind, layout).iter().filter(|eni| !eni.has_no_address()).enumerate() {
        let folder = format!("/sys/class/net/ens{}", if number == 0 { 5 } else { 31 + number });
        files.put(&format!("{folder}/address"), &eni.mac)?;
        files.put(&format!("{folder}/operstate"), "up")?;
        files.put(&format!("{folder}/device/vendor"), "0x1d0f")?;
    }
    // A container's end, with an address that means nothing.
    files.put("/sys/class/net/lo/address", "00:00:00:00:00:00")
}
