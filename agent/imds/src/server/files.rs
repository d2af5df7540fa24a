//! Plain files below `/files/`.

use std::fs::File;
use std::path::{Component, Path};

use super::reply::{Body, Reply};

/// Opens `path` in `folder`; not found where it is no plain file, or leads out of the folder.
pub(super) fn open(folder: Option<&Path>, path: &str) -> Reply {
    folder
        .and_then(|folder| open_inside(folder, Path::new(path)))
        .unwrap_or_else(|| Reply::error(404, "no such file"))
}

fn open_inside(folder: &Path, path: &Path) -> Option<Reply> {
    if !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    // With links resolved; `folder` is already.
    let resolved = folder.join(path).canonicalize().ok()?;
    // Looked at before it is opened, since opening a pipe would block the server.
    if !resolved.starts_with(folder) || !resolved.metadata().ok()?.is_file() {
        return None;
    }
    let file = File::open(&resolved).ok()?;
    let length = file.metadata().ok()?.len();
    Some(Reply { status: 200, ttl: None, body: Body::File(file, length) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_in_its_folder() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().canonicalize().unwrap().join("served");
        std::fs::create_dir_all(folder.join("sub")).unwrap();
        std::fs::write(outer.path().join("secret"), "no").unwrap();
        std::fs::write(folder.join("sub/a.tar"), "yes").unwrap();
        std::os::unix::fs::symlink("../secret", folder.join("out")).unwrap();
        std::os::unix::fs::symlink("sub/a.tar", folder.join("in")).unwrap();
        for good in ["sub/a.tar", "in"] {
            assert_eq!(open(Some(&folder), good).length(), 3, "{good}");
        }
        for bad in ["", "sub", "../secret", "sub/../../secret", "/etc/hostname", "out", "none"] {
            assert_eq!(open(Some(&folder), bad).status, 404, "{bad}");
        }
        assert_eq!(open(None, "sub/a.tar").status, 404);
    }
}
