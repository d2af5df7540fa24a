//! PCI Express: advanced error reporting (`drivers/pci/pcie/aer.c`), hot plug (`pciehp`), containment (`dpc.c`), and
//! devices that do not answer.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::text::{MAX_NAME, MAX_TEXT, clip};
use crate::pci_address::PciAddress;

/// The port's line and the device's own line of one error stand this close together, in microseconds.
const SAME_ERROR: u64 = 1_000_000;

/// One message about one PCI device or port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PcieEvent {
    /// The device it is about; for hot plug and containment the port above the device.
    pub pci: PciAddress,
    /// The driver that holds `pci`, where the line begins with it.
    pub driver: String,
    /// What happened.
    pub kind: PcieKind,
    /// The message, up to 240 bytes.
    pub text: String,
}

/// What happened on the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PcieKind {
    /// An error that the hardware corrected.
    Corrected,
    /// An error that lost a transaction; the link is whole.
    NonFatal,
    /// An error that makes the link unreliable.
    Fatal,
    /// The port's link went down.
    LinkDown,
    /// The port's slot is empty.
    CardGone,
    /// The port cut its device off.
    Contained,
    /// The device does not answer, so it cannot be woken.
    Inaccessible,
    /// A driver could not take the device.
    ProbeFailed,
}

/// What the last error report was, since one error is said twice: by the port and for the device.
#[derive(Debug, Default)]
pub(super) struct Pcie {
    reported: Option<(PciAddress, PcieKind, u64)>,
}

impl Pcie {
    pub(super) fn parse(&mut self, text: &str, microseconds: u64) -> Option<PcieEvent> {
        if let Some(event) = old_probe(text) {
            return Some(event);
        }
        let (subject, message) = text.split_once(": ")?;
        let mut words = subject.split(' ');
        let (driver, pci) = (words.next()?, words.next()?.parse().ok()?);
        let message = message.strip_prefix("AER: ").unwrap_or(message);
        let (pci, kind) = match received(message) {
            Some((source, kind)) => {
                self.reported = Some((source, kind, microseconds));
                (source, kind)
            }
            None => (pci, of_device(message)?),
        };
        let repeats = message.starts_with("PCIe Bus Error")
            && self
                .reported
                .take_if(|(before, said, then)| {
                    *before == pci && *said == kind && microseconds.saturating_sub(*then) < SAME_ERROR
                })
                .is_some();
        (!repeats).then(|| event(driver, pci, kind, message))
    }
}

fn event(driver: &str, pci: PciAddress, kind: PcieKind, text: &str) -> PcieEvent {
    PcieEvent { pci, driver: clip(driver, MAX_NAME), kind, text: clip(text, MAX_TEXT) }
}

/// The port's line: `Corrected error received: 0000:04:00.0`, since 6.9 `Correctable error message received from
/// 0000:04:00.0`; with `Multiple` in front, or `Uncorrectable (Fatal)` and the like.
fn received(message: &str) -> Option<(PciAddress, PcieKind)> {
    let (what, source) = message
        .split_once(" error message received from ")
        .or_else(|| message.split_once(" error received: "))?;
    let source = source.split_ascii_whitespace().next()?.parse().ok()?;
    Some((source, severity(what)?))
}

fn of_device(message: &str) -> Option<PcieKind> {
    if let Some(rest) = message.strip_prefix("PCIe Bus Error: severity=") {
        return severity(rest.split(',').next()?);
    }
    if let Some(rest) = message.strip_prefix("pciehp: ") {
        let down = rest.ends_with("Link Down").then_some(PcieKind::LinkDown);
        return down.or_else(|| rest.ends_with("Card not present").then_some(PcieKind::CardGone));
    }
    if message.starts_with("DPC: containment event") {
        return Some(PcieKind::Contained);
    }
    if message.starts_with("Unable to change power state from ") && message.ends_with("device inaccessible") {
        return Some(PcieKind::Inaccessible);
    }
    message.starts_with("probe with driver ").then_some(PcieKind::ProbeFailed)
}

/// Kernels say `Corrected` or `Correctable`, `Uncorrected` or `Uncorrectable`.
fn severity(word: &str) -> Option<PcieKind> {
    if word.contains("(Non-Fatal)") {
        return Some(PcieKind::NonFatal);
    }
    if word.contains("(Fatal)") {
        return Some(PcieKind::Fatal);
    }
    word.trim_start_matches("Multiple ").starts_with("Correct").then_some(PcieKind::Corrected)
}

/// `nvidia: probe of 0000:4f:00.0 failed with error -1`, before 6.7.
fn old_probe(text: &str) -> Option<PcieEvent> {
    let (driver, rest) = text.split_once(": probe of ")?;
    let (address, _) = rest.split_once(" failed with error ")?;
    Some(event(driver, address.parse().ok()?, PcieKind::ProbeFailed, &text[driver.len() + 2..]))
}
