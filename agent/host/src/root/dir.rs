//! An open folder, to read what is in it: its own path is looked up once, not once a file.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::{ReadError, Root, VALUE, is_absent};

/// A folder of the tree. Names are relative to it and stay below it; one that is a link out of it is found by its path.
#[derive(Debug)]
pub struct Dir<'a> {
    root: &'a Root,
    path: PathBuf,
    folder: File,
}

impl Root {
    /// The folder that `path` leads to. Nothing is opened in earnest: no driver hears of it.
    ///
    /// # Errors
    /// There is none, or this program may not go there.
    pub fn dir(&self, path: impl Into<PathBuf>) -> io::Result<Dir<'_>> {
        let path = path.into();
        Ok(Dir { folder: self.handle(&path)?, root: self, path })
    }

    /// As [`Root::dir`], or `None` where there is no such folder. Where nothing is and where nothing can be seen are not
    /// the same.
    pub fn dir_if_there(&self, path: impl Into<PathBuf>) -> Result<Option<Dir<'_>>, ReadError> {
        let path = path.into();
        match self.dir(&path) {
            Ok(dir) => Ok(Some(dir)),
            Err(error) if is_absent(&error) || error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
                Ok(None)
            }
            Err(source) => Err(ReadError { path, source }),
        }
    }
}

impl Dir<'_> {
    /// About the folder itself.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.folder.metadata()
    }

    /// Opens `name` to read it.
    pub fn open(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let opened = if self.root.is_host() {
            rustix::fs::openat(&self.folder, name, flags, Mode::empty())
        } else {
            rustix::fs::openat2(&self.folder, name, flags, Mode::empty(), ResolveFlags::BENEATH)
        };
        match opened {
            Ok(file) => Ok(file.into()),
            Err(absent @ Errno::NOENT) => Err(absent.into()),
            // A link that leads out of the folder is one that may stay in the tree; or the call is not to be had.
            Err(_) => self.root.open(self.path.join(name)),
        }
    }

    /// As [`Dir::value`], with the reason where there is none.
    pub fn read_value(&self, name: &str) -> io::Result<String> {
        let mut bytes = [0; VALUE];
        let length = self.open(name)?.read(&mut bytes)?;
        if length < VALUE {
            return Ok(String::from_utf8_lossy(&bytes[..length]).trim().to_owned());
        }
        // Longer than any value.
        self.root.value(self.path.join(name)).ok_or_else(|| io::ErrorKind::FileTooLarge.into())
    }

    /// As [`Root::value`].
    pub fn value(&self, name: &str) -> Option<String> {
        self.read_value(name).ok()
    }

    /// As [`Dir::value`], where the file says something.
    pub fn text(&self, name: &str) -> Option<String> {
        self.value(name).filter(|text| !text.is_empty())
    }

    /// The last component of the link `name`: sysfs points so at drivers and buses.
    pub fn link(&self, name: &str) -> Option<String> {
        let target = rustix::fs::readlinkat(&self.folder, name, Vec::new()).ok()?;
        Some(Path::new(target.to_str().ok()?).file_name()?.to_str()?.to_owned())
    }

    /// Whether the entry `name` is there; a link need not lead anywhere.
    pub fn exists(&self, name: &str) -> bool {
        rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// As [`Root::list`].
    pub fn list(&self, name: &str) -> Vec<String> {
        self.root.list(self.path.join(name))
    }
}
