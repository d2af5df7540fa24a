//! Why a disk is not touched.

use crate::Finding;
use crate::reason::Reason;

/// One disk, and what is in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kernel's name of the disk or array; or the volume as the configuration names it, where it is missing.
    pub disk: String,
    /// The kind of finding.
    pub reason: &'static Reason,
    /// What was found, as a sentence or the part of one.
    pub found: String,
    /// Where on the disk it was found, in bytes.
    pub offset: Option<u64>,
}

impl Refusal {
    pub(super) fn new(disk: &str, reason: &'static Reason, found: String, offset: Option<u64>) -> Self {
        Self { disk: disk.to_owned(), reason, found, offset }
    }

    /// The same as a finding.
    pub fn finding(&self) -> Finding {
        Finding::new(
            self.reason,
            &self.disk,
            format!("{}: {}; the disk was not touched", self.disk, self.found),
        )
    }
}
