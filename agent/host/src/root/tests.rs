use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use proptest::prelude::*;

use super::*;

#[test]
fn a_path_never_leaves_the_root() {
    let root = Root::new("/srv/node");
    assert_eq!(root.at("/../../etc/passwd"), Path::new("/srv/node/etc/passwd"));
    assert_eq!(root.at("proc/mounts"), Path::new("/srv/node/proc/mounts"));
}

#[test]
fn absent_is_none_and_too_large_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let root = Root::new(dir.path());
    assert!(root.read("/nothing/here").unwrap().is_none());
    File::create(dir.path().join("big")).unwrap().set_len(MAX_FILE + 1).unwrap();
    let error = root.read("/big").unwrap_err();
    assert_eq!(error.path, Path::new("/big"));
}

/// A tree in a folder, with links that lead out of it for whoever does not know where it begins.
fn tree() -> (tempfile::TempDir, Root) {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("tree");
    fs::create_dir_all(inside.join("usr/lib/deep/er")).unwrap();
    fs::create_dir_all(inside.join("etc")).unwrap();
    fs::write(dir.path().join("secret"), "outside").unwrap();
    fs::write(inside.join("usr/lib/os-release"), "inside").unwrap();
    for (target, link) in [
        ("/usr/lib/os-release", "etc/os-release"),
        ("/etc/passwd", "etc/passwd"),
        ("/etc/nothing/../group", "etc/shadow"),
        ("../../../../secret", "usr/lib/secret"),
        ("../secret", "secret"),
        ("/usr", "alias"),
        ("/alias/lib", "usr/lib/deep/er/back"),
        ("../../../usr/lib", "usr/lib/deep/up"),
        ("loop", "loop"),
        ("/", "root"),
        ("../../../../../..", "usr/lib/deep/top"),
    ] {
        symlink(target, inside.join(link)).unwrap();
    }
    (dir, Root::new(inside))
}

#[test]
fn what_is_named_in_an_open_folder_stays_inside_the_tree() {
    let (_dir, root) = tree();
    let lib = root.dir("/alias/lib").unwrap();
    assert_eq!(lib.value("os-release").as_deref(), Some("inside"));
    assert_eq!(lib.value("deep/up/os-release").as_deref(), Some("inside"));
    assert_eq!(lib.value("deep/er/back/os-release").as_deref(), Some("inside"), "an absolute link");
    assert_eq!(lib.value("deep/top/etc/os-release").as_deref(), Some("inside"), "a link out of the folder");
    assert_eq!(lib.read_value("nothing").unwrap_err().kind(), io::ErrorKind::NotFound);
    assert_eq!(
        lib.read_value("secret").unwrap_err().raw_os_error(),
        Some(rustix::io::Errno::LOOP.raw_os_error())
    );
    assert_eq!((lib.link("secret").as_deref(), lib.link("os-release")), (Some("secret"), None));
    assert!(lib.exists("secret"), "the link itself is there");
    assert!(!lib.exists("nothing"));
    assert_eq!(lib.list("deep"), ["er", "top", "up"]);
    assert!(root.dir("/usr/lib/os-release").is_err(), "no folder");
    fs::write(root.at("/usr/lib/long"), "x".repeat(5000)).unwrap();
    assert_eq!(lib.value("long").map(|text| text.len()), Some(5000));
}

