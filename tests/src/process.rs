//! Starts programs for tests, with a time limit.

use std::ffi::OsStr;
use std::io;
use std::process::{Command, Output, Stdio};

/// Runs a program to its end and returns what it printed. After `seconds` it is killed, and the status is
/// `timeout`'s 124 or 137.
#[expect(clippy::disallowed_methods, reason = "a test's programs are not the product's")]
pub fn output<S: AsRef<OsStr>>(seconds: u32, words: impl IntoIterator<Item = S>) -> io::Result<Output> {
    let mut command = Command::new("timeout");
    command.arg("--kill-after=5").arg(seconds.to_string()).args(words);
    command.stdin(Stdio::null()).output()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_hangs_is_ended() {
        assert_eq!(output(1, ["sleep", "60"]).unwrap().status.code(), Some(124));
    }
}
