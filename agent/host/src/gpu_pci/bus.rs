//! The PCI bus, looked at again and again.

use std::collections::BTreeMap;

use super::{DEVICES, GpuPci, Power};
use crate::Root;
use crate::efa::hex;
use crate::root::ReadError;
use crate::turns::Turns;

/// NVIDIA's PCI vendor id.
const VENDOR: u32 = 0x10de;
/// PCI base class and subclass of a VGA controller and of a 3D controller; data-centre GPUs are the latter.
const GPU_CLASSES: [u32; 2] = [0x0300, 0x0302];
/// "Other bridge": NVSwitches.
const NVSWITCH_CLASS: u32 = 0x0680;

/// The bus. What a function is, is known from the first look on: a large machine has a hundred, of which a few are
/// NVIDIA's. Another one may come to the same address, so a sixth of them is read anew at each look.
#[derive(Debug, Default)]
pub struct Bus {
    known: BTreeMap<String, What>,
    turns: Turns,
}

/// NVIDIA's functions, by address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Functions {
    /// GPUs.
    pub gpus: Vec<GpuPci>,
    /// NVSwitches.
    pub nvswitches: Vec<GpuPci>,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Gpu(Fixed),
    NvSwitch(Fixed),
    Other,
}

/// What does not change while it is there.
#[derive(Clone, Copy, Debug)]
struct Fixed {
    device_id: u32,
    numa_node: Option<u32>,
}

impl Bus {
    /// What is there now.
    ///
    /// # Errors
    /// The bus cannot be seen.
    pub fn look(&mut self, root: &Root) -> Result<Functions, ReadError> {
        let addresses = root.needed_names(DEVICES)?;
        let turn = self.turns.next();
        self.known.retain(|address, _| addresses.binary_search(address).is_ok());
        let mut found = Functions::default();
        for (place, address) in addresses.into_iter().enumerate() {
            let before = self.known.get(&address).copied().filter(|_| !turn.is_of(place));
            // What cannot be read is nothing yet, and is asked for again.
            let Some(what) = before.or_else(|| what(root, &address)) else {
                self.known.remove(&address);
                continue;
            };
            match what {
                What::Gpu(fixed) => found.gpus.push(function(root, &address, fixed)),
                What::NvSwitch(fixed) => found.nvswitches.push(function(root, &address, fixed)),
                What::Other => {}
            }
            if before.is_none() {
                self.known.insert(address, what);
            }
        }
        Ok(found)
    }
}

fn what(root: &Root, address: &str) -> Option<What> {
    let folder = format!("{DEVICES}/{address}");
    let number = |file: &str| hex(&root.value(format!("{folder}/{file}"))?);
    if number("vendor")? != VENDOR {
        return Some(What::Other);
    }
    // The lowest byte of the class is the programming interface, which does not matter here.
    let class = number("class")? >> 8;
    if !GPU_CLASSES.contains(&class) && class != NVSWITCH_CLASS {
        return Some(What::Other);
    }
    let numa_node = root.value(format!("{folder}/numa_node")).and_then(|node| node.parse().ok());
    let fixed = Fixed { device_id: number("device")?, numa_node };
    Some(if class == NVSWITCH_CLASS { What::NvSwitch(fixed) } else { What::Gpu(fixed) })
}

fn function(root: &Root, address: &str, Fixed { device_id, numa_node }: Fixed) -> GpuPci {
    let folder = root.dir(format!("{DEVICES}/{address}")).ok();
    GpuPci {
        address: address.to_owned(),
        device_id,
        driver: folder.as_ref().and_then(|folder| folder.link("driver")),
        numa_node,
        power: folder.as_ref().map_or_else(Power::default, Power::read),
    }
}