#[test]
fn links_begin_and_end_inside_the_tree() {
    let (_dir, root) = tree();
    for path in [
        "/etc/os-release",
        "/alias/lib/os-release",
        "/usr/lib/deep/er/back/os-release",
        "/usr/lib/deep/up/os-release",
        "/root/root/root/etc/os-release",
        "/usr/lib/deep/top/usr/lib/os-release",
        "/../../alias/lib/../lib/os-release",
    ] {
        assert_eq!(root.read_text(path).unwrap().as_deref(), Some("inside"), "{path}");
        assert_eq!(fs::read_to_string(root.follow(path)).unwrap(), "inside", "{path}");
    }
    assert_eq!(root.read_text("/etc/shadow").unwrap(), None);
    // Inside the tree these lead to themselves.
    for path in ["/etc/passwd", "/secret", "/usr/lib/secret", "/root/../../secret"] {
        let error = root.read_text(path).unwrap_err();
        assert_eq!(error.source.raw_os_error(), Some(rustix::io::Errno::LOOP.raw_os_error()), "{path}");
        assert!(root.follow(path).metadata().is_err(), "{path}");
    }
    assert_eq!(root.list("/alias/lib/deep"), ["er", "top", "up"]);
    assert!(root.exists("/secret"), "the link itself is there");
    assert_eq!(fs::read_link(root.at("/alias/lib/secret")).unwrap(), Path::new("../../../../secret"));
    assert!(root.open_folder("/root").unwrap().metadata().unwrap().is_dir());
    assert!(root.open_folder("/etc/os-release").is_err());
}

#[test]
fn links_without_end_lead_nowhere() {
    let (_dir, root) = tree();
    assert!(root.read("/loop").is_err() && root.read("/loop/x").is_err());
    assert!(fs::File::open(root.follow("/loop")).is_err());
    assert!(root.metadata("/loop/x").is_err() && !root.exists("/loop/x"));
}

fn place() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec!["a", "b", "c", "..", "."]);
    (any::<bool>(), prop::collection::vec(part, 1..6))
        .prop_map(|(absolute, parts)| format!("{}{}", if absolute { "/" } else { "" }, parts.join("/")))
}

proptest! {
    /// The way that is walked by hand ends where the kernel ends, and never outside.
    #[test]
    fn by_hand_as_by_the_kernel(
        folders in prop::collection::vec("[abc](/[abc]){0,2}", 0..4),
        links in prop::collection::vec(("[abc](/[abc]){0,2}", place()), 0..8),
        asked in place(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        // So deep that no target of a link gets out of the folder, and no test can do harm.
        let inside = dir.path().canonicalize().unwrap().join("1/2/3/4/5/6/7/8");
        fs::create_dir_all(&inside).unwrap();
        for folder in folders {
            let _ = fs::create_dir_all(inside.join(folder));
        }
        for (link, target) in links {
            let _ = symlink(target, inside.join(link));
        }
        let root = Root::new(&inside);
        let same = |meta: &Metadata| (meta.dev(), meta.ino());
        let by_hand = root.follow(&asked);
        prop_assert!(by_hand.starts_with(&inside), "{by_hand:?}");
        if let Ok(by_kernel) = root.open(&asked) {
            let by_kernel = by_kernel.metadata().unwrap();
            prop_assert_eq!(same(&by_kernel), same(&by_hand.symlink_metadata().unwrap()), "{:?}", by_hand);
        } else if let Ok(found) = by_hand.canonicalize() {
            // The kernel does not take back by `..` a part that is not there; by hand it is, and that is all.
            prop_assert_eq!(found, by_hand);
        }
    }
}

/// Any rename on the machine makes the kernel unsure of `..`. What is there is found nevertheless, every time.
#[test]
fn what_is_there_is_found_while_others_rename() {
    let (dir, root) = tree();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for name in ["one", "two"] {
            let (here, there) = (dir.path().join(name), dir.path().join(format!("{name}-moved")));
            fs::write(&here, "").unwrap();
            let over = &over;
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    fs::rename(&here, &there).and_then(|()| fs::rename(&there, &here)).unwrap();
                }
            });
        }
        let lost = (0..20_000).filter(|_| root.value("/usr/lib/deep/up/os-release").is_none()).count();
        let listed = (0..2_000).filter(|_| root.list("/usr/lib/deep/up").len() == 3).count();
        over.store(true, Ordering::Relaxed);
        assert_eq!((lost, listed), (0, 2_000));
    });
}
