//! From an event to what it means.

use super::nvlink5::{self, Need};
use super::{Action, Class, RecoveryAction, Verdict, Xid, find};
use crate::finding::{Clears, Severity};
use crate::kernel_log::{MemoryTail, NvLinkTail, Severity5, XidEvent, XidTail};

/// A lost GPU takes its links down with it, which its neighbours report.
const LOST_GPU: &[u32] = &[79];
/// NVLink, up to the fourth generation.
const NVLINK_ERROR: u32 = 74;

/// What `event` means. It depends on nothing else: neither on time nor on what else was seen.
pub fn judge(event: &XidEvent) -> Verdict {
    let Some(row) = find(event.code) else {
        return unknown();
    };
    match &event.tail {
        Some(XidTail::Recovery { to, .. }) => recovery(*to),
        Some(XidTail::NvLink(tail)) => nvlink(row, tail),
        Some(XidTail::Memory(tail)) => memory(row, *tail),
        None => of(row),
    }
}

/// By the table alone.
fn of(row: &Xid) -> Verdict {
    let severity = match row.class {
        _ if row.condemns => Severity::Error,
        Class::Application | Class::Cleanup | Class::Information => Severity::Info,
        Class::Hardware | Class::Driver | Class::Fabric | Class::Meta => Severity::Warning,
    };
    Verdict {
        severity,
        class: Some(row.class),
        action: row.action,
        condemns: row.condemns,
        clears: row.clears,
        explained_by: if row.code == NVLINK_ERROR { LOST_GPU } else { &[] },
        withdraws: false,
        advice: row.advice,
    }
}

fn unknown() -> Verdict {
    Verdict {
        severity: Severity::Warning,
        class: None,
        action: Action::None,
        condemns: false,
        clears: Clears::WhenGone,
        explained_by: &[],
        withdraws: false,
        advice: "Look the code up in NVIDIA's Xid catalogue: it is newer than this version of gpunode.",
    }
}

/// A contained error (94) asks for a reset only where the line says so; the reset can wait for the work to end.
fn memory(row: &Xid, tail: MemoryTail) -> Verdict {
    let verdict = of(row);
    if row.condemns || !(tail.reset || tail.drain_and_reset) {
        return verdict;
    }
    Verdict {
        action: Action::ResetGpu,
        advice: "Start the program again on another GPU, and reset this one when its other work has ended.",
        ..verdict
    }
}

fn nvlink(row: &Xid, tail: &NvLinkTail) -> Verdict {
    match (tail.severity, nvlink5::find(row.code, tail).map(|row| row.need)) {
        (Severity5::Fatal, Some(Need::Ignore)) => Verdict {
            severity: Severity::Warning,
            action: Action::None,
            condemns: false,
            clears: Clears::WhenGone,
            advice: "Look at what closed the link, software or the host; where the GPU needs more the driver says so by Xid 154.",
            ..of(row)
        },
        (Severity5::Nonfatal, Some(Need::Follow)) => Verdict {
            severity: Severity::Info,
            action: Action::RestartApp,
            condemns: false,
            clears: Clears::WhenGone,
            advice: "Start the program that was ended again; where the GPU needs more the driver says so by Xid 154.",
            ..of(row)
        },
        (Severity5::Fatal, _) => Verdict {
            severity: Severity::Error,
            action: Action::ResetGpu,
            condemns: true,
            clears: Clears::GpuReset,
            advice: "Drain the node and reset all GPUs, or reboot; when the same link fails again, replace the instance.",
            ..of(row)
        },
        (Severity5::Nonfatal, _) => Verdict {
            severity: Severity::Info,
            action: Action::None,
            condemns: false,
            clears: Clears::WhenGone,
            advice: "Nothing: the link goes on; where more is needed the driver says so by Xid 154.",
            ..of(row)
        },
    }
}

/// The driver's own verdict.
fn recovery(to: RecoveryAction) -> Verdict {
    let asks = |action, clears, advice| Verdict {
        severity: Severity::Error,
        class: Some(Class::Meta),
        action,
        condemns: true,
        clears,
        explained_by: &[],
        withdraws: false,
        advice,
    };
    match to {
        RecoveryAction::None => Verdict {
            severity: Severity::Info,
            condemns: false,
            withdraws: true,
            ..asks(Action::None, Clears::WhenGone, "Nothing: the driver asks for nothing any more.")
        },
        RecoveryAction::GpuReset => {
            asks(Action::ResetGpu, Clears::GpuReset, "Drain the node and reset the GPU, or reboot.")
        }
        RecoveryAction::NodeReboot | RecoveryAction::BusReset | RecoveryAction::SystemReboot => asks(
            Action::RebootNode,
            Clears::Reboot,
            "Drain the node and reboot it; when the GPU is not well afterwards, replace the instance.",
        ),
        RecoveryAction::DrainP2p => asks(
            Action::Drain,
            Clears::WhenGone,
            "End the work that uses several GPUs; the driver then goes on by itself.",
        ),
        RecoveryAction::DrainAndReset => {
            asks(Action::ResetGpu, Clears::GpuReset, "Let the work on the GPU end, then reset it.")
        }
        RecoveryAction::RecoverImexDomain => asks(
            Action::CheckFabric,
            Clears::WhenGone,
            "Bring the IMEX domain up again: restart nvidia-imex on its nodes.",
        ),
        RecoveryAction::Unknown(_) => Verdict {
            severity: Severity::Warning,
            condemns: false,
            ..asks(
                Action::ContactSupport,
                Clears::WhenGone,
                "Read the words of the line: the driver asks for something that is newer than this version of gpunode.",
            )
        },
    }
}
