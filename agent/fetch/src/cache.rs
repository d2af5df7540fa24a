//! The cache folder: `sha256/<sum>` holds what was proved, `partial/` what is on its way, `known/` which version of a
//! URL was the last.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Cause, Sha256};

#[derive(Clone, Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
}

/// What a URL gave when it was last fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) etag: String,
    pub(crate) sha256: String,
}

impl Cache {
    /// Only the owner may enter: what is proved here must stay as it is until it is used.
    pub(crate) fn open(folder: &Path) -> Result<Self, Cause> {
        let make = || {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            fs::set_permissions(folder, Permissions::from_mode(0o700))?;
            for part in ["sha256", "partial", "known"] {
                fs::create_dir_all(folder.join(part))?;
            }
            io::Result::Ok(())
        };
        make().map_err(|source| disk("make the folder", folder)(source))?;
        Ok(Self { folder: folder.to_owned() })
    }

    pub(crate) fn entry(&self, sum: Sha256) -> PathBuf {
        self.folder.join("sha256").join(sum.to_string())
    }

    pub(crate) fn partial(&self, key: Sha256, kind: &str) -> PathBuf {
        self.folder.join("partial").join(format!("{key}{kind}"))
    }

    /// What is there with this checksum, which is computed anew; an entry that has changed is removed.
    pub(crate) fn hit(&self, sum: Sha256) -> Result<Option<(PathBuf, u64)>, Cause> {
        let path = self.entry(sum);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(disk("open", &path)(error)),
        };
        let read = Sha256::read(&mut file).map_err(disk("read", &path))?;
        if read == sum {
            let bytes = file.metadata().map_err(disk("read", &path))?.len();
            return Ok(Some((path, bytes)));
        }
        tracing::warn!(path = %path.display(), found = %read, "a file in the cache has changed; it is removed");
        fs::remove_file(&path).map_err(disk("remove", &path))?;
        Ok(None)
    }

    /// Gives a whole and proved file its name. It is synced before: a name that is there after a power cut has its
    /// content too.
    pub(crate) fn publish(&self, file: &File, partial: &Path, sum: Sha256) -> Result<PathBuf, Cause> {
        let path = self.entry(sum);
        let folder = self.folder.join("sha256");
        file.sync_all().map_err(disk("sync", partial))?;
        fs::rename(partial, &path).map_err(disk("rename to", &path))?;
        File::open(&folder).and_then(|folder| folder.sync_all()).map_err(disk("sync", &folder))?;
        Ok(path)
    }

    /// What a URL gave when it was last fetched, as long as that is still here.
    pub(crate) fn known(&self, source: &str) -> Option<Known> {
        let text = fs::read(self.known_path(source)).ok()?;
        let known: Known = serde_json::from_slice(&text).ok()?;
        let entry = self.entry(known.sha256.parse().ok()?);
        entry.exists().then_some(known)
    }

    /// Remembers what a URL gave. It only saves a download, so a failure to write is none.
    pub(crate) fn remember(&self, source: &str, known: &Known) {
        let path = self.known_path(source);
        if let Err(error) = replace(&path, known) {
            tracing::debug!(%error, path = %path.display(), "cannot remember which version a URL gave");
        }
    }

    fn known_path(&self, source: &str) -> PathBuf {
        self.folder.join("known").join(Sha256::of(source.as_bytes()).to_string())
    }
}

/// Writes a small file whole or not at all.
pub(crate) fn replace<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, serde_json::to_vec(value)?)?;
    fs::rename(&new, path)
}

pub(crate) fn disk(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Cause {
    let path = path.to_owned();
    move |source| Cause::Disk { verb, path, source }
}
