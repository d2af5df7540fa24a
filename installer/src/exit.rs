//! Exit codes. They are part of the interface: scripts act on them.

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok,
    /// A file cannot be read or written.
    Failed,
    /// The settings cannot be used; every mistake was told, and nothing was written.
    Settings,
    /// The command line cannot be used (EX_USAGE of sysexits.h).
    Usage,
}

/// One line a code, for `--help`.
pub const TABLE: &str = "\
Exit codes:
  0    done
  1    a file cannot be read or written
  2    the settings cannot be used; every mistake is told, and nothing was written
  64   the command line cannot be used";

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::Settings => 2,
            Exit::Usage => 64,
        })
    }
}
