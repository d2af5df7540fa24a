//! Opens what is in a tree whose root is a folder. The kernel sees to it that no link leads out, whoever changes the tree
//! meanwhile: openat2(2), since Linux 5.6. Where it is not to be had, the way is walked by hand.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::walk;

/// How long the kernel is asked again that could not tell whether `..` stayed inside, since something was renamed or
/// unmounted at that moment, anywhere on the machine. A container that ends takes its mounts away one by one, which is
/// dozens of such moments in a row: refusals came eleven at a time with twenty mounts.
const PATIENCE: Duration = Duration::from_secs(2);
/// So often it is asked again at once, and then with a pause, which lets whoever renames come to an end.
const AT_ONCE: usize = 16;
const PAUSE: Duration = Duration::from_micros(50);

/// The folder where a tree begins. It is opened when it is needed first and stays open: it would cost two calls more for
/// each file.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    open: OnceLock<File>,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, open: OnceLock::new() }
    }

    fn open(&self) -> io::Result<&File> {
        if let Some(open) = self.open.get() {
            return Ok(open);
        }
        let open = plain(&self.path, OFlags::PATH | OFlags::DIRECTORY)?;
        Ok(self.open.get_or_init(|| open))
    }
}

pub(super) fn file(root: &Folder, path: &Path) -> io::Result<File> {
    open(root, path, OFlags::RDONLY)
}

pub(super) fn folder(root: &Folder, path: &Path) -> io::Result<File> {
    open(root, path, OFlags::RDONLY | OFlags::DIRECTORY)
}

/// A folder to begin at, not to list.
pub(super) fn handle(root: &Folder, path: &Path) -> io::Result<File> {
    open(root, path, OFlags::PATH | OFlags::DIRECTORY)
}

/// About what `path` leads to. Nothing is opened in earnest: no driver hears of it.
pub(super) fn metadata(root: &Folder, path: &Path) -> io::Result<Metadata> {
    open(root, path, OFlags::PATH)?.metadata()
}

/// What the link says.
pub(super) fn link(root: &Folder, path: &Path) -> io::Result<PathBuf> {
    let (folder, name) = entry(root, path)?;
    let target = rustix::fs::readlinkat(&folder, name, Vec::new())?;
    Ok(OsString::from_vec(target.into_bytes()).into())
}

/// Whether the entry is there, a link that leads nowhere included.
pub(super) fn exists(root: &Folder, path: &Path) -> bool {
    let Ok((folder, name)) = entry(root, path) else {
        // What ends in `..` is a folder or nothing.
        return path.file_name().is_none() && metadata(root, path).is_ok();
    };
    rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
}

/// The folder of an entry and its name there. The kernel finds it, at a fraction of the calls that a walk takes.
fn entry<'a>(root: &Folder, path: &'a Path) -> io::Result<(File, &'a OsStr)> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    Ok((handle(root, parent)?, name))
}

/// A folder by a path of this process.
pub(super) fn folder_at(path: &Path) -> io::Result<File> {
    plain(path, OFlags::RDONLY | OFlags::DIRECTORY)
}

/// The same, to begin at.
pub(super) fn handle_at(path: &Path) -> io::Result<File> {
    plain(path, OFlags::PATH | OFlags::DIRECTORY)
}

fn open(root: &Folder, path: &Path, flags: OFlags) -> io::Result<File> {
    let start = root.open()?;
    let mut refused = Refused::default();
    loop {
        let opened =
            rustix::fs::openat2(start, path, flags | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::IN_ROOT);
        match opened {
            Err(Errno::AGAIN) => refused.again()?,
            // An old kernel; or a sandbox whose filter does not know the call.
            Err(Errno::NOSYS | Errno::PERM) => return plain(&walk::to_end(&root.path, path), flags),
            other => return Ok(other?.into()),
        }
    }
}

/// How often the kernel could not tell, and since when.
#[derive(Default)]
struct Refused {
    times: usize,
    since: Option<Instant>,
}

impl Refused {
    /// Waits for the next try; an error where there were enough.
    fn again(&mut self) -> io::Result<()> {
        self.times += 1;
        if self.times <= AT_ONCE {
            return Ok(());
        }
        if self.since.get_or_insert_with(Instant::now).elapsed() >= PATIENCE {
            return Err(Errno::AGAIN.into());
        }
        thread::sleep(PAUSE);
        Ok(())
    }
}

fn plain(path: &Path, flags: OFlags) -> io::Result<File> {
    Ok(rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::empty())?.into())
}
