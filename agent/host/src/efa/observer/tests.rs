use std::fs;
use std::path::Path;

use nix::sys::stat::Mode;

use super::*;
use crate::efa::P2p;
use crate::turns::ROUND;

/// However busy this machine is.
const LONG: Duration = Duration::from_secs(60);

fn observer(root: &Path) -> Observer {
    Observer::new(Root::new(root), LONG)
}

fn put(root: &Path, path: &str, text: &str) {
    let full = root.join(path);
    fs::create_dir_all(full.parent().unwrap()).unwrap();
    fs::write(full, text).unwrap();
}

fn plug(root: &Path, name: &str, firmware: &str) {
    fs::create_dir_all(root.join("sys/bus/pci/devices")).unwrap();
    let folder = format!("sys/class/infiniband/{name}");
    put(root, &format!("{folder}/device/vendor"), "0x1d0f\n");
    put(root, &format!("{folder}/device/device"), "0xefa1\n");
    put(root, &format!("{folder}/device/p2p"), "\n");
    put(root, &format!("{folder}/fw_ver"), firmware);
}

fn firmware(seen: &Observation) -> Vec<(&str, &str)> {
    seen.devices.iter().map(|efa| (efa.name.as_str(), efa.firmware.as_deref().unwrap_or("-"))).collect()
}

#[test]
fn a_device_that_is_made_anew_is_read_anew_and_one_that_stays_once_a_minute() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    plug(root, "a", "1\n");
    plug(root, "b", "1\n");
    let mut observer = observer(root);
    assert_eq!(firmware(&observer.look(LONG).unwrap()), [("a", "1"), ("b", "1")]);
    // The new folder is made while the old one is still there: it cannot be the same.
    fs::rename(root.join("sys/class/infiniband/b"), root.join("old")).unwrap();
    plug(root, "b", "2\n");
    put(root, "sys/class/infiniband/a/fw_ver", "2\n");
    assert_eq!(firmware(&observer.look(LONG).unwrap()), [("a", "1"), ("b", "2")]);
    let looks = (0..ROUND).take_while(|_| firmware(&observer.look(LONG).unwrap())[0] == ("a", "1")).count();
    assert!((1..ROUND).contains(&looks), "its turn comes once in a round: {looks}");
}

#[test]
fn a_function_that_cannot_be_read_is_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = "sys/bus/pci/devices/0000:4f:00.0";
    put(dir.path(), &format!("{folder}/vendor"), "");
    put(dir.path(), &format!("{folder}/device"), "0xefa1\n");
    let mut observer = observer(dir.path());
    assert!(observer.look(LONG).unwrap().functions.is_empty());
    put(dir.path(), &format!("{folder}/vendor"), "0x1d0f\n");
    assert_eq!(observer.look(LONG).unwrap().functions.len(), 1);
}

#[test]
fn what_changes_is_seen_at_every_look() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    plug(root, "a", "1\n");
    let mut observer = observer(root);
    assert_eq!(observer.look(LONG).unwrap().devices[0].p2p, P2p::None);
    put(root, "sys/class/infiniband/a/device/p2p", "NVIDIA\n");
    assert_eq!(observer.look(LONG).unwrap().devices[0].p2p, P2p::Provider("NVIDIA".into()));
    put(root, "sys/class/infiniband/x/node_type", "1: CA\n");
    assert_eq!(observer.look(LONG).unwrap().others.len(), 1);
    fs::remove_dir_all(root.join("sys/class/infiniband")).unwrap();
    let seen = observer.look(LONG).unwrap();
    assert_eq!((seen.devices.len(), seen.others.len()), (0, 0));
}

