//! Lines about disks, PCIe, memory and tasks.

use super::Names;
use crate::health::{Rule, Sighting, Subject, rules};
use crate::kernel_log::{Event, HardwareKind, PcieKind, StorageEvent, StorageKind};

/// The sign of a line that is neither about GPUs nor about EFA.
pub(super) fn judge(event: &Event, names: &dyn Names) -> Option<Sighting> {
    let (rule, subject, message): (&'static Rule, _, _) = match event {
        Event::Storage(event) => storage(event),
        Event::Pcie(event) => {
            let rule = match event.kind {
                PcieKind::Corrected | PcieKind::ProbeFailed => return None,
                PcieKind::LinkDown | PcieKind::CardGone => &rules::PCIE_SLOT_EMPTY,
                PcieKind::NonFatal | PcieKind::Fatal | PcieKind::Contained | PcieKind::Inaccessible => {
                    &rules::PCIE_UNCORRECTED
                }
            };
            (rule, names.at(&event.pci.to_string()), event.text.clone())
        }
        Event::Hardware(event) => match event.kind {
            HardwareKind::MemoryCorrected | HardwareKind::FirmwareCorrected => return None,
            HardwareKind::MachineCheck
            | HardwareKind::MemoryUncorrected
            | HardwareKind::MemoryFailure
            | HardwareKind::FirmwareUncorrected => (&rules::MACHINE_CHECK, Subject::Node, event.text.clone()),
        },
        Event::Oom(event) => {
            let why = if event.limit { "at its limit" } else { "as the machine was short of memory" };
            (&rules::OUT_OF_MEMORY, Subject::Node, format!("killed {} {why}", event.process))
        }
        Event::HungTask(event) => {
            (&rules::TASK_HUNG, Subject::Node, format!("{} hangs in the kernel", event.process))
        }
        Event::Lockup(event) => {
            let cpu = event.cpu.map(|cpu| format!(" {cpu}")).unwrap_or_default();
            (&rules::PROCESSOR_LOCKED_UP, Subject::Node, format!("processor{cpu} is locked up"))
        }
        Event::Xid(_) | Event::Sxid(_) | Event::Nvrm(_) | Event::Efa(_) => return None,
    };
    Some(Sighting::new(rule, subject, message))
}

/// Block devices made of disks. Names here and below as in the kernel's Documentation/admin-guide/devices.txt and, where it has
/// none, as their drivers give them.
const OF_DISKS: [&str; 3] = ["md", "dm-", "bcache"];
/// Those that are neither disks nor made of them: of files, of memory, of the network, with media that come and go.
const OF_OTHERS: [&str; 9] = ["loop", "ram", "zram", "nbd", "rbd", "drbd", "sr", "fd", "ublkb"];

/// Whether the kernel gives devices of one of these `kinds` such a name: the kind, and a number.
fn is_one(device: &str, kinds: &[&str]) -> bool {
    kinds.iter().any(|kind| {
        device.strip_prefix(kind).is_some_and(|rest| rest.starts_with(|next: char| next.is_ascii_digit()))
    })
}

fn storage(event: &StorageEvent) -> (&'static Rule, Subject, String) {
    let (of_disks, of_others) = (is_one(&event.device, &OF_DISKS), is_one(&event.device, &OF_OTHERS));
    let (rule, message): (&'static Rule, _) = match &event.kind {
        // Whoever stops an array, or takes a loop device away, while udev reads it, makes such lines.
        StorageKind::IoError { .. } if of_disks || of_others => {
            (&rules::DISK_VIRTUAL_IO_ERROR, "I/O errors".to_owned())
        }
        StorageKind::FilesystemIoError
        | StorageKind::FilesystemCorruption
        | StorageKind::FilesystemShutdown
        | StorageKind::FilesystemReadOnly
            if of_others =>
        {
            (&rules::DISK_VIRTUAL_IO_ERROR, "the file system on it has errors".to_owned())
        }
        StorageKind::IoError { .. } => (&rules::DISK_IO_ERROR, "I/O errors".to_owned()),
        StorageKind::CommandTimeout { reset: false } => {
            (&rules::DISK_COMMAND_TIMEOUT, "commands take too long".to_owned())
        }
        StorageKind::CommandTimeout { reset: true } => {
            (&rules::DISK_CONTROLLER_DOWN, "reset after a command that took too long".to_owned())
        }
        StorageKind::ControllerDown { .. } => {
            (&rules::DISK_CONTROLLER_DOWN, "its controller is down".to_owned())
        }
        StorageKind::ControllerRemoved => {
            (&rules::DISK_CONTROLLER_DOWN, "its controller was given up".to_owned())
        }
        StorageKind::FilesystemIoError => {
            (&rules::FILE_SYSTEM_ERROR, "the file system could not read or write its own data".to_owned())
        }
        StorageKind::FilesystemCorruption => {
            (&rules::FILE_SYSTEM_ERROR, "the file system found its own data wrong".to_owned())
        }
        StorageKind::FilesystemShutdown => {
            (&rules::FILE_SYSTEM_ERROR, "the file system stopped itself".to_owned())
        }
        StorageKind::FilesystemReadOnly => {
            (&rules::FILE_SYSTEM_ERROR, "the file system takes no writes any more".to_owned())
        }
        StorageKind::ArrayDiskFailed { array } => (&rules::RAID_DISK_FAILED, format!("failed in {array}")),
    };
    (rule, Subject::Disk { name: event.device.clone() }, message)
}
