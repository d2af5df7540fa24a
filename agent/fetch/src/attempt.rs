//! What came of one source.

use std::fmt;

use crate::Cause;

/// What came of one source, all tries together.
#[derive(Debug)]
pub struct Attempt {
    /// The source.
    pub source: String,
    /// How often it was tried.
    pub tries: u32,
    /// Bytes that were on this machine at the end.
    pub bytes: u64,
    /// Of so many, where the server said.
    pub total: Option<u64>,
    /// Why the last try failed.
    pub cause: Cause,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, tries, bytes, total, cause } = self;
        write!(f, "{source}: ")?;
        match (bytes, total) {
            (0, None) => {}
            (bytes, Some(total)) => write!(f, "{bytes} of {total} bytes, then: ")?,
            (bytes, None) => write!(f, "{bytes} bytes, then: ")?,
        }
        write!(f, "{cause}")?;
        if *tries > 1 { write!(f, " ({tries} tries)") } else { Ok(()) }
    }
}
