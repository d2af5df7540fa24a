//! Which version is wanted.

use crate::versions::Version;

/// What `nvidia.driverVersion` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// This version and no other.
    Exact(Version),
    /// Any version of a branch, for example 580; the newest when one is installed.
    Branch(u32),
    /// Any version; the newest when one is installed.
    Latest,
}

impl Wanted {
    /// `latest`, a branch (`580`) or a full version (`550.127.05`). `None` for anything else, which the check of the
    /// setting does not let through.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "latest" {
            return Some(Self::Latest);
        }
        if text.contains('.') {
            return text.parse().ok().map(Self::Exact);
        }
        text.parse().ok().map(Self::Branch)
    }

    /// Whether `version` is what is wanted.
    pub fn fits(&self, version: &Version) -> bool {
        match self {
            Self::Exact(wanted) => wanted == version,
            Self::Branch(branch) => version.numbers()[0] == *branch,
            Self::Latest => true,
        }
    }

    /// The branch, where it is known before anything was asked for.
    pub fn branch(&self) -> Option<u32> {
        match self {
            Self::Exact(version) => Some(version.numbers()[0]),
            Self::Branch(branch) => Some(*branch),
            Self::Latest => None,
        }
    }

    /// The newest of `offered` that is wanted.
    pub fn pick(&self, offered: impl IntoIterator<Item = Version>) -> Option<Version> {
        offered.into_iter().filter(|version| self.fits(version)).max()
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact(version) => write!(f, "{version}"),
            Self::Branch(branch) => write!(f, "{branch}"),
            Self::Latest => f.write_str("latest"),
        }
    }
}
