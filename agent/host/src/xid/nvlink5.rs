//! The NVLink 5 codes, 144 to 150, by what their line says in detail: unit, sub-code and error status.
//!
//! A line is `149, NETIR_LINK_EVT Fatal XC0 i0 Link 08 (0x004505c6 0x00000000 …)`: unit, severity word, link,
//! `intrinfo`, error status. NVIDIA's catalogue tells the rows apart by bits of `intrinfo`, of which the low ones name
//! the unit and are laid out differently before and since R575; bits 20 to 25, the sub-code, are the same in both. The
//! unit stands in the line by name, so this table goes by the name and by the sub-code, and needs no driver version.
//!
//! A line that is in no row here, or whose severity word is another than its row's, goes by its word alone.

mod table;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub use table::TABLE;

use crate::kernel_log::{NvLinkTail, Severity5};

/// The catalogue's immediate action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// `IGNORE`
    Ignore,
    /// `XID_154_EVAL`: a program was ended; what the GPU needs the driver says by Xid 154.
    Follow,
    /// `RESET_GPU`
    Reset,
}

/// The catalogue's investigatory action: what to look at when it comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Look {
    /// `IGNORE`
    Nothing,
    /// `CONTACT_SUPPORT`
    Support,
    /// `SYMPATHETIC_REPORT_SOLO`, `REPORT_ISSUE`
    Report,
    /// `CHECK_NVLINK_FAILURE_FLOW`
    Fabric,
    /// `INVESTIGATE_LINK_SI`
    Signal,
    /// `INVESTIGATE_LINK_SI_AND_CABLES`
    Cables,
    /// `INVESTIGATE_SW_USER`
    Software,
    /// `INVESTIGATE_SW_USER_LINK_SI`
    SoftwareOrSignal,
    /// `INVESTIGATE_PEER_DEVICE`
    Peer,
    /// `INVESTIGATE_HOST`
    Host,
}

impl Look {
    /// For people, behind `look at`; `None` where there is nothing to look at.
    pub fn words(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Support => Some("NVIDIA's support, when it comes again"),
            Self::Report => Some("the errors beside it; NVIDIA's support, when it comes alone or every day"),
            Self::Fabric => Some("the other NVLinks and the switches"),
            Self::Signal => Some("the link's signal"),
            Self::Cables => Some("the link's signal and cables"),
            Self::Software => Some("the software that closed the link"),
            Self::SoftwareOrSignal => Some("the software that closed the link, and the link's signal"),
            Self::Peer => Some("the device at the other end of the link"),
            Self::Host => Some("the host"),
        }
    }
}

/// One row of the catalogue's decode sheet, or several that differ in the error status alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The Xid.
    pub code: u32,
    /// The names that the unit has in lines.
    pub units: &'static [&'static str],
    /// Bits 20 to 25 of `intrinfo`.
    pub sub_code: u32,
    /// Error statuses. Those of 144 to 148 are one bit each, of which several may be set; others are numbers.
    pub statuses: &'static [u32],
    /// The word in the line.
    #[serde(skip)]
    pub severity: Severity5,
    /// What must be done at once.
    pub need: Need,
    /// What to look at.
    pub look: Look,
}

impl Row {
    fn fits(&self, code: u32, tail: &NvLinkTail) -> bool {
        let status = tail.words.get(1).copied();
        let has =
            |one: &u32| status.is_some_and(|is| if self.has_bits() { is & one != 0 } else { is == *one });
        self.code == code
            && self.severity == tail.severity
            && tail.sub_code() == Some(self.sub_code)
            && self.units.contains(&tail.unit.as_str())
            && self.statuses.iter().any(has)
    }

    fn has_bits(&self) -> bool {
        self.code <= 148
    }
}

/// The row of a line; of several bits the one that needs most.
pub fn find(code: u32, tail: &NvLinkTail) -> Option<&'static Row> {
    TABLE.iter().filter(|row| row.fits(code, tail)).max_by_key(|row| row.need)
}
