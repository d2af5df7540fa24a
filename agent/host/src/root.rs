//! The machine's file tree as a value: `/` in life, a folder in tests, a chroot when an image is baked.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// No file that is read whole is larger than this: 4 MiB, sixty times the largest table in `/proc` or `/sys`
/// that is read here (`/proc/self/mountinfo` of a node with several hundred pods).
pub const MAX_FILE: u64 = 4 << 20;

/// A file that could not be read, with the path that was tried.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}")]
pub struct ReadError {
    /// The path as the machine sees it, without the root folder in front.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// Where the machine's file tree begins.
#[derive(Clone, Debug)]
pub struct Root(PathBuf);

impl Root {
    /// A tree that begins at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder this tree begins at.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether this is the running machine's own `/`.
    pub fn is_host(&self) -> bool {
        self.0 == Path::new("/")
    }

    /// `path`, an absolute path of the machine, as a path of this process. `..` is dropped, so a path that
    /// came from outside cannot name anything above the root.
    pub fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        let mut full = self.0.clone();
        full.extend(path.as_ref().components().filter(|c| matches!(c, Component::Normal(_))));
        full
    }

    /// Whether anything is at `path`.
    pub fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.at(path).symlink_metadata().is_ok()
    }

    /// The bytes at `path`, or `None` where there is nothing. A file over [`MAX_FILE`] is an error.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Option<Vec<u8>>, ReadError> {
        let path = path.as_ref();
        let fail = |source| ReadError { path: path.to_owned(), source };
        let file = match File::open(self.at(path)) {
            Ok(file) => file,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(fail(error)),
        };
        let mut bytes = Vec::new();
        match file.take(MAX_FILE + 1).read_to_end(&mut bytes) {
            Ok(_) if bytes.len() as u64 > MAX_FILE => Err(fail(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("larger than {MAX_FILE} bytes"),
            ))),
            Ok(_) => Ok(Some(bytes)),
            Err(error) => Err(fail(error)),
        }
    }

    /// The text at `path`, or `None` where there is nothing. Bytes that are not UTF-8 are replaced.
    pub fn read_text(&self, path: impl AsRef<Path>) -> Result<Option<String>, ReadError> {
        Ok(self.read(path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// One value of sysfs or procfs: the text at `path` without white space around it. `None` where the file is
    /// not there or the kernel refuses to answer, which is how many drivers say "not supported".
    pub fn value(&self, path: impl AsRef<Path>) -> Option<String> {
        self.read_text(path).ok().flatten().map(|text| text.trim().to_owned())
    }

    /// The names in the folder `path`, sorted; empty where there is no such folder.
    pub fn list(&self, path: impl AsRef<Path>) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.at(path)) else {
            return Vec::new();
        };
        let mut names: Vec<_> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort_unstable();
        names
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_leaves_the_root() {
        let root = Root::new("/srv/node");
        assert_eq!(root.at("/../../etc/passwd"), Path::new("/srv/node/etc/passwd"));
        assert_eq!(root.at("proc/mounts"), Path::new("/srv/node/proc/mounts"));
    }

    #[test]
    fn absent_is_none_and_too_large_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(dir.path());
        assert!(root.read("/nothing/here").unwrap().is_none());
        File::create(dir.path().join("big")).unwrap().set_len(MAX_FILE + 1).unwrap();
        let error = root.read("/big").unwrap_err();
        assert_eq!(error.path, Path::new("/big"));
    }
}
