//! What an SXid, an error of an NVSwitch, means for the node.
//!
//! The word `Fatal` or `Non-fatal` in the line decides; the table, from the Fabric Manager guide, only where the line
//! has none. A GPU that falls off the bus (Xid 79) makes every switch it was wired to report 20034: the verdict names
//! 79 as what explains it, so that the switch is not blamed.

mod table;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub use table::TABLE;

use crate::finding::{Clears, Severity};
use crate::kernel_log::SxidEvent;
use crate::xid::{Action, Class, Verdict};

/// LTSSM fault up: the port's link went down.
const LINK_DOWN: u32 = 20034;

/// How bad the guide finds a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Danger {
    /// To be logged, and no more.
    NonFatal,
    /// Fatal only where the line says so.
    PotentiallyFatal,
    /// Always fatal.
    Fatal,
}

/// One code, or several in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sxid {
    /// The first code.
    pub first: u32,
    /// The last code; the same as the first where it is one.
    pub last: u32,
    /// How bad it is.
    pub danger: Danger,
    /// What it means, as far as the guide's families tell.
    pub meaning: &'static str,
}

/// The row of `code`.
pub fn find(code: u32) -> Option<&'static Sxid> {
    TABLE.iter().find(|row| (row.first..=row.last).contains(&code))
}

/// What `event` means. It depends on nothing else: neither on time nor on what else was seen.
pub fn judge(event: &SxidEvent) -> Verdict {
    let danger = find(event.code).map(|row| row.danger);
    let explained_by: &[u32] = if event.code == LINK_DOWN { &[79] } else { &[] };
    let verdict = match (event.fatal, danger) {
        (Some(true), _) | (None, Some(Danger::Fatal)) => fatal(),
        (Some(false), _) | (None, Some(Danger::NonFatal)) => harmless(),
        (None, Some(Danger::PotentiallyFatal) | None) => undecided(),
    };
    Verdict { explained_by, ..verdict }
}

fn fatal() -> Verdict {
    Verdict {
        severity: Severity::Error,
        class: Some(Class::Fabric),
        action: Action::RebootNode,
        condemns: true,
        clears: Clears::Reboot,
        explained_by: &[],
        withdraws: false,
        advice: "Drain the node and reboot it; when the same switch fails again, replace the instance.",
    }
}

fn harmless() -> Verdict {
    Verdict {
        severity: Severity::Info,
        action: Action::None,
        condemns: false,
        clears: Clears::WhenGone,
        advice: "Nothing: the switch goes on.",
        ..fatal()
    }
}

/// The first line, which would say, was lost, or it has no word.
fn undecided() -> Verdict {
    Verdict {
        severity: Severity::Warning,
        action: Action::CheckFabric,
        advice: "See in the fabric manager's log and by the GPUs' NVLink state whether the link is up.",
        ..harmless()
    }
}
