//! A machine for tests of steps: its programs answer from a table.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::os::{Cancel, Cmd, Exec, Output, RunError};

/// A machine whose programs answer from a table; what was run is kept.
pub(crate) struct Answers {
    pub(crate) table: BTreeMap<&'static str, String>,
    pub(crate) run: Mutex<Vec<String>>,
    /// Commands that begin so end with status 1.
    pub(crate) fails: Option<&'static str>,
}

impl Exec for Answers {
    fn run(&self, command: &Cmd, _cancel: &Cancel) -> Result<Output, RunError> {
        let line = command.line();
        let stdout =
            self.table.iter().find(|(start, _)| line.starts_with(**start)).map(|(_, text)| text.clone());
        let code = i32::from(self.fails.is_some_and(|start| line.starts_with(start)));
        self.run.lock().unwrap().push(line);
        Ok(Output { code, stdout: stdout.unwrap_or_default(), ..Output::default() })
    }

    fn has(&self, program: &str) -> bool {
        self.table.keys().any(|line| line.split(' ').next() == Some(program))
    }
}
