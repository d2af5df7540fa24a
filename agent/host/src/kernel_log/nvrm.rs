//! What the NVIDIA driver says besides Xids. Some of it goes over several lines, in one record or in several.

mod event;
#[cfg(test)]
mod tests;

pub use event::NvrmEvent;

use super::text::{MAX_NAME, MAX_TEXT, clip, hex32, number};
use crate::pci_address::PciAddress;

/// So many lines of the driver may stand between the first and the last of one message; its own are the longest, three.
const REACH: u8 = 4;
/// The IMEX line has been seen 13,332 times on one node; one event a minute says as much.
const IMEX_EVERY: u64 = 60_000_000;
/// Lines that say that the GPU's own processor (GSP) does not answer the driver.
const GSP: [&str; 5] = [
    "_kgspRpcGspEventPmuHalted",
    "rpcSendMessage failed",
    "waiting for RPC response from GPU",
    "Timeout waiting for RPC from GSP",
    "GspRmFree failed",
];

/// What was said and is not complete yet.
#[derive(Debug, Default)]
pub(super) struct Nvrm {
    /// `The NVIDIA GPU <address>`, and how many lines it may still wait for `fallen off the bus`.
    falling: Option<(PciAddress, u8)>,
    /// The words of a mismatch so far, and how many lines they may still wait.
    mismatch: Option<(String, u8)>,
    /// The GPU whose serial number comes next.
    identity: Option<PciAddress>,
    /// When the last IMEX event was, and how many lines were left out since.
    imex: Option<(u64, u32)>,
}

impl Nvrm {
    /// `text` is the whole text of a record that begins with `NVRM: `.
    pub(super) fn parse(&mut self, text: &str, microseconds: u64) -> Option<NvrmEvent> {
        let lines = text.lines().filter_map(|line| line.trim_start().strip_prefix("NVRM: "));
        let mut event = None;
        for line in lines {
            // Every line is looked at, since it may be the first of a message that goes on in the next record.
            let this = self.line(line, microseconds);
            event = event.or(this);
        }
        event
    }

    fn line(&mut self, line: &str, microseconds: u64) -> Option<NvrmEvent> {
        if let Some(rest) = line.strip_prefix("GPU at ") {
            return self.identity(rest);
        }
        if let Some(rest) = line.strip_prefix("GPU Board Serial Number:") {
            return serial(self.identity?, rest);
        }
        if line.contains("_fabricNotifyEvent: Unable to notify ImexSessionApi") {
            return self.imex(microseconds);
        }
        self.mismatch(line).or_else(|| self.falling(line)).or_else(|| whole(line))
    }

    /// `PCI:0000:91:00: GPU-<uuid>`
    fn identity(&mut self, rest: &str) -> Option<NvrmEvent> {
        let (address, uuid) = rest.split_once(": ")?;
        let pci = address.parse().ok()?;
        self.identity = Some(pci);
        uuid.starts_with("GPU-").then(|| NvrmEvent::Identity { pci, uuid: clip(uuid, MAX_NAME) })
    }

    fn imex(&mut self, now: u64) -> Option<NvrmEvent> {
        match &mut self.imex {
            Some((last, left_out)) if now.saturating_sub(*last) < IMEX_EVERY => {
                *left_out = left_out.saturating_add(1);
                None
            }
            before => {
                let left_out = before.replace((now, 0)).map_or(0, |(_, left_out)| left_out);
                Some(NvrmEvent::ImexUnreachable { left_out })
            }
        }
    }

    /// `API mismatch: the client has the version 550.1, but` / `this kernel module has the version 550.2.  Please`;
    /// the driver's releases break it at different words.
    fn mismatch(&mut self, line: &str) -> Option<NvrmEvent> {
        let (words, left) = if let Some(rest) = line.strip_prefix("API mismatch: ") {
            (rest.to_owned(), REACH)
        } else {
            let (words, left) = self.mismatch.take()?;
            (words + " " + line, left)
        };
        let mut versions =
            words.split("version ").skip(1).filter_map(|rest| version(rest.split(' ').next()?));
        if let (Some(client), Some(module)) = (versions.next(), versions.next()) {
            return Some(NvrmEvent::ApiMismatch { client, module });
        }
        self.mismatch = left.checked_sub(1).map(|left| (clip(&words, MAX_TEXT), left));
        None
    }

