//! A command line with its deadline, and how it can end.

use std::fmt::Write as _;
use std::time::Duration;

use super::COMMAND_DEADLINE;

/// A program, its arguments, and how long it may take.
#[derive(Clone, Debug)]
pub(crate) struct Cmd {
    pub(crate) program: String,
    pub(crate) args: Vec<String>,
    /// Variables beside those that every program gets.
    pub(crate) env: Vec<(String, String)>,
    pub(crate) deadline: Duration,
}

impl Cmd {
    pub(crate) fn new(program: impl Into<String>) -> Self {
        Self { program: program.into(), args: Vec::new(), env: Vec::new(), deadline: COMMAND_DEADLINE }
    }

    pub(crate) fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(crate) fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub(crate) fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    pub(crate) fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The command as a person would type it.
    pub(crate) fn line(&self) -> String {
        let mut line = self.program.clone();
        for arg in &self.args {
            let plain = !arg.is_empty()
                && arg.bytes().all(|b| b.is_ascii_graphic() && !b"'\"\\$`&;|<>*?()".contains(&b));
            let _ = if plain {
                write!(line, " {arg}")
            } else {
                write!(line, " '{}'", arg.replace('\'', r"'\''"))
            };
        }
        line
    }
}

/// What a command printed, each stream cut at [`super::process::MAX_OUTPUT`], and its exit status.
#[derive(Clone, Debug, Default)]
pub(crate) struct Output {
    /// 128 + N when signal N ended it.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A command that did not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error("`{program}` is not installed")]
    NotFound { program: String },
    #[error("cannot start `{command}`")]
    Start { command: String, source: std::io::Error },
    #[error("`{command}` did not end within {} s and was killed{}", deadline.as_secs_f64(), if *.stuck { "; it is stuck in the kernel and was left behind" } else { "" })]
    Deadline { command: String, deadline: Duration, stuck: bool },
    #[error("`{command}` was ended because its step was ended")]
    Cancelled { command: String },
    #[error("`{command}` ended with status {code}{}", said(.stderr))]
    Failed { command: String, code: i32, stderr: String },
}

impl RunError {
    pub(super) fn failed(command: &Cmd, output: Output) -> Self {
        let text = if output.stderr.trim().is_empty() { output.stdout } else { output.stderr };
        Self::Failed { command: command.line(), code: output.code, stderr: text }
    }
}

/// The last 3 lines of what a program said, on one line: enough to know why, short enough for a table.
fn said(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let tail = lines[lines.len().saturating_sub(3)..].join("; ");
    if tail.is_empty() { String::new() } else { format!(": {tail}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_can_be_pasted_into_a_shell() {
        let command = Cmd::new("mount").args(["-o", "a b", "it's"]);
        assert_eq!(command.line(), r"mount -o 'a b' 'it'\''s'");
    }

    #[test]
    fn a_failure_says_what_the_program_said_last() {
        let output = Output { code: 1, stdout: String::new(), stderr: "a\nb\n\nc\nd\n".into() };
        let error = RunError::failed(&Cmd::new("mkfs.xfs"), output);
        assert_eq!(error.to_string(), "`mkfs.xfs` ended with status 1: b; c; d");
    }
}
