//! Writing files of the machine.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use gpunode_host::Root;
use nix::sys::stat::Mode;

/// The machine's files.
#[derive(Clone, Debug)]
pub(crate) struct Files(Root);

impl Files {
    pub(crate) fn new(root: impl Into<PathBuf>) -> Self {
        Self(Root::new(root))
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.0.at(path)
    }

    /// Writes one value, with the line end that the kernel writes, and the folders above it.
    pub(crate) fn put(&self, path: &str, value: &str) -> io::Result<()> {
        self.bytes(path, format!("{value}\n").as_bytes())
    }

    pub(crate) fn bytes(&self, path: &str, content: &[u8]) -> io::Result<()> {
        self.folder_of(path)?;
        fs::write(self.at(path), content)
    }

    pub(crate) fn folder(&self, path: &str) -> io::Result<()> {
        fs::create_dir_all(self.at(path))
    }

    /// Makes the link `path`; `target` is relative, so that it stays inside the machine.
    pub(crate) fn link(&self, path: &str, target: &str) -> io::Result<()> {
        self.folder_of(path)?;
        symlink(target, self.at(path))
    }

    /// A character device, which only root could make: a link to one that every machine has.
    pub(crate) fn device(&self, path: &str) -> io::Result<()> {
        self.folder_of(path)?;
        match symlink("/dev/null", self.at(path)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }

    /// Removes a file, a link, or a folder with all below it. What is not there is removed already.
    pub(crate) fn remove(&self, path: &str) -> io::Result<()> {
        let full = self.at(path);
        let removed = match full.symlink_metadata() {
            Ok(about) if about.is_dir() => fs::remove_dir_all(full),
            Ok(_) => fs::remove_file(full),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Makes a file whose reader sleeps: a named pipe that nobody writes to stands in for hardware that is dead.
    pub(crate) fn stall(&self, path: &str) -> io::Result<()> {
        self.remove(path)?;
        Ok(nix::unistd::mkfifo(&self.at(path), Mode::from_bits_truncate(0o644))?)
    }

    /// Makes a file of [`Files::stall`] an ordinary one again. A reader that sleeps gets the content.
    pub(crate) fn release(&self, path: &str, content: &[u8]) -> io::Result<()> {
        // Opened for both ways a pipe never blocks, and readers that wait for a writer go on.
        let mut pipe = fs::File::options().read(true).write(true).open(self.at(path))?;
        let beside = format!("{path}.new");
        self.bytes(&beside, content)?;
        fs::rename(self.at(&beside), self.at(path))?;
        io::Write::write_all(&mut pipe, content)
    }

    fn folder_of(&self, path: &str) -> io::Result<()> {
        self.at(path).parent().map_or(Ok(()), fs::create_dir_all)
    }
}