fn stall(root: &Path, file: &str) {
    let _ = fs::remove_file(root.join(file));
    nix::unistd::mkfifo(&root.join(file), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
}

/// Who sleeps gets this, and whoever comes later.
fn release(root: &Path, file: &str, text: &str) {
    let mut pipe = fs::File::options().read(true).write(true).open(root.join(file)).unwrap();
    fs::remove_file(root.join(file)).unwrap();
    fs::write(root.join(file), text).unwrap();
    std::io::Write::write_all(&mut pipe, text.as_bytes()).unwrap();
}

#[test]
fn a_file_that_stands_costs_its_device_only_and_is_not_read_twice() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    for name in ["a", "b", "c"] {
        plug(root, name, "1\n");
        std::os::unix::fs::symlink(
            "../../../bus/pci/drivers/efa",
            root.join(format!("sys/class/infiniband/{name}/device/driver")),
        )
        .unwrap();
        put(root, &format!("sys/class/infiniband/{name}/ports/1/gids/0"), "fe80::cba:4aff:fe1d:7e21\n");
    }
    let file = "sys/class/infiniband/b/fw_ver";
    stall(root, file);
    let mut observer = Observer::new(Root::new(root), Duration::from_millis(200));
    let end = Instant::now() + LONG;
    // On a busy machine its thread may not have come to its sleep.
    while !observer.look(Duration::from_millis(200)).unwrap().devices[1].stalled {
        assert!(Instant::now() < end);
    }
    for _ in 0..3 {
        let seen = observer.look(LONG).unwrap();
        assert_eq!(firmware(&seen), [("a", "1"), ("b", "-"), ("c", "1")]);
        assert_eq!(seen.late, ["b"]);
        let stalled: Vec<_> = seen.devices.iter().map(|efa| (efa.stalled, efa.mac.is_some())).collect();
        assert_eq!(stalled, [(false, true), (true, true), (false, true)]);
    }
    // The one that sleeps and the one that rests.
    assert_eq!(observer.reads.threads(), 2);
    release(root, file, "2\n");
    while firmware(&observer.look(LONG).unwrap())[1] != ("b", "2") {
        assert!(Instant::now() < end);
    }
    let seen = observer.look(LONG).unwrap();
    assert!(seen.late.is_empty() && seen.devices.iter().all(|efa| !efa.stalled), "{seen:?}");
}

#[test]
fn what_is_late_and_known_is_told_as_before_until_its_deadline() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    plug(root, "a", "1\n");
    let mut observer = observer(root);
    assert_eq!(observer.look(LONG).unwrap().devices[0].p2p, P2p::None);
    assert_eq!(observer.next_deadline(), None);
    stall(root, "sys/class/infiniband/a/device/p2p");
    let seen = observer.look(Duration::ZERO).unwrap();
    assert_eq!((firmware(&seen), seen.devices[0].stalled, seen.late.len()), (vec![("a", "1")], false, 0));
    assert!(observer.next_deadline().is_some_and(|at| at > Instant::now()));
    observer.deadline = Duration::ZERO;
    let end = Instant::now() + LONG;
    let mut seen = observer.look(LONG).unwrap();
    while !seen.devices[0].stalled && Instant::now() < end {
        seen = observer.look(LONG).unwrap();
    }
    assert_eq!((firmware(&seen), seen.devices[0].stalled), (vec![("a", "1")], true));
    assert!(seen.late.contains(&"a".to_owned()), "{seen:?}");
    release(root, "sys/class/infiniband/a/device/p2p", "NVIDIA\n");
}

#[test]
fn what_belongs_to_no_card_costs_no_card() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    plug(root, "a", "1\n");
    put(root, "sys/class/net/eth0/device/vendor", "0x1d0f\n");
    stall(root, "sys/class/net/eth0/address");
    put(root, "sys/bus/pci/devices/0000:05:00.0/device", "0xefa1\n");
    stall(root, "sys/bus/pci/devices/0000:05:00.0/vendor");
    let seen = observer(root).look(Duration::from_millis(200)).unwrap();
    assert_eq!(firmware(&seen), [("a", "1")]);
    assert_eq!(seen.late, ["0000:05:00.0", REST]);
    release(root, "sys/class/net/eth0/address", "0e:00:00:00:00:01\n");
    release(root, "sys/bus/pci/devices/0000:05:00.0/vendor", "0x1d0f\n");
}
