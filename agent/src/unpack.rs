//! Unpacks a bundle into a folder of its own: no path leaves it, nothing but files, folders and links inside it is made,
//! and it cannot fill the disk.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use tar::{Archive, Entry, EntryType};

/// What a bundle may be. The EFA installer of 2025 has some hundred megabytes and a thousand files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) bytes: u64,
    pub(crate) entries: usize,
}

/// Why a bundle was not unpacked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot read the bundle {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot unpack {entry} into {folder}")]
    Write { entry: PathBuf, folder: PathBuf, source: io::Error },
    #[error("the bundle holds {entry}, {what}")]
    Refused { entry: PathBuf, what: &'static str },
    #[error("the bundle has more than {most} {what}")]
    TooLarge { most: u64, what: &'static str },
    #[error("it was ended because its step was ended")]
    Cancelled,
}

/// Unpacks the `.tar.gz` at `bundle` into `folder`, which is empty and belongs to us alone.
pub(crate) fn tar_gz(
    bundle: &Path,
    folder: &Path,
    bounds: Bounds,
    cancelled: &dyn Fn() -> bool,
) -> Result<(), Error> {
    let unreadable = |source| Error::Read { path: bundle.to_owned(), source };
    let file = File::open(bundle).map_err(unreadable)?;
    // Headers and padding are inflated too: a bundle of nothing but them ends here.
    let mut archive = Archive::new(GzDecoder::new(file).take(bounds.bytes.saturating_mul(2)));
    let mut bytes = 0_u64;
    for (number, entry) in archive.entries().map_err(unreadable)?.enumerate() {
        if cancelled() {
            return Err(Error::Cancelled);
        }
        let mut entry = entry.map_err(unreadable)?;
        bytes = bytes.saturating_add(entry.size());
        if number >= bounds.entries {
            return Err(Error::TooLarge { most: bounds.entries as u64, what: "entries" });
        }
        if bytes > bounds.bytes {
            return Err(Error::TooLarge { most: bounds.bytes, what: "bytes" });
        }
        one(&mut entry, folder)?;
    }
    Ok(())
}

fn one(entry: &mut Entry<'_, impl Read>, folder: &Path) -> Result<(), Error> {
    let path = entry.path().map(std::borrow::Cow::into_owned).unwrap_or_default();
    let refused = |what| Error::Refused { entry: path.clone(), what };
    match entry.header().entry_type() {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse | EntryType::Directory => {}
        EntryType::Symlink => {
            let target = entry.link_name().ok().flatten().unwrap_or_default();
            let from = path.parent().unwrap_or(Path::new("")).join(&target);
            if target.is_absolute() || !stays_inside(&from) {
                return Err(refused("a link out of its folder"));
            }
        }
        EntryType::XGlobalHeader => return Ok(()),
        _ => return Err(refused("which is neither file, folder nor symbolic link")),
    }
    if path.is_absolute() || !stays_inside(&path) {
        return Err(refused("a path out of its folder"));
    }
    // tar itself looks once more that no link on the way leads out.
    let written = entry.unpack_in(folder);
    let failed = |source| Error::Write { entry: path.clone(), folder: folder.to_owned(), source };
    if written.map_err(failed)? { Ok(()) } else { Err(refused("a path out of its folder")) }
}

/// Whether the path never climbs above where it begins.
fn stays_inside(path: &Path) -> bool {
    let mut depth = 0_i64;
    path.components().all(|part| {
        match part {
            Component::Normal(_) => depth += 1,
            Component::ParentDir => depth -= 1,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return false,
        }
        depth >= 0
    })
}

/// A folder that is removed with all in it, also when something fails; one of an earlier run that was killed as well.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes it anew; its parent is there.
    pub(crate) fn make(path: PathBuf) -> io::Result<Self> {
        let folder = Self(path);
        folder.remove();
        fs::create_dir(&folder.0)?;
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    fn remove(&self) {
        // `remove_dir_all` follows no links, and a link in the folder's place is only removed itself.
        let _ = fs::remove_file(&self.0);
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.remove();
    }
}

#[cfg(test)]
mod tests;
