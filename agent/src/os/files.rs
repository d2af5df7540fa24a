//! Files, written whole or not at all. Each is written through the handle of its folder, which [`gpunode_host::Root`]
//! has found inside the machine's tree; the file itself is never reached through a link.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::Os;

/// A file as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileSpec {
    pub(crate) path: PathBuf,
    pub(crate) content: String,
    pub(crate) mode: u32,
}

impl FileSpec {
    /// A file that everybody may read.
    pub(crate) fn new(path: impl Into<PathBuf>, content: impl Into<String>) -> Self {
        Self { path: path.into(), content: content.into(), mode: 0o644 }
    }
}

/// What a power cut may take along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lasting {
    /// Nothing: it is on disk when the call returns.
    Now,
    /// What the kernel has not written by itself, nor another call's [`Lasting::Now`] for the same file.
    InTime,
}

/// A change to a file that could not be made, with the path as the machine sees it.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} {path}")]
pub(crate) struct WriteError {
    pub(crate) verb: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) source: io::Error,
}

impl WriteError {
    fn new(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { verb, path, source }
    }
}

impl Os {
    /// Whether the file has this content and mode already.
    pub(crate) fn matches(&self, file: &FileSpec) -> bool {
        let full = self.root.at(&file.path);
        let mode_is_right = full
            .symlink_metadata()
            .is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o7777 == file.mode);
        mode_is_right
            && self.root.read(&file.path).is_ok_and(|now| now.as_deref() == Some(file.content.as_bytes()))
    }

    /// Makes the file be as given, and says whether that changed anything. A reader, or a machine that loses power,
    /// sees the old content or the new, never a part: temporary file, fsync, rename. Which of the two it sees is open
    /// for some seconds; the next boot writes it again.
    pub(crate) fn write(&self, file: &FileSpec) -> Result<bool, WriteError> {
        if self.matches(file) {
            return Ok(false);
        }
        let (folder, name) = split(&file.path);
        let folder = self.make_folder(folder).map_err(WriteError::new("make the folder of", &file.path))?;
        // The name is the same every time, so that a run that was killed leaves at most one such file behind.
        let temporary = format!(".{}.gpunode-new", name.to_string_lossy());
        let written = write_synced(&folder, &temporary, file)
            .and_then(|()| Ok(rustix::fs::renameat(&folder, &temporary, &folder, name)?));
        if written.is_err() {
            let _ = rustix::fs::unlinkat(&folder, &temporary, AtFlags::empty());
        }
        written.map_err(WriteError::new("write", &file.path))?;
        Ok(true)
    }

    /// The same, for what must not be lost once this returns: the folder is synced, too. Always, since a run that was
    /// killed may have left it so.
    pub(crate) fn write_now(&self, file: &FileSpec) -> Result<bool, WriteError> {
        let changed = self.write(file)?;
        let sync = || self.root.open_folder(split(&file.path).0)?.sync_all();
        sync().map_err(WriteError::new("sync the folder of", &file.path))?;
        Ok(changed)
    }

    /// Writes a value into a file of procfs or sysfs, where the write itself is the effect.
    pub(crate) fn set_value(&self, path: impl AsRef<Path>, value: &str) -> Result<(), WriteError> {
        let path = path.as_ref();
        // Truncating means nothing to procfs and sysfs, and makes a plain file behave as they do.
        let set = || {
            let (folder, name) = split(path);
            let folder = self.root.open_folder(folder)?;
            open(&folder, name, OFlags::WRONLY | OFlags::TRUNC, 0)?.write_all(value.as_bytes())
        };
        set().map_err(WriteError::new("set", path))
    }

    /// Adds one line to a file; the file is made when it is not there.
    pub(crate) fn append_line(
        &self,
        path: impl AsRef<Path>,
        line: &str,
        lasting: Lasting,
    ) -> Result<(), WriteError> {
        let path = path.as_ref();
        let append = || {
            let (folder, name) = split(path);
            let folder = self.make_folder(folder)?;
            let mut file = open(&folder, name, OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND, 0o666)?;
            file.write_all(format!("{line}\n").as_bytes())?;
            if lasting == Lasting::Now { file.sync_data() } else { Ok(()) }
        };
        append().map_err(WriteError::new("append to", path))
    }

    pub(crate) fn make_dir(&self, path: impl AsRef<Path>) -> Result<(), WriteError> {
        let path = path.as_ref();
        self.make_folder(path).map(drop).map_err(WriteError::new("make the folder", path))
    }

    /// Opens a folder; it and those above it are made where they are not there.
    pub(super) fn make_folder(&self, path: &Path) -> io::Result<File> {
        match self.root.open_folder(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && path.parent().is_some() => {}
            other => return other,
        }
        let (above, name) = split(path);
        let above = self.make_folder(above)?;
        match rustix::fs::mkdirat(&above, name, Mode::from_raw_mode(0o777)) {
            // Another step may have made it meanwhile.
            Ok(()) | Err(Errno::EXIST) => self.root.open_folder(path),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a file; says whether there was one.
    pub(crate) fn remove(&self, path: impl AsRef<Path>) -> Result<bool, WriteError> {
        let path = path.as_ref();
        let (folder, name) = split(path);
        let remove = || {
            let folder = self.root.open_folder(folder)?;
            io::Result::Ok(rustix::fs::unlinkat(&folder, name, AtFlags::empty())?)
        };
        match remove() {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(false)
            }
            Err(error) => Err(WriteError::new("remove", path)(error)),
        }
    }
}

/// A path's folder and name.
pub(super) fn split(path: &Path) -> (&Path, &OsStr) {
    (path.parent().unwrap_or(Path::new("/")), path.file_name().unwrap_or_default())
}

pub(super) fn open(folder: &File, name: impl AsRef<Path>, flags: OFlags, mode: u32) -> io::Result<File> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(folder, name.as_ref(), flags, Mode::from_raw_mode(mode))?.into())
}

fn write_synced(folder: &File, name: &str, file: &FileSpec) -> io::Result<()> {
    let mut handle = open(folder, name, OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC, file.mode)?;
    handle.write_all(file.content.as_bytes())?;
    // The process's umask, or an older temporary file, may have given another mode.
    handle.set_permissions(Permissions::from_mode(file.mode))?;
    handle.sync_all()
}

#[cfg(test)]
mod tests;
