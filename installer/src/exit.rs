//! Exit codes. They are part of the interface: scripts act on them.

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok,
    /// A file cannot be read or written.
    Failed,
    /// The settings cannot be used, or are not this cluster's; every mistake was told, and nothing was written.
    Settings,
    /// Something is not as it must be; only where that is what was asked.
    Differs,
    /// Something of the name of ours belongs to others, or cannot become what it must be; it was left alone.
    Refused,
    /// A call to AWS or the cluster failed. Running the command again goes on where it ended.
    Aws,
    /// Nobody said yes.
    Unconfirmed,
    /// The command line cannot be used (EX_USAGE of sysexits.h).
    Usage,
}

/// One line a code, for `--help`.
pub const TABLE: &str = "\
Exit codes:
  0    done
  1    a file cannot be read or written
  2    the settings, or buckets named beside them, cannot be used, or are not this cluster's; every mistake is told,
       and nothing was written
  3    something is not as it must be, or sick (status, verify, doctor, s3-csi list, gpu status, gpu verify, and
       plan --detailed-exitcode)
  4    something of that name belongs to others or cannot be changed; it was left alone, and all else was done
  5    AWS or the cluster could not be asked, or a call failed; the same command goes on where this one ended
  6    nobody said yes; nothing was done
  64   the command line cannot be used";

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::Settings => 2,
            Exit::Differs => 3,
            Exit::Refused => 4,
            Exit::Aws => 5,
            Exit::Unconfirmed => 6,
            Exit::Usage => 64,
        })
    }
}
