//! Programs and links, put in place whole or not at all.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io::{self, Read, Seek as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, OFlags};

use super::Os;
use super::files::{WriteError, open, split};

const MODE: u32 = 0o755;

impl Os {
    /// Whether the file at `path` may be run and has the bytes of `source`.
    pub(crate) fn has_program_like(&self, path: &str, source: &mut File) -> io::Result<bool> {
        source.rewind()?;
        let Ok(found) = self.root.open(path) else { return Ok(false) };
        let about = found.metadata()?;
        let fits = about.is_file()
            && about.permissions().mode() & 0o7777 == MODE
            && about.len() == source.metadata()?.len();
        Ok(fits && same_bytes(found, source)?)
    }

    /// Makes the file at `path` be a program with the bytes of `source`, unless it is. A program that runs from there
    /// goes on with the old one.
    pub(crate) fn install_program(&self, path: &str, source: &mut File) -> Result<(), WriteError> {
        let path = Path::new(path);
        let fail = |error| WriteError { verb: "install", path: path.to_owned(), source: error };
        if self.has_program_like(&path.to_string_lossy(), source).map_err(fail)? {
            return Ok(());
        }
        let (folder, name) = split(path);
        let mut install = || {
            source.rewind()?;
            let folder = self.make_folder(folder)?;
            let temporary = temporary(name);
            let copied = (|| {
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
                let mut file = open(&folder, &temporary, flags, MODE)?;
                io::copy(source, &mut file)?;
                file.set_permissions(Permissions::from_mode(MODE))?;
                file.sync_all()?;
                Ok(rustix::fs::renameat(&folder, &temporary, &folder, name)?)
            })();
            if copied.is_err() {
                let _ = rustix::fs::unlinkat(&folder, &temporary, AtFlags::empty());
            }
            copied.and_then(|()| folder.sync_all())
        };
        install().map_err(fail)
    }

    /// Whether there is a link at `path` that says `target`.
    pub(crate) fn is_link(&self, path: &str, target: &str) -> bool {
        self.root.read_link(path).is_ok_and(|now| now == Path::new(target))
    }

    /// Makes a link at `path` that says `target`, in the place of whatever file is there.
    pub(crate) fn link(&self, path: &str, target: &str) -> Result<(), WriteError> {
        if self.is_link(path, target) {
            return Ok(());
        }
        let path = Path::new(path);
        let (folder, name) = split(path);
        let make = || {
            let folder = self.make_folder(folder)?;
            let temporary = temporary(name);
            let _ = rustix::fs::unlinkat(&folder, &temporary, AtFlags::empty());
            rustix::fs::symlinkat(target, &folder, &temporary)?;
            rustix::fs::renameat(&folder, &temporary, &folder, name)?;
            folder.sync_all()
        };
        make().map_err(|source| WriteError { verb: "link", path: path.to_owned(), source })
    }
}

/// The name is the same every time, so that a run that was killed leaves at most one such file behind.
fn temporary(name: &OsStr) -> String {
    format!(".{}.gpunode-new", name.to_string_lossy())
}

fn same_bytes(one: impl Read, other: impl Read) -> io::Result<bool> {
    let (mut one, mut other) = (io::BufReader::new(one), io::BufReader::new(other));
    let (mut left, mut right) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    loop {
        let length = one.read(&mut left)?;
        if length == 0 {
            return Ok(other.read(&mut right)? == 0);
        }
        if other.read_exact(&mut right[..length]).is_err() || left[..length] != right[..length] {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use gpunode_host::Root;

    #[test]
    fn a_program_is_installed_once_and_again_when_it_differs() {
        let dir = tempfile::tempdir().unwrap();
        let os = Os::real(Root::new(dir.path().join("tree")));
        fs::create_dir(dir.path().join("tree")).unwrap();
        let path = dir.path().join("program");
        fs::write(&path, vec![7; 200_000]).unwrap();
        let mut source = File::open(&path).unwrap();
        assert!(!os.has_program_like("/usr/bin/x", &mut source).unwrap());
        os.install_program("/usr/bin/x", &mut source).unwrap();
        assert!(os.has_program_like("/usr/bin/x", &mut source).unwrap());
        let inode = os.root().metadata("/usr/bin/x").unwrap();
        os.install_program("/usr/bin/x", &mut source).unwrap();
        assert_eq!(os.root().metadata("/usr/bin/x").unwrap().modified().unwrap(), inode.modified().unwrap());
        let mut other = vec![7; 200_000];
        other[199_999] = 8;
        fs::write(os.root().at("/usr/bin/x"), other).unwrap();
        assert!(!os.has_program_like("/usr/bin/x", &mut source).unwrap());
        os.install_program("/usr/bin/x", &mut source).unwrap();
        assert!(os.has_program_like("/usr/bin/x", &mut source).unwrap());
        fs::set_permissions(os.root().at("/usr/bin/x"), Permissions::from_mode(0o644)).unwrap();
        assert!(!os.has_program_like("/usr/bin/x", &mut source).unwrap());
        assert_eq!(os.root().list("/usr/bin"), ["x"]);
    }

    #[test]
    fn a_link_replaces_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let os = Os::real(Root::new(dir.path()));
        fs::create_dir(dir.path().join("a")).unwrap();
        fs::write(dir.path().join("a/l"), "x").unwrap();
        os.link("/a/l", "../b").unwrap();
        os.link("/a/l", "../b").unwrap();
        assert!(os.is_link("/a/l", "../b") && !os.is_link("/a/l", "../c"));
        os.link("/a/l", "../c").unwrap();
        assert!(os.is_link("/a/l", "../c"));
        assert_eq!(os.root().list("/a"), ["l"]);
    }
}
