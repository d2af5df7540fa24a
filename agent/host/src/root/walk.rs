//! Follows links by hand, in a tree whose root is a folder.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// As many links as the kernel follows: path_resolution(7).
const MOST_LINKS: usize = 40;

/// A name that no call takes, for paths with more links than that: they must lead nowhere, not elsewhere.
const NOWHERE: &[u8] = b"too many links\0";

/// The path of the entry itself: only links on the way to it are followed.
pub(super) fn to_entry(root: &Path, path: &Path) -> PathBuf {
    resolve(root, path, false)
}

/// The path of what the entry leads to.
pub(super) fn to_end(root: &Path, path: &Path) -> PathBuf {
    resolve(root, path, true)
}

/// What is not there is taken as it is written.
fn resolve(root: &Path, path: &Path, follow_last: bool) -> PathBuf {
    let mut open = parts(path);
    let mut full = root.to_owned();
    let mut depth = 0;
    let mut links = 0;
    while let Some(part) = open.pop() {
        if part == ".." {
            if depth > 0 {
                full.pop();
                depth -= 1;
            }
            continue;
        }
        full.push(&part);
        depth += 1;
        if open.is_empty() && !follow_last {
            break;
        }
        let Ok(target) = fs::read_link(&full) else { continue };
        links += 1;
        if links > MOST_LINKS {
            return full.join(OsStr::from_bytes(NOWHERE));
        }
        let up = if target.is_absolute() { depth } else { 1 };
        for _ in 0..up {
            full.pop();
        }
        depth -= up;
        open.extend(parts(&target));
    }
    full
}

/// The names and `..` of a path, the first one last.
fn parts(path: &Path) -> Vec<OsString> {
    let named = path.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    named.map(|part| part.as_os_str().to_owned()).rev().collect()
}