    /// `The NVIDIA GPU 0000:18:00.0` / `(PCI ID: 10de:2901) installed in this system has` /
    /// `fallen off the bus and is not responding to commands.`
    fn falling(&mut self, line: &str) -> Option<NvrmEvent> {
        let (pci, left) = match line.strip_prefix("The NVIDIA GPU ") {
            Some(rest) => (rest.split_ascii_whitespace().next()?.parse().ok()?, REACH),
            None => self.falling.take()?,
        };
        if line.contains("fallen off the bus") {
            return Some(NvrmEvent::FallenOffBus { pci });
        }
        self.falling = left.checked_sub(1).map(|left| (pci, left));
        None
    }
}

/// Messages of one line.
fn whole(line: &str) -> Option<NvrmEvent> {
    if let Some(rest) = line.strip_prefix("GPU ") {
        return of_gpu(rest);
    }
    if let Some(rest) = line.strip_prefix("loading NVIDIA UNIX ") {
        let version = rest.split_ascii_whitespace().find_map(version)?;
        return Some(NvrmEvent::Loaded { version });
    }
    if GSP.iter().any(|words| line.contains(words)) {
        let gpu = line.split("GPU").skip(1).find_map(number).and_then(|(gpu, _)| u32::try_from(gpu).ok());
        return Some(NvrmEvent::GspSilent { gpu, text: clip(line, MAX_TEXT) });
    }
    if let Some((_, rest)) = line.split_once("nvGpuOpsReportFatalError: ") {
        let (status, rest) = hex32(rest.split_once("fatal error ")?.1)?;
        return Some(NvrmEvent::UvmFatal { status, reboot: rest.contains("reboot") });
    }
    if line.contains("knvlinkUpdatePostRxDetectLinkMask") && line.to_ascii_lowercase().contains("failed") {
        return Some(NvrmEvent::NvLinkDetection { text: clip(line, MAX_TEXT) });
    }
    if line.starts_with("dma-buf attach failed: topology not supported") {
        return Some(NvrmEvent::MemoryRefused { text: clip(line, MAX_TEXT) });
    }
    let none = line.starts_with("None of the NVIDIA devices were initialized")
        || line.starts_with("No NVIDIA GPU found");
    none.then_some(NvrmEvent::NoDevices)
}

/// `0000:5d:00.0: GPU has fallen off the bus.` and others that begin with the address.
fn of_gpu(rest: &str) -> Option<NvrmEvent> {
    let (address, text) = rest.split_once(": ")?;
    let pci = address.parse().ok()?;
    if text.contains("fallen off the bus") {
        return Some(NvrmEvent::FallenOffBus { pci });
    }
    if let Some(number) = text.strip_prefix("GPU serial number is ") {
        return serial(pci, number.trim_end().trim_end_matches('.'));
    }
    let failed = text.starts_with("RmInitAdapter failed") || text.starts_with("rm_init_adapter failed");
    failed.then(|| NvrmEvent::InitFailed { pci, text: clip(text, MAX_TEXT) })
}

/// Boards without a number print nothing, or `[N/A]`.
fn serial(pci: PciAddress, text: &str) -> Option<NvrmEvent> {
    let serial = clip(text, MAX_NAME);
    (!serial.is_empty() && !serial.starts_with('[')).then_some(NvrmEvent::Serial { pci, serial })
}

/// `550.54.14`, with or without punctuation behind it.
fn version(word: &str) -> Option<String> {
    let word = word.trim_end_matches(['.', ',']);
    let digits = word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    digits.then(|| clip(word, MAX_NAME))
}
