//! PCI Express links.

use serde::Serialize;

use crate::Dir;

/// A link, now and at most. A lost device answers with all ones, which is no legal width or speed: `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// Lanes now. Fewer than the most is a fault at any time.
    pub width: Option<u8>,
    /// Lanes at most.
    pub max_width: Option<u8>,
    /// Generation now. An idle GPU goes down to 1 to save power: fewer than the most is a fault only under load.
    pub generation: Option<u8>,
    /// Generation at most.
    pub max_generation: Option<u8>,
}

impl Link {
    /// Reads the four files; each asks the device, see [`super::Hardware`].
    pub(super) fn read(function: &Dir<'_>) -> Self {
        let width = |file: &str| parse_width(&function.value(file)?);
        let speed = |file: &str| generation(&function.value(file)?);
        Self {
            width: width("current_link_width"),
            max_width: width("max_link_width"),
            generation: speed("current_link_speed"),
            max_generation: speed("max_link_speed"),
        }
    }
}

/// A link's lanes; `None` for what PCI Express does not have, such as the 63 of a device that answers all ones and
/// the 0 of a link that is down.
pub fn parse_width(text: &str) -> Option<u8> {
    text.parse().ok().filter(|lanes| [1, 2, 4, 8, 12, 16, 32].contains(lanes))
}

/// The generation of a speed as sysfs writes it: `32.0 GT/s PCIe`, `8 GT/s` in older kernels, `Unknown`.
pub fn generation(text: &str) -> Option<u8> {
    let (speed, unit) = text.split_once(' ')?;
    if !unit.starts_with("GT/s") {
        return None;
    }
    match speed {
        "2.5" => Some(1),
        "5" | "5.0" => Some(2),
        "8" | "8.0" => Some(3),
        "16" | "16.0" => Some(4),
        "32" | "32.0" => Some(5),
        "64" | "64.0" => Some(6),
        _ => None,
    }
}
