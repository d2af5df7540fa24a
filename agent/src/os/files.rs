//! Files, written whole or not at all.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

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
    /// sees the old content or the new, never a part: temporary file, fsync, rename, fsync of the folder.
    pub(crate) fn write(&self, file: &FileSpec) -> Result<bool, WriteError> {
        if self.matches(file) {
            return Ok(false);
        }
        let full = self.root.at(&file.path);
        let folder = full.parent().unwrap_or(self.root.path()).to_owned();
        fs::create_dir_all(&folder).map_err(WriteError::new("make the folder of", &file.path))?;
        let name = full.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // The name is the same every time, so that a run that was killed leaves at most one such file behind.
        let temporary = folder.join(format!(".{name}.gpunode-new"));
        let written = write_synced(&temporary, file).and_then(|()| fs::rename(&temporary, &full));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written.map_err(WriteError::new("write", &file.path))?;
        sync_folder(&folder).map_err(WriteError::new("sync the folder of", &file.path))?;
        Ok(true)
    }

    /// Writes a value into a file of procfs or sysfs, where the write itself is the effect.
    pub(crate) fn set_value(&self, path: impl AsRef<Path>, value: &str) -> Result<(), WriteError> {
        let path = path.as_ref();
        // Truncating means nothing to procfs and sysfs, and makes a plain file behave as they do.
        OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(self.root.at(path))
            .and_then(|mut file| file.write_all(value.as_bytes()))
            .map_err(WriteError::new("set", path))
    }

    /// Adds one line to a file and syncs it; the file is made when it is not there.
    pub(crate) fn append_line(&self, path: impl AsRef<Path>, line: &str) -> Result<(), WriteError> {
        let path = path.as_ref();
        let full = self.root.at(path);
        let append = || {
            if let Some(folder) = full.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut file = OpenOptions::new().create(true).append(true).open(&full)?;
            file.write_all(format!("{line}\n").as_bytes())?;
            file.sync_data()
        };
        append().map_err(WriteError::new("append to", path))
    }

    pub(crate) fn make_dir(&self, path: impl AsRef<Path>) -> Result<(), WriteError> {
        let path = path.as_ref();
        fs::create_dir_all(self.root.at(path)).map_err(WriteError::new("make the folder", path))
    }

    /// Removes a file; says whether there was one.
    pub(crate) fn remove(&self, path: impl AsRef<Path>) -> Result<bool, WriteError> {
        let path = path.as_ref();
        match fs::remove_file(self.root.at(path)) {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(false)
            }
            Err(error) => Err(WriteError::new("remove", path)(error)),
        }
    }
}

fn write_synced(path: &Path, file: &FileSpec) -> io::Result<()> {
    let mut handle = OpenOptions::new().write(true).create(true).truncate(true).mode(file.mode).open(path)?;
    handle.write_all(file.content.as_bytes())?;
    // The process's umask, or an older temporary file, may have given another mode.
    handle.set_permissions(Permissions::from_mode(file.mode))?;
    handle.sync_all()
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpunode_host::Root;

    fn machine() -> (tempfile::TempDir, Os) {
        let dir = tempfile::tempdir().unwrap();
        let os = Os::real(Root::new(dir.path()));
        (dir, os)
    }

    #[test]
    fn the_second_write_changes_nothing() {
        let (_dir, os) = machine();
        let file = FileSpec::new("/etc/a/b.conf", "x\n");
        assert!(os.write(&file).unwrap());
        assert!(!os.write(&file).unwrap());
        assert_eq!(os.root().read_text("/etc/a/b.conf").unwrap().unwrap(), "x\n");
        assert!(os.write(&FileSpec { mode: 0o600, ..file }).unwrap());
    }

    #[test]
    fn a_write_that_fails_leaves_the_old_content_and_no_litter() {
        let (dir, os) = machine();
        fs::create_dir_all(dir.path().join("etc/b.conf")).unwrap();
        let error = os.write(&FileSpec::new("/etc/b.conf", "new")).unwrap_err();
        assert_eq!(error.path, Path::new("/etc/b.conf"));
        assert_eq!(os.root().list("/etc"), ["b.conf"]);
    }
}
