//! Lines for people and programs. A reader that is gone, or a full disk behind a redirection, must not end a boot
//! halfway, which is what `println!` does; the report is in a file as well.

use std::fmt::Display;
use std::io::{Write, stderr, stdout};

/// A line on standard output.
pub(crate) fn out(line: impl Display) {
    let _ = writeln!(stdout(), "{line}");
}

/// A line on standard error.
pub(crate) fn err(line: impl Display) {
    let _ = writeln!(stderr(), "{line}");
}
