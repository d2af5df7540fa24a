//! Exit codes. They are part of the interface: units, user data and people act on them.

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The node is as it should be.
    Ok = 0,
    /// Every step was tried; at least one failed or found an error. What the node does then is `onFailure`.
    Degraded = 1,
    /// The command line or the configuration cannot be used. Nothing was changed but what the guard needs.
    Usage = 2,
    /// The run could not begin: another one is at work, or the machine cannot be read. Nothing was changed.
    NotStarted = 3,
    /// A step failed and `onFailure = "halt"`: the node was kept from joining.
    Halted = 4,
    /// SIGINT or SIGTERM ended the run.
    Interrupted = 130,
}

/// One line a code, for `--help` and the README.
pub(crate) const TABLE: &str = "\
Exit codes:
  0    the node is as it should be
  1    a step failed or found an error (onFailure says what the node does then)
  2    the command line or the configuration cannot be used; nothing was prepared, and a node that has not joined
       yet is kept as after a failed step
  3    the run could not begin: another one is at work, or the machine cannot be read
  4    a step failed and onFailure = \"halt\": the node was kept from joining
  130  ended by SIGINT or SIGTERM";

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
