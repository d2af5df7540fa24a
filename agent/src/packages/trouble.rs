//! What is wrong, from what dnf, rpm, apt and dpkg print. Their exit codes say only that something is.

use gpunode_host::reason::{self, Reason};

use crate::os::{Output, RunError};
use crate::step::Failure;

/// A kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Another process holds a lock.
    Locked,
    /// dpkg was cut off before.
    Interrupted,
    /// A file system is full.
    DiskFull,
    /// Something is not signed by whom it should be.
    Signature,
    /// A repository fails.
    Repository,
    /// A package is not there in that version.
    NotOffered,
    /// Packages exclude each other.
    Conflict,
    /// Something else.
    Other,
}

/// What the tools print, first that is found; in small letters. A signature that is wrong also makes a repository fail,
/// and a full disk makes everything fail.
const SAYINGS: &[(&str, Trouble)] = &[
    ("no space left on device", Trouble::DiskFull),
    ("more space needed on", Trouble::DiskFull),
    ("enough free space in", Trouble::DiskFull),
    ("can't create transaction lock", Trouble::Locked),
    ("failed to obtain the transaction lock", Trouble::Locked),
    ("waiting for process with pid", Trouble::Locked),
    ("could not get lock", Trouble::Locked),
    ("unable to acquire the dpkg frontend lock", Trouble::Locked),
    ("unable to lock", Trouble::Locked),
    ("was locked by another process", Trouble::Locked),
    ("dpkg was interrupted", Trouble::Interrupted),
    ("gpg check failed", Trouble::Signature),
    ("gpg error", Trouble::Signature),
    ("is not signed", Trouble::Signature),
    ("no_pubkey", Trouble::Signature),
    ("badsig", Trouble::Signature),
    ("signatures were invalid", Trouble::Signature),
    ("signatures couldn't be verified", Trouble::Signature),
    ("digests signatures not ok", Trouble::Signature),
    ("there were unauthenticated packages", Trouble::Signature),
    ("failed to retrieve gpg key", Trouble::Repository),
    ("failed to download metadata", Trouble::Repository),
    ("error downloading packages", Trouble::Repository),
    ("all mirrors were tried", Trouble::Repository),
    ("cannot download", Trouble::Repository),
    ("failed to fetch", Trouble::Repository),
    ("unable to fetch", Trouble::Repository),
    ("some index files failed to download", Trouble::Repository),
    ("does not have a release file", Trouble::Repository),
    ("curl error", Trouble::Repository),
    ("checksum", Trouble::Repository),
    ("hash sum mismatch", Trouble::Repository),
    ("unable to find a match", Trouble::NotOffered),
    ("no match for argument", Trouble::NotOffered),
    ("unable to locate package", Trouble::NotOffered),
    ("was not found", Trouble::NotOffered),
    ("has no installation candidate", Trouble::NotOffered),
    ("conflicting requests", Trouble::Conflict),
    ("conflicts with", Trouble::Conflict),
    ("held broken packages", Trouble::Conflict),
    ("unmet dependencies", Trouble::Conflict),
    ("file conflict", Trouble::Conflict),
    ("nothing provides", Trouble::Conflict),
    ("trying to overwrite", Trouble::Conflict),
];

impl Trouble {
    /// The kind of failure that `text` tells of.
    pub(crate) fn of(text: &str) -> Self {
        let text = text.to_lowercase();
        SAYINGS.iter().find(|(saying, _)| text.contains(saying)).map_or(Self::Other, |(_, trouble)| *trouble)
    }

    fn reason(self) -> &'static Reason {
        match self {
            Self::Locked => &reason::PACKAGE_LOCKED,
            Self::DiskFull => &reason::DISK_FULL,
            Self::Signature => &reason::PACKAGE_SIGNATURE_WRONG,
            Self::Repository => &reason::PACKAGE_REPOSITORY_FAILED,
            Self::NotOffered => &reason::PACKAGE_NOT_OFFERED,
            Self::Conflict => &reason::PACKAGE_CONFLICT,
            Self::Interrupted | Self::Other => &reason::PACKAGE_FAILED,
        }
    }
}

/// A package manager that did not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackageError {
    /// It said why.
    #[error("cannot {doing}: {said}")]
    Said {
        /// What was to be done, with the packages or the repository.
        doing: String,
        /// Its last words.
        said: String,
        /// What that means.
        trouble: Trouble,
    },
    /// It could not be run to its end.
    #[error("cannot {doing}")]
    Run {
        /// What was to be done.
        doing: String,
        /// Why.
        source: RunError,
    },
    /// A file of its configuration could not be written.
    #[error(transparent)]
    Write(#[from] crate::os::WriteError),
}

impl PackageError {
    pub(super) fn said(doing: &str, output: &Output) -> Self {
        let text = format!("{}\n{}", output.stdout, output.stderr);
        Self::Said { doing: doing.to_owned(), said: last_words(&text), trouble: Trouble::of(&text) }
    }

    pub(super) fn trouble(&self) -> Trouble {
        match self {
            Self::Said { trouble, .. } => *trouble,
            Self::Run { .. } | Self::Write(_) => Trouble::Other,
        }
    }
}

impl From<PackageError> for Failure {
    fn from(error: PackageError) -> Self {
        match error {
            PackageError::Said { trouble, .. } => Self::of(trouble.reason(), "packages", &error),
            PackageError::Run { source, .. } => source.into(),
            PackageError::Write(source) => source.into(),
        }
    }
}

/// The lines that say what is wrong, else the last ones; three at most, on one line.
fn last_words(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let is_error = |line: &&&str| {
        ["E:", "Error", "error:", "dpkg: error", "RPM: error", "W: Failed", "W: GPG"]
            .iter()
            .any(|start| line.starts_with(start))
            || Trouble::of(line) != Trouble::Other
    };
    let errors: Vec<_> = lines.iter().filter(is_error).copied().collect();
    let told = if errors.is_empty() { &lines } else { &errors };
    let told = told[told.len().saturating_sub(3)..].join("; ");
    if told.is_empty() { "it did not say why".to_owned() } else { told }
}
