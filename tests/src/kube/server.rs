//! A server of the control plane, and what it says.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::Error;
use super::error::at;
use crate::keeper::Keeper;

/// A running server; ended on drop.
pub(crate) struct Server {
    name: &'static str,
    log: PathBuf,
    keeper: Keeper,
}

impl Server {
    /// Starts `program` with what it prints in the file `log`.
    pub(crate) fn start(
        name: &'static str,
        program: &Path,
        arguments: &[String],
        log: PathBuf,
    ) -> Result<Self, Error> {
        let out = File::create(&log).map_err(at(&log))?;
        let complaints = out.try_clone().map_err(at(&log))?;
        let keeper = Keeper::start(name, program, |command| {
            command.args(arguments).stdout(Stdio::from(out)).stderr(Stdio::from(complaints));
        });
        let keeper =
            keeper.map_err(|error| Error::Program { program: name.to_owned(), detail: error.to_string() })?;
        Ok(Self { name, log, keeper })
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.keeper.pid()
    }

    /// An error with the end of its log, when it has ended by itself.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.keeper.runs() { Ok(()) } else { Err(self.failed("ended")) }
    }

    /// An error with the end of its log.
    pub(crate) fn failed(&self, what: &str) -> Error {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        let end = lines[lines.len().saturating_sub(15)..].join("\n");
        Error::Program { program: self.name.to_owned(), detail: format!("{what}; its log ends with\n{end}") }
    }
}
