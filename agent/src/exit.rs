//! Exit codes. They are part of the interface: units, user data and people act on them.

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The node is as it should be.
    Ok,
    /// `bootstrap`: every step was tried; at least one failed or found an error. What the node does then is
    /// `onFailure`.
    Degraded,
    /// The command line or the configuration cannot be used. Nothing was changed but what the guard needs.
    Usage,
    /// The run could not begin: another one is at work, or the machine cannot be read. Nothing was changed.
    NotStarted,
    /// A step failed and `onFailure = "halt"`: the node was kept from joining.
    Halted,
    /// `check`: there are warnings and no error.
    Warnings,
    /// `check`: there are errors.
    Errors,
    /// `check`: no error is known, but something that matters did not answer.
    CouldNotTell,
    /// As [`Exit::Usage`], of a command that only looks: its code 2 says that there are errors.
    LookUsage,
    /// SIGINT, SIGTERM or SIGHUP ended the run.
    Interrupted,
}

/// One line a code, for `--help` and the README.
pub(crate) const TABLE: &str = "\
Exit codes (`check` has its own, see `check --help`):
  0    the node is as it should be
  1    a step failed or found an error (onFailure says what the node does then)
  2    the command line or the configuration cannot be used; nothing was prepared, and a node that has not joined
       yet is kept as after a failed step (64 for check, watch and inventory)
  3    the run could not begin: another one is at work, or the machine cannot be read
  4    a step failed and onFailure = \"halt\": the node was kept from joining
  130  ended by SIGINT, SIGTERM or SIGHUP";

/// The same for `check`.
pub(crate) const CHECK_TABLE: &str = "\
Exit codes:
  0    healthy: all that matters answered, and there is neither error nor warning
  1    degraded: there are warnings and no error
  2    unhealthy: there is an error; the node must not take GPU work
  3    could not tell: no error is known, but something that matters did not answer or could not be read
  64   the command line or the configuration cannot be used (EX_USAGE of sysexits.h: 2 is taken)";

impl Exit {
    /// Of a command that only looks, by its number; a number that is none of its own says that nobody can tell.
    pub(crate) const fn of_look(code: u8) -> Self {
        match code {
            0 => Self::Ok,
            1 => Self::Warnings,
            2 => Self::Errors,
            64 => Self::LookUsage,
            130 => Self::Interrupted,
            _ => Self::CouldNotTell,
        }
    }

    /// The number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Degraded | Self::Warnings => 1,
            Self::Usage | Self::Errors => 2,
            Self::NotStarted | Self::CouldNotTell => 3,
            Self::Halted => 4,
            Self::LookUsage => 64,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
