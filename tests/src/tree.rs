//! A file tree as a value, to compare with another.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its own folder has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What is read of each file: all of a configuration file, and of a sparse disk the part with the superblocks.
const READ: u64 = 64 << 10;

/// What two runs may write differently: they tell of the run itself.
pub const RECORDS: [&str; 4] = [
    "run/gpunode/lock",
    "run/gpunode/report.json",
    "var/lib/gpunode/report.json",
    "var/lib/gpunode/journal.jsonl",
];

/// A file tree as it was at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree(pub BTreeMap<String, Entry>);

/// One file, folder or link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Type and permissions.
    pub mode: u32,
    /// Bytes; 0 for folders, whose size is the file system's matter.
    pub size: u64,
    /// When it was last written, in nanoseconds; 0 for folders: a file that is made and removed in them is no change.
    pub written: i128,
    /// The beginning of the content, or the link's target.
    pub content: Vec<u8>,
}

impl Tree {
    /// All below `root`, but for [`RECORDS`].
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn read(root: &Path) -> Self {
        let mut tree = Self::with_records(root);
        tree.0.retain(|path, _| !RECORDS.contains(&path.as_str()));
        tree
    }

    /// All below `root`.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn with_records(root: &Path) -> Self {
        let mut tree = BTreeMap::new();
        add(root, root, &mut tree);
        Self(tree)
    }

    /// Each path that is not the same in both, with what differs.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let paths: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        paths
            .into_iter()
            .filter_map(|path| {
                let (here, there) = (self.0.get(path), other.0.get(path));
                (here != there).then(|| format!("{path}: {}", difference(here, there)))
            })
            .collect()
    }

    /// The same tree without what differs between two runs on two machines: times, and made-up UUIDs, both as text
    /// and, on disks, all but the size.
    #[must_use]
    pub fn without_ids(self) -> Self {
        let entries = self.0.into_iter().map(|(path, mut entry)| {
            entry.written = 0;
            entry.content = if path.starts_with("dev/") {
                Vec::new()
            } else {
                mask(&String::from_utf8_lossy(&entry.content)).into_bytes()
            };
            (mask(&path), entry)
        });
        Self(entries.collect())
    }

    /// The same tree without what is below these folders.
    #[must_use]
    pub fn without(mut self, folders: &[&str]) -> Self {
        self.0.retain(|path, _| !folders.iter().any(|folder| path.starts_with(folder)));
        self
    }
}

fn add(root: &Path, folder: &Path, tree: &mut BTreeMap<String, Entry>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let about = path.symlink_metadata().unwrap();
        let mut content = Vec::new();
        if about.is_symlink() {
            content = fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes();
        } else if about.is_file() {
            let file = File::open(&path).unwrap();
            file.take(READ).read_to_end(&mut content).unwrap();
        }
        let folder = about.is_dir();
        let entry = Entry {
            mode: about.mode(),
            size: if folder { 0 } else { about.size() },
            written: if folder {
                0
            } else {
                i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec())
            },
            content,
        };
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        tree.insert(name, entry);
        if folder {
            add(root, &path, tree);
        }
    }
}

fn difference(here: Option<&Entry>, there: Option<&Entry>) -> String {
    let (Some(here), Some(there)) = (here, there) else {
        let side = if here.is_some() { "first" } else { "second" };
        return format!("only in the {side}");
    };
    let text =
        |entry: &Entry| String::from_utf8_lossy(&entry.content[..entry.content.len().min(400)]).into_owned();
    if here.mode != there.mode {
        format!("mode {:o} and {:o}", here.mode, there.mode)
    } else if here.content != there.content || here.size != there.size {
        format!("{} bytes {:?} and {} bytes {:?}", here.size, text(here), there.size, text(there))
    } else {
        "written again with the same content".to_owned()
    }
}

/// `text` with each UUID replaced by a word.
fn mask(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut masked = String::new();
    let mut from = 0;
    let mut at = 0;
    while at + UUID.len() <= bytes.len() {
        let fits = UUID.bytes().zip(&bytes[at..]).all(|(form, byte)| match form {
            b'x' => byte.is_ascii_hexdigit(),
            dash => *byte == dash,
        });
        if fits {
            masked.push_str(&text[from..at]);
            masked.push_str("UUID");
            at += UUID.len();
            from = at;
        } else {
            at += 1;
        }
    }
    masked + &text[from..]
}

const UUID: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_masked_and_nothing_else() {
        let text = "é What=/dev/disk/by-uuid/40f9d8c1-fafd-4e25-8d86-fda4f84042e5 40f9d8c1-fafd";
        assert_eq!(mask(text), "é What=/dev/disk/by-uuid/UUID 40f9d8c1-fafd");
    }

    #[test]
    fn every_kind_of_difference_is_told() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for dir in [&a, &b] {
            fs::write(dir.path().join("same"), "x").unwrap();
            fs::create_dir(dir.path().join("sub")).unwrap();
        }
        fs::write(a.path().join("sub/only"), "x").unwrap();
        fs::write(b.path().join("same"), "y").unwrap();
        let told = Tree::read(a.path()).differences(&Tree::read(b.path()));
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("same") && told[1].contains("only in the first"), "{told:?}");
    }
}
