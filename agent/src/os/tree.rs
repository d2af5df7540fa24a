//! Removes a file, or a folder with all that is in it.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use rustix::io::Errno;

use super::Os;
use super::files::{WriteError, split};

/// Folders inside each other; no cache or journal is a tenth as deep.
const MAX_DEPTH: usize = 64;

impl Os {
    /// Removes what is at `path` and says whether there was something. Links are removed, never followed; a folder on
    /// which something is mounted is an error.
    pub(crate) fn remove_tree(&self, path: impl AsRef<Path>) -> Result<bool, WriteError> {
        let path = path.as_ref();
        let (folder, name) = split(path);
        let removed = match self.root.open_folder(folder) {
            Ok(folder) => remove(&folder, name, 0),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(WriteError { verb: "remove", path: path.to_owned(), source }),
            Ok(()) => Ok(true),
        }
    }
}

fn remove(folder: &File, name: &OsStr, depth: usize) -> io::Result<()> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        // POSIX allows either for a folder; Linux says the first.
        Err(Errno::ISDIR | Errno::PERM) => {}
        other => return Ok(other?),
    }
    if depth == MAX_DEPTH {
        return Err(io::Error::other("too many folders inside each other"));
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let inner: File = rustix::fs::openat(folder, name, flags, Mode::empty())?.into();
    // The names first: what a folder lists while it is emptied is not defined.
    let entries = Dir::read_from(&inner)?.collect::<Result<Vec<_>, _>>()?;
    for entry in entries {
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." {
            match remove(&inner, name, depth + 1) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR)?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use gpunode_host::Root;

    #[test]
    fn whatever_is_there_goes_and_what_is_not_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let os = Os::real(Root::new(dir.path()));
        fs::create_dir_all(dir.path().join("a/b/c")).unwrap();
        fs::write(dir.path().join("a/b/c/f"), "x").unwrap();
        fs::write(dir.path().join("f"), "x").unwrap();
        assert!(os.remove_tree("/a").unwrap() && os.remove_tree("/f").unwrap());
        assert!(!os.remove_tree("/a").unwrap() && !os.remove_tree("/x/y").unwrap());
        assert!(os.root().list("/").is_empty());
    }

    #[test]
    fn a_tree_that_is_too_deep_is_an_error_and_no_crash() {
        let dir = tempfile::tempdir().unwrap();
        let os = Os::real(Root::new(dir.path()));
        fs::create_dir_all(dir.path().join("a/".repeat(MAX_DEPTH + 2))).unwrap();
        assert!(os.remove_tree("/a").unwrap_err().to_string().contains("/a"));
    }
}
