//! What an Xid means for the node: a table, and one judgement.
//!
//! An Xid is a report, not a state. NVIDIA's catalogue gives each code an immediate action; from it this table says
//! whether the code alone makes the GPU unfit for work (`condemns`), what clears that, and what a person should do.
//! Where the catalogue and other tools disagree, these are the reasons:
//!
//! - 13, 31, 43, 68 and other errors of a program never condemn: the program is at fault, the GPU goes on.
//! - 45 never condemns: it is the clean-up after another error, and comes by the thousand.
//! - 63 does not condemn: a row was replaced, as designed; whether a reset is due is a state that NVML tells.
//! - 94 does not condemn: the error was contained in one program, which must start again.
//! - 109 condemns: the catalogue asks for a reset.
//! - 154 is the driver's own verdict and outranks the table; going back to `None` takes it back.
//! - 144 to 150 are decided by unit, sub-code and error status, see [`nvlink5`]. A line that the catalogue's sheet does
//!   not have goes by its severity word: `Fatal` means a reset, `Nonfatal` is information, and where a nonfatal error
//!   needs more the driver says so by 154. A line without a severity word is a warning.
//! - A code that is not in the table is reported and condemns nothing.

mod judge;
pub mod nvlink5;
mod recovery;
mod table;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub use judge::judge;
pub use recovery::RecoveryAction;
pub use table::TABLE;

use crate::finding::{Clears, Severity};

/// What kind of error a code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A program's mistake.
    Application,
    /// The GPU, its memory, its board or its bus.
    Hardware,
    /// The driver, or the firmware it loads into the GPU.
    Driver,
    /// NVLink and NVSwitch.
    Fabric,
    /// About other errors.
    Meta,
    /// Worth a line in a log.
    Information,
    /// What is torn down after another error.
    Cleanup,
}

/// What must be done at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing.
    None,
    /// Start the program again.
    RestartApp,
    /// Let the work on the GPU end; the driver goes on by itself.
    Drain,
    /// Reset the GPU.
    ResetGpu,
    /// Reboot the node.
    RebootNode,
    /// Replace the instance; on one's own machine, cut the power.
    Replace,
    /// Look at the fabric manager, IMEX and the switches.
    CheckFabric,
    /// Update the driver or the firmware.
    UpdateSoftware,
    /// Tell NVIDIA or AWS.
    ContactSupport,
}

/// One code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Xid {
    /// The code.
    pub code: u32,
    /// NVIDIA's name, without `ROBUST_CHANNEL_` in front.
    pub mnemonic: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What kind of error it is.
    pub class: Class,
    /// What must be done at once.
    pub action: Action,
    /// Whether this code alone makes the GPU unfit for work.
    pub condemns: bool,
    /// What takes its finding away.
    pub clears: Clears,
    /// What a person should do.
    pub advice: &'static str,
    /// Where the row comes from.
    pub source: &'static str,
}

/// What one event means for the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// How much it matters.
    pub severity: Severity,
    /// What kind of error it is; `None` for a code that is not known.
    pub class: Option<Class>,
    /// What must be done at once.
    pub action: Action,
    /// Whether this event alone makes its GPU or switch unfit for work.
    pub condemns: bool,
    /// What takes its finding away.
    pub clears: Clears,
    /// Xids that explain this event when one of them was reported at the same time on any GPU of the node; then this
    /// one condemns nothing of its own.
    pub explained_by: &'static [u32],
    /// The driver takes its earlier verdict on this GPU back.
    pub withdraws: bool,
    /// What a person should do.
    pub advice: &'static str,
}

/// The row of `code`.
pub fn find(code: u32) -> Option<&'static Xid> {
    TABLE.binary_search_by_key(&code, |xid| xid.code).ok().map(|index| &TABLE[index])
}
