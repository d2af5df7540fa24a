//! What is wanted, and what was got.

use std::path::PathBuf;
use std::time::Duration;

use crate::openpgp::Fingerprint;
use crate::{Sha256, Source};

/// Something to download.
#[derive(Clone, Debug)]
pub struct Download {
    /// Where it can be had, in the order in which they are tried.
    pub sources: Vec<Source>,
    /// What it must be.
    pub proof: Proof,
    /// More bytes than this are refused, as soon as that is known.
    pub max_bytes: u64,
    /// How long it may take.
    pub limits: Limits,
}

/// What a file must be to be used.
#[derive(Clone, Debug)]
pub enum Proof {
    /// It has this checksum.
    Sha256(Sha256),
    /// It is signed.
    Signature(Signature),
    /// Both. What the cache holds with this checksum was proved before and is not asked for its signature again.
    Both(Sha256, Signature),
}

/// A detached OpenPGP signature, and whose it must be.
#[derive(Clone, Debug)]
pub struct Signature {
    /// Where the signature can be had.
    pub sources: Vec<Source>,
    /// Where the public key can be had. It may be the same host: only the fingerprint is trusted.
    pub key: Vec<Source>,
    /// The key that must have signed.
    pub fingerprint: Fingerprint,
}

/// How long a download may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For one connection to be made, TLS included.
    pub connect: Duration,
    /// Without [`Limits::LEAST`] bytes coming in, in any stretch of this length.
    pub idle: Duration,
    /// For everything, all tries and mirrors.
    pub total: Duration,
}

impl Limits {
    /// Bytes that must come in during each `idle`: a server that drips does not hold a boot.
    pub const LEAST: u64 = 4096;
}

impl Default for Limits {
    /// A bundle of 500 MB in ten minutes is 1 MB/s, which the slowest NAT gateway of a GPU subnet gives.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            total: Duration::from_secs(600),
        }
    }
}

/// A file that was proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// In the cache; nobody changes it there.
    pub path: PathBuf,
    /// Its checksum.
    pub sha256: Sha256,
    /// Its length.
    pub bytes: u64,
    /// Whether nothing had to be downloaded.
    pub from_cache: bool,
    /// Which source gave it; of the cache, what it is.
    pub url: String,
}

/// How far a download is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes on this machine.
    pub bytes: u64,
    /// Of so many, where the server says.
    pub total: Option<u64>,
}

/// Who looks on.
pub trait Watch {
    /// Asked several times a second; `false` ends the download, which a later one resumes.
    fn go_on(&self) -> bool {
        true
    }
    /// Told after each piece.
    fn progress(&self, _: &Progress) {}
}

/// Nobody looks on.
impl Watch for () {}

impl Proof {
    pub(crate) fn sha256(&self) -> Option<Sha256> {
        match self {
            Self::Sha256(sum) | Self::Both(sum, _) => Some(*sum),
            Self::Signature(_) => None,
        }
    }

    pub(crate) fn signature(&self) -> Option<&Signature> {
        match self {
            Self::Signature(signature) | Self::Both(_, signature) => Some(signature),
            Self::Sha256(_) => None,
        }
    }
}
