//! Lines for people and programs. A reader that is gone, or a full disk behind a redirection, must not end a boot
//! halfway, which is what `println!` does; the report is in a file as well.

use std::fmt::Display;
use std::io::{ErrorKind, Write, stderr, stdout};

use crate::cli::Stop;

/// A line on standard output.
pub(crate) fn out(line: impl Display) {
    let _ = writeln!(stdout(), "{line}");
}

/// A text that is what the command is for: one that is cut short must not look whole. A reader that has gone has all that it
/// wanted.
pub(crate) fn product(text: &str) -> Result<(), Stop> {
    let text = format!("{}\n", text.trim_end_matches('\n'));
    match bytes(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Stop::not_started(format!("cannot write to standard output: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// These bytes and nothing else on standard output, for a program or a file that needs all of them.
pub(crate) fn bytes(bytes: &[u8]) -> std::io::Result<()> {
    let mut out = stdout();
    out.write_all(bytes)?;
    out.flush()
}

/// A line on standard error.
pub(crate) fn err(line: impl Display) {
    let _ = writeln!(stderr(), "{line}");
}
