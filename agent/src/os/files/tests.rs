use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use gpunode_host::Root;

fn machine() -> (tempfile::TempDir, Os) {
    let dir = tempfile::tempdir().unwrap();
    let os = Os::real(Root::new(dir.path()));
    (dir, os)
}

#[test]
fn the_second_write_changes_nothing() {
    let (_dir, os) = machine();
    let file = FileSpec::new("/etc/a/b.conf", "x\n");
    assert!(os.write(&file).unwrap());
    assert!(!os.write(&file).unwrap());
    assert_eq!(os.root().read_text("/etc/a/b.conf").unwrap().unwrap(), "x\n");
    assert!(os.write(&FileSpec { mode: 0o600, ..file }).unwrap());
}

#[test]
fn a_write_that_fails_leaves_the_old_content_and_no_litter() {
    let (dir, os) = machine();
    fs::create_dir_all(dir.path().join("etc/b.conf")).unwrap();
    let error = os.write(&FileSpec::new("/etc/b.conf", "new")).unwrap_err();
    assert_eq!(error.path, Path::new("/etc/b.conf"));
    assert_eq!(os.root().list("/etc"), ["b.conf"]);
}

#[test]
fn nothing_is_written_through_a_link_out_of_the_tree() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    let outside = dir.path().join("outside");
    fs::create_dir_all(tree.join("var")).unwrap();
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("file"), "untouched").unwrap();
    let os = Os::real(Root::new(&tree));
    symlink(&outside, tree.join("etc")).unwrap();
    symlink("../../outside", tree.join("var/lib")).unwrap();
    symlink(outside.join("file"), tree.join("var/file")).unwrap();
    // Both links lead to places inside the tree that are not there, as they would for a program that runs in it.
    for path in ["/etc/file", "/etc/new/file", "/var/lib/file"] {
        assert!(os.write(&FileSpec::new(path, "x")).is_err(), "{path}");
        assert!(os.append_line(path, "x", Lasting::Now).is_err(), "{path}");
        assert!(!os.remove(path).unwrap(), "{path}");
    }
    assert!(
        os.set_value("/var/file", "x").is_err() && os.append_line("/var/file", "x", Lasting::Now).is_err()
    );
    // A link in the place of a file is replaced, and what it led to is left.
    assert!(os.write(&FileSpec::new("/var/file", "x")).unwrap());
    assert_eq!(fs::read_to_string(tree.join("var/file")).unwrap(), "x");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(outside.join("file")).unwrap(), "untouched");
}

#[test]
fn a_link_to_a_folder_inside_the_tree_is_followed() {
    let (dir, os) = machine();
    fs::create_dir_all(dir.path().join("usr/etc")).unwrap();
    symlink("/usr/etc", dir.path().join("etc")).unwrap();
    os.write(&FileSpec::new("/etc/a/b.conf", "x")).unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("usr/etc/a/b.conf")).unwrap(), "x");
    assert!(os.remove("/etc/a/b.conf").unwrap());
}
