//! `NVRM: Xid (PCI:0000:18:00): 79, pid=1234, name=python3, GPU has fallen off the bus.`
//!
//! Forms: NVIDIA's Xid documentation, and lines that people put into public reports. Older drivers leave out `PCI:`
//! and the process; with MIG the instance stands behind the address; the domain has four or eight digits.

mod tail;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use tail::{MemoryTail, NvLinkTail, Severity5, XidTail};

use super::text::{MAX_NAME, MAX_TEXT, clip, number, number32};
use crate::pci_address::PciAddress;

/// What stands for a process that the driver does not know.
const UNKNOWN: [&str; 2] = ["'<unknown>'", "<unknown>"];

/// One Xid line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct XidEvent {
    /// The GPU.
    pub pci: PciAddress,
    /// The MIG GPU instance (`GPU-I:05`), where the line names one.
    pub gpu_instance: Option<u8>,
    /// The code; what it means is in [`crate::xid::TABLE`].
    pub code: u32,
    /// The process on whose behalf the GPU worked.
    pub pid: Option<u32>,
    /// Its name.
    pub process: Option<String>,
    /// What follows, up to 240 bytes.
    pub text: String,
    /// What `text` says in detail, for codes whose text has a fixed form.
    pub tail: Option<XidTail>,
}

pub(super) fn parse(text: &str) -> Option<XidEvent> {
    let (subject, rest) = text.strip_prefix("NVRM: Xid (")?.split_once("):")?;
    let (address, instance) = match subject.trim().split_once(' ') {
        Some((address, instance)) => (address, instance.trim().strip_prefix("GPU-I:")?.parse().ok()),
        None => (subject, None),
    };
    let (code, rest) = number32(rest.trim_start())?;
    let (pid, rest) = pid(separated(rest)?);
    let (process, rest) = process(rest);
    let rest = clip(rest, MAX_TEXT);
    Some(XidEvent {
        pci: address.parse().ok()?,
        gpu_instance: instance,
        code,
        pid,
        process,
        tail: tail::parse(code, &rest),
        text: rest,
    })
}

/// What follows a comma, or the end; anything else is no list.
fn separated(text: &str) -> Option<&str> {
    match text.strip_prefix(',') {
        Some(rest) => Some(rest.trim_start()),
        None => text.trim().is_empty().then_some(""),
    }
}

fn pid(text: &str) -> (Option<u32>, &str) {
    let Some(rest) = text.strip_prefix("pid=") else {
        return (None, text);
    };
    if let Some(rest) = UNKNOWN.iter().find_map(|unknown| rest.strip_prefix(unknown)) {
        return (None, separated(rest).unwrap_or(rest));
    }
    match number(rest).and_then(|(pid, rest)| Some((pid, separated(rest)?))) {
        Some((pid, rest)) => (u32::try_from(pid).ok(), rest),
        None => (None, text),
    }
}

/// A name may hold anything but a comma (`VLLM::Worker`, `ray::train`).
fn process(text: &str) -> (Option<String>, &str) {
    let Some(rest) = text.strip_prefix("name=") else {
        return (None, text);
    };
    let (name, rest) = rest.split_once(',').unwrap_or((rest, ""));
    let name = name.trim();
    let known = !name.is_empty() && !UNKNOWN.contains(&name);
    (known.then(|| clip(name, MAX_NAME)), rest.trim_start())
}

impl fmt::Display for XidEvent {
    /// As the driver writes the line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pci = self.pci;
        write!(f, "NVRM: Xid (PCI:{:04x}:{:02x}:{:02x}", pci.domain(), pci.bus(), pci.device())?;
        if let Some(instance) = self.gpu_instance {
            write!(f, " GPU-I:{instance:02}")?;
        }
        write!(f, "): {}", self.code)?;
        if let Some(pid) = self.pid {
            write!(f, ", pid={pid}")?;
        }
        if let Some(process) = &self.process {
            write!(f, ", name={process}")?;
        }
        if self.text.is_empty() { Ok(()) } else { write!(f, ", {}", self.text) }
    }
}
