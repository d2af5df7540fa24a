use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, Header};

use super::*;

const BOUNDS: Bounds = Bounds { bytes: 10_000, entries: 10 };

/// A bundle of entries with these types, names, link targets and contents. Names are written as they are: `Builder`
/// would refuse the bad ones.
fn bundle(entries: &[(EntryType, &str, &str, &[u8])]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut tar = Builder::new(GzEncoder::new(file.reopen().unwrap(), Compression::fast()));
    for (kind, name, target, content) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o755);
        header.set_size(content.len() as u64);
        let old = header.as_old_mut();
        old.name[..name.len()].copy_from_slice(name.as_bytes());
        old.linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_cksum();
        tar.append(&header, *content).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap().flush().unwrap();
    file
}

fn unpack(entries: &[Entry<'_>]) -> (tempfile::TempDir, Result<(), Error>) {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("inside");
    fs::create_dir(&inside).unwrap();
    let result = tar_gz(bundle(entries).path(), &inside, BOUNDS, &|| false);
    // Whatever is in it, nothing appears beside the folder.
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    (dir, result)
}

use EntryType::{Block, Directory, Fifo, Link, Regular, Symlink};

#[test]
fn files_folders_and_links_inside() {
    let (dir, result) = unpack(&[
        (Directory, "a/", "", b""),
        (Regular, "a/b", "", b"content"),
        (Symlink, "a/c", "b", b""),
        (Symlink, "d", "a/../a/b", b""),
        (Regular, "./e/f", "", b"x"),
    ]);
    result.unwrap();
    let inside = dir.path().join("inside");
    for path in ["a/b", "a/c", "d"] {
        assert_eq!(fs::read(inside.join(path)).unwrap(), b"content", "{path}");
    }
}

/// Kind, name, where a link points to, content.
type Entry<'a> = (EntryType, &'a str, &'a str, &'a [u8]);

#[test]
fn nothing_gets_out() {
    let bad: &[&[Entry<'_>]] = &[
        &[(Regular, "../x", "", b"x")],
        &[(Regular, "a/../../x", "", b"x")],
        &[(Regular, "/tmp/x", "", b"x")],
        &[(Symlink, "a", "/etc", b"")],
        &[(Symlink, "a", "..", b"")],
        &[(Symlink, "a/b", "../../x", b"")],
        &[(Link, "a", "/etc/passwd", b"")],
        &[(Fifo, "a", "", b"")],
        &[(Block, "a", "", b"")],
    ];
    for entries in bad {
        let (_dir, result) = unpack(entries);
        assert!(matches!(result, Err(Error::Refused { .. })), "{entries:?}: {result:?}");
    }
    // Each link stays inside by its words, and both together do not.
    let (_dir, result) = unpack(&[
        (Directory, "a/b", "", b""),
        (Symlink, "c", "a/b", b""),
        (Symlink, "c/d", "../..", b""),
        (Regular, "c/d/../x", "", b"x"),
    ]);
    assert!(result.is_err(), "{result:?}");
}

#[test]
fn it_cannot_fill_the_disk() {
    let much = vec![0; 10_001];
    let (_dir, result) = unpack(&[(Regular, "a", "", &much)]);
    assert!(matches!(result, Err(Error::TooLarge { what: "bytes", .. })), "{result:?}");
    let names: Vec<_> = (0..11).map(|number| format!("f{number}")).collect();
    let many: Vec<_> = names.iter().map(|name| (Regular, name.as_str(), "", &b""[..])).collect();
    let (_dir, result) = unpack(&many);
    assert!(matches!(result, Err(Error::TooLarge { what: "entries", .. })), "{result:?}");
}

#[test]
fn what_is_cut_or_no_bundle_is_told() {
    let whole = fs::read(bundle(&[(Regular, "a", "", &[7; 5000])]).path()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bundle");
    for bytes in [&b"not gzip"[..], b"", &whole[..whole.len() / 2]] {
        fs::write(&path, bytes).unwrap();
        let folder = Folder::make(dir.path().join("folder")).unwrap();
        assert!(tar_gz(&path, folder.path(), BOUNDS, &|| false).is_err(), "{} bytes", bytes.len());
        drop(folder);
        assert!(!dir.path().join("folder").exists());
    }
    fs::write(&path, whole).unwrap();
    let folder = Folder::make(dir.path().join("folder")).unwrap();
    assert!(matches!(tar_gz(&path, folder.path(), BOUNDS, &|| true), Err(Error::Cancelled)));
}
