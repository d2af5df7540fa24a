//! Disks, RAID arrays and file systems: `drivers/nvme`, `block/blk-core.c`, `drivers/md`, `fs/xfs`, `fs/ext4`.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::text::{MAX_NAME, MAX_TEXT, clip, hex32, number};

/// Block errors that say "this device cannot do that", not "this device is sick" (a discard, a reservation).
const HARMLESS: [&str; 3] = ["operation not supported", "reservation conflict", "critical space allocation"];

/// One message about one disk or file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageEvent {
    /// The disk, controller or file system's device, for example `nvme1n1`, `nvme1`, `md0`.
    pub device: String,
    /// What happened.
    pub kind: StorageKind,
    /// The line, up to 240 bytes.
    pub text: String,
}

/// What happened to a disk or file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StorageKind {
    /// A read or write failed.
    IoError {
        /// The sector of 512 bytes, where the line has one.
        sector: Option<u64>,
    },
    /// A command of the NVMe controller took too long (30 s by default).
    CommandTimeout {
        /// The driver resets or gives up the controller; false where it only aborts the command.
        reset: bool,
    },
    /// The NVMe controller does not answer.
    ControllerDown {
        /// Its status register; all ones where it is gone from the bus.
        status: Option<u32>,
    },
    /// The NVMe controller could not be brought back and is given up.
    ControllerRemoved,
    /// The file system could not read or write its own data.
    FilesystemIoError,
    /// The file system found its own data wrong.
    FilesystemCorruption,
    /// The file system stopped itself: every access fails until it is mounted again.
    FilesystemShutdown,
    /// The file system takes no writes any more.
    FilesystemReadOnly,
    /// A RAID array lost a disk; `device` is the disk.
    ArrayDiskFailed {
        /// The array, for example `md0`.
        array: String,
    },
}

pub(super) fn parse(text: &str) -> Option<StorageEvent> {
    let found = controller(text)
        .or_else(|| file_system(text))
        .or_else(|| array(text))
        .or_else(|| journal(text))
        .or_else(|| block(text));
    let (device, kind) = found?;
    Some(StorageEvent { device: clip(device, MAX_NAME), kind, text: clip(text, MAX_TEXT) })
}

/// `nvme nvme1: …`, and `nvme1n1: I/O Cmd(0x2) @ LBA 0, 8 blocks, I/O Error (sct 0x0 / sc 0x6)`.
fn controller(text: &str) -> Option<(&str, StorageKind)> {
    let Some((device, message)) = text.strip_prefix("nvme ").and_then(|rest| rest.split_once(": ")) else {
        let (device, message) = text.strip_prefix("nvme").and_then(|_| text.split_once(": "))?;
        let failed = message.contains(" @ LBA ") && message.contains("(sct 0x");
        return failed.then_some((device, StorageKind::IoError { sector: None }));
    };
    let kind = if message.starts_with("controller is down") {
        let status = message.split_once("CSTS=").and_then(|(_, rest)| hex32(rest)).map(|(status, _)| status);
        StorageKind::ControllerDown { status }
    } else if message.starts_with("I/O ") && message.contains(" timeout, ") {
        let reset = message.contains("timeout, reset") || message.contains("timeout, disable");
        // A completion that was only not signalled: the driver found it and goes on.
        if message.contains("timeout, completion polled") {
            return None;
        }
        StorageKind::CommandTimeout { reset }
    } else if message.starts_with("Device not ready; aborting") {
        StorageKind::ControllerDown { status: None }
    } else if ["Removing after probe failure", "Disabling device after reset failure", "Reset failure status"]
        .iter()
        .any(|start| message.starts_with(start))
    {
        StorageKind::ControllerRemoved
    } else {
        return None;
    };
    Some((device, kind))
}

/// `XFS (md0): …`, `EXT4-fs error (device nvme0n1p1): …`.
fn file_system(text: &str) -> Option<(&str, StorageKind)> {
    let xfs = text.starts_with("XFS (");
    if !xfs && !text.starts_with("EXT4-fs ") {
        return None;
    }
    let (device, message) = text.split_once('(')?.1.split_once(')')?;
    let device = device.strip_prefix("device ").unwrap_or(device);
    let message = message.to_ascii_lowercase();
    let has = |words: &str| message.contains(words);
    let kind = if has("shutting down filesystem") || has("has been shut down") || has("initiated shutdown") {
        StorageKind::FilesystemShutdown
    } else if has("i/o error") || has("writeback error") {
        StorageKind::FilesystemIoError
    } else if has("remounting filesystem read-only") {
        StorageKind::FilesystemReadOnly
    } else if (xfs && has("corruption")) || text.starts_with("EXT4-fs error ") {
        StorageKind::FilesystemCorruption
    } else {
        return None;
    };
    Some((device, kind))
}

/// `md/raid1:md0: Disk failure on nvme1n1, disabling device.`; raid0 leaves out the colon: `md/raid0md0: …`.
fn array(text: &str) -> Option<(&str, StorageKind)> {
    let (level, rest) = text.strip_prefix("md/")?.split_once(": ")?;
    let array = &level[level.find("md")?..];
    let disk = rest.strip_prefix("Disk failure on ")?.split([' ', ',']).next()?;
    Some((disk, StorageKind::ArrayDiskFailed { array: clip(array, MAX_NAME) }))
}

/// `Aborting journal on device nvme0n1p1-8.`
fn journal(text: &str) -> Option<(&str, StorageKind)> {
    let device = text.strip_prefix("Aborting journal on device ")?.trim_end().trim_end_matches('.');
    let device = device.rsplit_once('-').map_or(device, |(device, _)| device);
    Some((device, StorageKind::FilesystemShutdown))
}

/// `I/O error, dev nvme1n1, sector 2048 op 0x0:(READ) …`, before 5.16 with the name of a function in front;
/// `Buffer I/O error on dev nvme1n1, logical block 0, async page read`.
fn block(text: &str) -> Option<(&str, StorageKind)> {
    if let Some(rest) = text.strip_prefix("Buffer I/O error on dev") {
        let device = rest.strip_prefix("ice").unwrap_or(rest).trim_start().split(',').next()?;
        return Some((device, StorageKind::IoError { sector: None }));
    }
    let text = ["blk_update_request: ", "print_req_error: "]
        .iter()
        .find_map(|function| text.strip_prefix(function))
        .unwrap_or(text);
    let (cause, rest) = text.split_once(" error, dev ")?;
    if HARMLESS.contains(&cause) {
        return None;
    }
    let (device, rest) = rest.split_once(',')?;
    let sector = rest.trim_start().strip_prefix("sector ").and_then(number).map(|(sector, _)| sector);
    Some((device, StorageKind::IoError { sector }))
}
