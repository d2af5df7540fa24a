//! Exit codes; those of a look are the same as those of `gpunode-agent check`.

use gpunode_host::health::report::Verdict;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well, or the work is done.
    Ok,
    /// `--once`: there are warnings and no error.
    Warnings,
    /// `--once`: there are errors.
    Errors,
    /// `--once`: no error is known, but something that matters did not answer.
    CouldNotTell,
    /// The program could not begin, or what it should write was not taken.
    Failed,
    /// The command line or the configuration cannot be used.
    Usage,
}

/// One line a code.
pub(crate) const TABLE: &str = "\
Exit codes:
  0    --once: healthy; else: ended by SIGTERM or SIGINT, or the work is done
  1    --once: there are warnings and no error
  2    --once: there are errors
  3    --once: no error is known, but something that matters did not answer
  4    it could not begin, or the API server did not take what was to be written
  64   the command line or the configuration cannot be used (EX_USAGE of sysexits.h)";

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Healthy => Self::Ok,
            Verdict::Degraded => Self::Warnings,
            Verdict::Unhealthy => Self::Errors,
            Verdict::Unknown => Self::CouldNotTell,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Ok => 0,
            Exit::Warnings => 1,
            Exit::Errors => 2,
            Exit::CouldNotTell => 3,
            Exit::Failed => 4,
            Exit::Usage => 64,
        })
    }
}
