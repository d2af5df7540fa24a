//! Looks again and again, and does again only what a change of the tree makes necessary.
//!
//! Two of the looks are dear: a folder of libraries has thousands of names, and the plugin of NCCL is a file of 2 to
//! 15 MiB whose version is somewhere in its middle. What came of them is kept as long as the folder, or the file, is
//! the same one and has not been written to.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Found, Versions};
use crate::Root;

/// File systems count time in steps, and what is written within one of them after a look has the same time as what was
/// written before it. Nothing is kept of what is younger than this.
const SETTLED: Duration = Duration::from_secs(10);

/// Reads versions as often as they are wanted.
#[derive(Debug)]
pub struct Reader {
    root: Root,
    memory: Memory,
}

impl Reader {
    /// A reader that has seen nothing yet.
    pub fn new(root: Root) -> Self {
        Self { root, memory: Memory::default() }
    }

    /// What is installed now.
    pub fn read(&mut self) -> Versions {
        Versions::remembering(&self.root, &mut self.memory)
    }
}

/// What dear looks brought, by what was looked at and what was looked for.
#[derive(Debug, Default)]
pub(super) struct Memory {
    folders: Kept<(&'static str, &'static str), Option<Found>>,
    words: Kept<PathBuf, Option<String>>,
}

type Kept<Key, Value> = BTreeMap<Key, (Stamp, Value)>;

/// Which file or folder it is, and when it was written to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
}

impl Memory {
    /// What `look` finds in `folder` by names that begin with `prefix`.
    pub(super) fn in_folder(
        &mut self,
        root: &Root,
        folder: &'static str,
        prefix: &'static str,
        look: impl FnOnce() -> Option<Found>,
    ) -> Option<Found> {
        let look = || Ok::<_, std::convert::Infallible>(look());
        match remembered(&mut self.folders, (folder, prefix), stamp(root, Path::new(folder)), look) {
            Ok(found) => found,
        }
    }

    /// What `look` finds among the bytes of the file.
    pub(super) fn in_file<E>(
        &mut self,
        root: &Root,
        file: &Path,
        look: impl FnOnce() -> Result<Option<String>, E>,
    ) -> Result<Option<String>, E> {
        remembered(&mut self.words, file.to_owned(), stamp(root, file), look)
    }
}

fn remembered<Key: Ord, Value: Clone, E>(
    kept: &mut Kept<Key, Value>,
    key: Key,
    stamp: Option<Stamp>,
    look: impl FnOnce() -> Result<Value, E>,
) -> Result<Value, E> {
    if let Some((before, value)) = kept.get(&key)
        && Some(*before) == stamp
    {
        return Ok(value.clone());
    }
    kept.remove(&key);
    let value = look()?;
    if let Some(stamp) = stamp.filter(Stamp::is_settled) {
        kept.insert(key, (stamp, value.clone()));
    }
    Ok(value)
}

/// From before the look: what changes while it is taken is seen at the next one.
fn stamp(root: &Root, path: &Path) -> Option<Stamp> {
    let about = root.metadata(path).ok()?;
    Some(Stamp {
        file: (about.dev(), about.ino()),
        size: about.len(),
        modified: (about.mtime(), about.mtime_nsec()),
    })
}

impl Stamp {
    fn is_settled(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(self.modified.0).is_ok_and(|modified| modified + SETTLED.as_secs() < now.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};

    fn long_ago(path: &Path) {
        File::open(path).unwrap().set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap();
    }

    fn seen(reader: &mut Reader) -> (String, String) {
        let found = reader.read();
        let text = |found: Option<Found>| found.map_or_else(String::new, |found| found.version.to_string());
        (text(found.nccl), text(found.ofi_nccl))
    }

    #[test]
    fn what_has_not_changed_is_not_looked_at_again_and_what_has_is() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("usr/lib64");
        let plugin = dir.path().join("opt/amazon/ofi-nccl/lib/libnccl-net-ofi.so");
        for path in [&folder, plugin.parent().unwrap()] {
            fs::create_dir_all(path).unwrap();
        }
        fs::write(folder.join("libnccl.so.2.22.3"), "").unwrap();
        fs::write(&plugin, "aws-ofi-nccl 1.13.2 ").unwrap();
        long_ago(&folder);
        long_ago(&plugin);
        let mut reader = Reader::new(Root::new(dir.path()));
        assert_eq!(seen(&mut reader), ("2.22.3".into(), "1.13.2".into()));
        // Nothing tells that the plugin was written to: its bytes are those of before for who has read them.
        fs::write(&plugin, "aws-ofi-nccl 1.13.3 ").unwrap();
        long_ago(&plugin);
        assert_eq!(seen(&mut reader).1, "1.13.2", "it was not read again");
        // A package's files come with the times that they have in the package, and as other files.
        fs::write(folder.join("new"), "aws-ofi-nccl 1.14.0 ").unwrap();
        long_ago(&folder.join("new"));
        fs::rename(folder.join("new"), &plugin).unwrap();
        fs::write(folder.join("libnccl.so.2.23.4"), "").unwrap();
        assert_eq!(seen(&mut reader), ("2.23.4".into(), "1.14.0".into()));
        // Just written to: the next write may have the same time.
        fs::rename(folder.join("libnccl.so.2.23.4"), folder.join("libnccl.so.2.24.1")).unwrap();
        assert_eq!(seen(&mut reader).0, "2.24.1");
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(seen(&mut reader).0, "");
    }
}
