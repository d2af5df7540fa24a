//! Where a device sits on the PCI bus, in the one form that everything here compares by.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Domain, bus, device and function. Displayed as sysfs writes it, `0000:4f:00.0`.
///
/// Read from what drivers print: with or without `PCI:`, with a domain of four or eight digits or none (then it is
/// domain 0), with or without a function (then it is function 0), in either case of letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PciAddress {
    domain: u32,
    bus: u8,
    device: u8,
    function: u8,
}

/// A text that is no PCI address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a PCI address such as 0000:4f:00.0")]
pub struct PciAddressError(String);

impl PciAddress {
    /// The address of its parts; `None` where `device` is over 31 or `function` over 7.
    pub fn new(domain: u32, bus: u8, device: u8, function: u8) -> Option<Self> {
        (device < 32 && function < 8).then_some(Self { domain, bus, device, function })
    }

    /// The PCI domain (segment).
    pub fn domain(self) -> u32 {
        self.domain
    }

    /// The bus within the domain.
    pub fn bus(self) -> u8 {
        self.bus
    }

    /// The device on the bus, 0 to 31.
    pub fn device(self) -> u8 {
        self.device
    }

    /// The function of the device, 0 to 7.
    pub fn function(self) -> u8 {
        self.function
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix("PCI:").unwrap_or(text);
        let (text, function) = match text.split_once('.') {
            Some((text, function)) => (text, hex(function, 1)?),
            None => (text, 0),
        };
        let (rest, device) = text.rsplit_once(':')?;
        let (domain, bus) = match rest.rsplit_once(':') {
            Some((domain, bus)) => (hex(domain, 8)?, bus),
            None => (0, rest),
        };
        let byte = |value: u32| u8::try_from(value).ok();
        Self::new(domain, byte(hex(bus, 2)?)?, byte(hex(device, 2)?)?, byte(function)?)
    }
}

/// At least one and at most `digits` hexadecimal digits, and nothing else.
fn hex(text: &str, digits: usize) -> Option<u32> {
    let fits = (1..=digits).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| u32::from_str_radix(text, 16).ok()).flatten()
}

impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:02x}:{:02x}.{:x}", self.domain, self.bus, self.device, self.function)
    }
}

impl FromStr for PciAddress {
    type Err = PciAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Cut, since what is no address may be anything of any length.
        Self::parse(text).ok_or_else(|| PciAddressError(text.chars().take(40).collect()))
    }
}

impl Serialize for PciAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PciAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'_, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
