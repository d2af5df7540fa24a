//! Starts programs on this machine: the one place of the test bed that does.

use std::process::{Command, Stdio};

use super::Error;

/// A command of that name, its standard input closed.
#[expect(
    clippy::disallowed_methods,
    reason = "tests start QEMU, cargo and Debian's tools here; the product's runner is for the product"
)]
pub(crate) fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.stdin(Stdio::null());
    // Debian's tools for file systems are outside a plain user's PATH.
    command.env("PATH", search_path());
    command
}

/// Where programs are looked for: PATH and the folders of system tools.
pub(super) fn search_path() -> String {
    let path = variable("PATH").unwrap_or_default();
    format!("{path}:/usr/sbin:/sbin:/usr/bin:/bin")
}

/// An environment variable that is set, not empty, and text.
#[expect(clippy::disallowed_methods, reason = "the test bed has no `main` of its own to read it in")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Runs to the end and gives standard output; an error carries the last lines of standard error.
pub(crate) fn finish(mut command: Command) -> Result<Vec<u8>, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| Error::Program { program: program.clone(), detail: error.to_string() })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let mut detail = String::from_utf8_lossy(&output.stderr).into_owned();
    if detail.trim().is_empty() {
        detail = String::from_utf8_lossy(&output.stdout).into_owned();
    }
    Err(Error::Program { program, detail: format!("{}\n{}", output.status, last_lines(&detail, 30)) })
}

/// The last `count` lines.
pub(super) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
