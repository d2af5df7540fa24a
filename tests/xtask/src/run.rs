//! The one place that starts programs. Nothing started here can wait for a person: standard input is empty.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::error::Error;

/// A command to fill in; pass it to [`go`] or [`read`].
#[expect(clippy::disallowed_methods, reason = "the one place that starts programs")]
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.stdin(Stdio::null());
    command
}

/// A command that is ended after `minutes`.
///
/// `--foreground` keeps it in our process group, so that an interrupt from the terminal reaches it.
pub(crate) fn bounded(minutes: u32, name: &str) -> Command {
    let mut command = program("timeout");
    command.args(["--foreground", "--kill-after=30", &format!("{minutes}m"), name]);
    command
}

/// A bounded command with mounts and processes of its own.
///
/// When it ends, or we do, for whatever reason, the kernel takes down all that it mounted and started: each
/// link of this chain is killed when the one before it ends, and the mounts go with the last process.
pub(crate) fn private(minutes: u32, name: &str) -> Command {
    let mut command = program("setpriv");
    command.args([
        "--pdeathsig",
        "KILL",
        "timeout",
        "--foreground",
        "--kill-after=30",
        &format!("{minutes}m"),
    ]);
    command.args(["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private"]);
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", name]);
    command
}

/// Runs a command with our own standard output and error; anything but success is an error.
pub(crate) fn go(command: &mut Command) -> Result<(), Error> {
    let line = line(command);
    println!("+ {line}");
    // The child writes to the same place without our buffer.
    std::io::stdout().flush().map_err(Error::file("write", "standard output"))?;
    let status = command.status().map_err(|source| Error::Start { line: line.clone(), source })?;
    if status.success() { Ok(()) } else { Err(Error::Failed { line, status }) }
}

/// Runs a command and returns what it printed on standard output; anything but success is an error.
pub(crate) fn read(command: &mut Command) -> Result<String, Error> {
    let line = line(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| Error::Start { line: line.clone(), source })?;
    if !output.status.success() {
        return Err(Error::Failed { line, status: output.status });
    }
    String::from_utf8(output.stdout).map_err(|error| Error::Output { line, what: error.to_string() })
}

/// Whether a command exists and ends well; its output is not shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// A command as one would type it, with the variables that were set for it.
pub(crate) fn line(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(name, value)| {
        Some(format!("{}={}", name.to_string_lossy(), quoted(&value?.to_string_lossy())))
    });
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    variables.chain(words.map(|word| quoted(&word.to_string_lossy()))).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_can_be_pasted_into_a_shell() {
        let mut command = program("cargo");
        command.arg("doc").arg("it's").env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(line(&command), r"RUSTDOCFLAGS='-D warnings' cargo doc 'it'\''s'");
    }

    #[test]
    fn a_failing_command_is_an_error_that_names_it() {
        let error = read(program("sh").args(["-c", "exit 3"])).unwrap_err();
        assert_eq!(error.to_string(), "`sh -c 'exit 3'`: exit status: 3");
    }
}
