//! The machine's file tree as a value: `/` in life, a folder in tests, a chroot when an image is baked.
//!
//! Links of such a tree mean what they mean to a program that runs inside it: an absolute one begins at the tree's
//! root, and `..` ends there. What is opened is found by the kernel with that rule (`inside`); where only a path can
//! be handed on, `walk` finds it, which a process that changes the tree at the same moment could deceive.

mod dir;
mod error;
mod inside;
mod walk;

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

pub use dir::Dir;
pub use error::{NoFolder, ReadError};
use inside::Folder;
use rustix::fs::{Dir as Entries, DirEntry};

/// No file that is read whole is larger than this: 4 MiB, sixty times the largest table in `/proc` or `/sys`
/// that is read here (`/proc/self/mountinfo` of a node with several hundred pods).
pub const MAX_FILE: u64 = 4 << 20;

/// The kernel writes a value in one go, and none is so long; asking for its end would be one call more.
const VALUE: usize = 1024;

/// Where the machine's file tree begins.
#[derive(Clone, Debug)]
pub struct Root(Arc<Folder>);

impl Root {
    /// A tree that begins at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Folder::new(path.into())))
    }

    /// As [`Root::new`], where the folder is there: of one that is not, everything would be absent.
    pub fn existing(path: impl Into<PathBuf>) -> Result<Self, NoFolder> {
        let path = path.into();
        if path.is_dir() { Ok(Self::new(path)) } else { Err(NoFolder(path)) }
    }

    /// The folder this tree begins at.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Whether this is the running machine's own `/`.
    pub fn is_host(&self) -> bool {
        self.0.path == Path::new("/")
    }

    /// `path`, an absolute path of the machine, as a path of this process: the entry itself, also where it is a link.
    /// Nothing above the root can be named so, neither by `..` nor by a link on the way.
    pub fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        if self.is_host() {
            return self.plain(path.as_ref());
        }
        walk::to_entry(&self.0.path, path.as_ref())
    }

    /// The same for what `path` leads to in the end.
    pub fn follow(&self, path: impl AsRef<Path>) -> PathBuf {
        if self.is_host() {
            return self.plain(path.as_ref());
        }
        walk::to_end(&self.0.path, path.as_ref())
    }

    fn plain(&self, path: &Path) -> PathBuf {
        let mut full = self.0.path.clone();
        full.extend(path.components().filter(|part| matches!(part, Component::Normal(_))));
        full
    }

    /// Whether anything is at `path`; a link need not lead anywhere.
    pub fn exists(&self, path: impl AsRef<Path>) -> bool {
        if self.is_host() {
            self.plain(path.as_ref()).symlink_metadata().is_ok()
        } else {
            inside::exists(&self.0, path.as_ref())
        }
    }

    /// What `path` leads to.
    pub fn metadata(&self, path: impl AsRef<Path>) -> io::Result<Metadata> {
        if self.is_host() {
            self.plain(path.as_ref()).metadata()
        } else {
            inside::metadata(&self.0, path.as_ref())
        }
    }

    /// Opens what `path` leads to, to read it.
    pub fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        if self.is_host() {
            File::open(self.plain(path.as_ref()))
        } else {
            inside::file(&self.0, path.as_ref())
        }
    }

    /// Opens the folder that `path` leads to, to name what is in it.
    pub fn open_folder(&self, path: impl AsRef<Path>) -> io::Result<File> {
        if self.is_host() {
            inside::folder_at(&self.plain(path.as_ref()))
        } else {
            inside::folder(&self.0, path.as_ref())
        }
    }

    /// The folder that `path` leads to, as a place to begin at.
    fn handle(&self, path: &Path) -> io::Result<File> {
        if self.is_host() { inside::handle_at(&self.plain(path)) } else { inside::handle(&self.0, path) }
    }

    /// The bytes at `path`, or `None` where there is nothing. A file over [`MAX_FILE`] is an error.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Option<Vec<u8>>, ReadError> {
        let path = path.as_ref();
        let fail = |source| ReadError { path: path.to_owned(), source };
        let file = match self.open(path) {
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
        let mut bytes = [0; VALUE];
        match self.open(&path).ok()?.read(&mut bytes) {
            Ok(length @ ..VALUE) => Some(String::from_utf8_lossy(&bytes[..length]).trim().to_owned()),
            // Longer than any value, or a signal came between.
            _ => self.read_text(path).ok().flatten().map(|text| text.trim().to_owned()),
        }
    }

    /// The names in the folder `path`, sorted, or `None` where there is no such folder. Where nothing is and where
    /// nothing can be seen are not the same.
    pub fn names(&self, path: impl AsRef<Path>) -> Result<Option<Vec<String>>, ReadError> {
        let path = path.as_ref();
        let fail = |source| ReadError { path: path.to_owned(), source };
        let folder = match self.open_folder(path) {
            Ok(folder) => folder,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(fail(error)),
        };
        let text = |entry: DirEntry| entry.file_name().to_str().ok().map(str::to_owned);
        let entries = Entries::new(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries = entries.map_err(|error| fail(error.into()))?.into_iter();
        let mut names: Vec<_> =
            entries.filter_map(text).filter(|name| !matches!(name.as_str(), "." | "..")).collect();
        names.sort_unstable();
        Ok(Some(names))
    }

    /// As [`Root::names`]; an error where there is no such folder, too.
    pub fn needed_names(&self, path: impl AsRef<Path>) -> Result<Vec<String>, ReadError> {
        let absent = || ReadError { path: path.as_ref().to_owned(), source: io::ErrorKind::NotFound.into() };
        self.names(&path)?.ok_or_else(absent)
    }

    /// As [`Root::names`]; empty where there is no such folder.
    pub fn names_if_there(&self, path: impl AsRef<Path>) -> Result<Vec<String>, ReadError> {
        Ok(self.names(path)?.unwrap_or_default())
    }

    /// As [`Root::names`]; empty where there is no such folder, or it cannot be read: for what nothing hangs on.
    pub fn list(&self, path: impl AsRef<Path>) -> Vec<String> {
        self.names(path).ok().flatten().unwrap_or_default()
    }

    /// What the link at `path` says; the links on the way to it are followed.
    pub fn read_link(&self, path: impl AsRef<Path>) -> io::Result<PathBuf> {
        if self.is_host() {
            self.plain(path.as_ref()).read_link()
        } else {
            inside::link(&self.0, path.as_ref())
        }
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests;
