//! Where on the PCI bus things are.

use gpunode_host::catalog::InstanceType;

use crate::Options;
use crate::network::{Layout, efa_cards, mac};

/// Where an EFA device is.
#[derive(Clone, Debug)]
pub(crate) struct EfaPlace {
    pub(crate) number: usize,
    /// The PCI address.
    pub(crate) address: String,
    /// As udev names it: `rdmap<bus>s<slot>`, in decimal.
    pub(crate) name: String,
    pub(crate) mac: String,
    /// -1 on machines with one memory node.
    pub(crate) numa_node: i32,
}

/// Where a GPU is.
#[derive(Clone, Debug)]
pub(crate) struct GpuPlace {
    pub(crate) number: usize,
    pub(crate) address: String,
    pub(crate) numa_node: i32,
}

/// The buses of p5.48xlarge: eight groups 0x11 apart, in each four EFA devices from 0x4f on and a GPU after them.
const FIRST_EFA: usize = 0x4f;
const FIRST_GPU: usize = 0x53;
const STEP: usize = 0x11;
const GROUPS: usize = 8;
/// EFA devices of a group on p5.48xlarge; more than that, on machines that do not exist, go to a PCI domain apart.
const IN_GROUP: usize = 4;

pub(crate) fn efas(kind: &InstanceType, options: &Options) -> Vec<EfaPlace> {
    let device_index = |card: u32| match options.layout {
        Layout::EfaOnly => u32::from(card == 0),
        Layout::Combined => u32::from(card != 0),
    };
    let cards: Vec<u32> = match options.efa_count {
        // More than the type has: cards that no such machine has either.
        Some(count) => (0..count).collect(),
        None => efa_cards(kind).map(|card| card.index).collect(),
    };
    let count = cards.len();
    let place = |(number, card): (usize, u32)| {
        let (domain, bus) = efa_bus(number, count);
        EfaPlace {
            number,
            address: format!("{domain:04x}:{bus:02x}:00.0"),
            name: if domain == 0 { format!("rdmap{bus}s0") } else { format!("rocep{domain}p{bus}s0") },
            mac: mac(card, device_index(card)),
            numa_node: numa(number, count),
        }
    };
    cards.into_iter().enumerate().map(place).collect()
}

fn efa_bus(number: usize, count: usize) -> (usize, usize) {
    let in_group = count.div_ceil(GROUPS);
    if in_group > IN_GROUP {
        return (1, number % 256);
    }
    (0, FIRST_EFA + STEP * (number / in_group) + number % in_group)
}

pub(crate) fn gpus(kind: &InstanceType) -> Vec<GpuPlace> {
    let count = usize::try_from(kind.gpu_count()).unwrap_or(0);
    let place = |number| GpuPlace {
        number,
        address: format!("0000:{:02x}:00.0", FIRST_GPU + STEP * number),
        numa_node: numa(number, count),
    };
    (0..count).map(place).collect()
}

/// Big machines have two memory nodes and share their devices between them.
fn numa(number: usize, count: usize) -> i32 {
    if count < GROUPS { -1 } else { i32::from(number >= count / 2) }
}
