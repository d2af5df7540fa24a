//! What a command in the guest left behind.

use super::Error;

/// What a command in the guest left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The command.
    pub command: String,
    /// Exit code; 128 + signal when a signal ended it.
    pub exit: i32,
    /// Bytes of its standard output.
    pub stdout: Vec<u8>,
    /// Bytes of its standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub fn complaint(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Standard output without the white space around it, or an error with all output when the command failed.
    pub fn ok(&self) -> Result<String, Error> {
        if self.exit == 0 {
            return Ok(self.text().trim().to_owned());
        }
        Err(Error::Command {
            command: self.command.clone(),
            exit: self.exit,
            stdout: self.text(),
            stderr: self.complaint(),
        })
    }
}
