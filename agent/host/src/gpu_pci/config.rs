//! The configuration space of a PCI function.

use std::io::{self, Read as _};

use serde::Serialize;

use crate::Dir;

/// The first four bytes of the configuration space, read from the device itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum ConfigSpace {
    /// The device answers with its ids.
    #[serde(rename_all = "camelCase")]
    Answers {
        /// 0x10de
        vendor_id: u16,
        /// As in `device` of sysfs.
        device_id: u16,
    },
    /// All ones: nobody answers at the address any more. The device has fallen off the bus.
    AllOnes,
    /// The kernel does not give the bytes.
    Unreadable {
        /// The error's number; `None` where the file is too short.
        errno: Option<i32>,
    },
}

impl ConfigSpace {
    pub(super) fn read(function: &Dir<'_>) -> Self {
        let mut bytes = [0; 4];
        let read = function.open("config").and_then(|mut file| file.read_exact(&mut bytes));
        read.map_or_else(|error| Self::unreadable(&error), |()| Self::of(bytes))
    }

    pub(super) fn unreadable(error: &io::Error) -> Self {
        Self::Unreadable { errno: error.raw_os_error() }
    }

    /// The space that begins with these bytes: vendor and device, the low byte first.
    pub fn of(bytes: [u8; 4]) -> Self {
        if bytes == [0xff; 4] {
            return Self::AllOnes;
        }
        let [vendor0, vendor1, device0, device1] = bytes;
        Self::Answers {
            vendor_id: u16::from_le_bytes([vendor0, vendor1]),
            device_id: u16::from_le_bytes([device0, device1]),
        }
    }
}
