use std::fs;
use std::time::Duration;

use super::*;

const VOLUME: &str = "36 35 259:3 / /mnt/data rw,noatime shared:7 - xfs /dev/nvme1n1 rw\n";
const FOLDER: &str = "37 35 259:3 /containerd /var/lib/containerd rw - xfs /dev/nvme1n1 rw\n";

fn at(seconds: u64) -> Now {
    Now { boot: Duration::from_secs(seconds), unix_ms: 1_700_000_000_000 + seconds * 1000 }
}

/// A machine whose agent has made a volume with a folder on it, and somebody else another mount.
fn machine() -> (tempfile::TempDir, Root) {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::new(folder.path());
    let put = |path: &str, text: String| {
        fs::create_dir_all(root.at(path).parent().unwrap()).unwrap();
        fs::write(root.at(path), text).unwrap();
    };
    let unit = |place: &str| format!("{OURS}\n[Mount]\nWhat=x\nWhere={place}\n");
    put("/etc/systemd/system/mnt-data.mount", unit("/mnt/data"));
    put("/etc/systemd/system/var-lib-containerd.mount", unit("/var/lib/containerd"));
    put("/etc/systemd/system/srv.mount", "[Mount]\nWhere=/srv\n".to_owned());
    put("/etc/systemd/system/x.service", unit("/x"));
    put("/proc/1/mountinfo", format!("{VOLUME}{FOLDER}"));
    // As a pod sees it.
    put("/proc/self/mountinfo", String::new());
    (folder, root)
}

fn found(mounts: &Mounts) -> Vec<(&'static str, String)> {
    mounts.findings().into_iter().map(|it| (it.code, it.subject.id().to_owned())).collect()
}

fn look(mounts: &mut Mounts, root: &Root, seconds: &[u64]) {
    for seconds in seconds {
        mounts.look(at(*seconds), root, true);
    }
}

#[test]
fn what_is_mounted_is_well_and_what_is_not_is_told_until_it_is() {
    let (_folder, root) = machine();
    let mut mounts = Mounts::resume(None, "boot");
    look(&mut mounts, &root, &[0, 10]);
    assert_eq!(found(&mounts), []);
    fs::write(root.at("/proc/1/mountinfo"), VOLUME).unwrap();
    look(&mut mounts, &root, &[20]);
    assert_eq!(found(&mounts), [], "one look is none");
    look(&mut mounts, &root, &[30]);
    let missing = [("DataVolumeNotMounted", "/var/lib/containerd".to_owned())];
    assert_eq!(found(&mounts), missing);
    assert_eq!(mounts.take_changes().len(), 1);
    let mut again = Mounts::resume(Some(mounts.save("boot")), "boot");
    assert_eq!(found(&again), missing);
    look(&mut again, &root, &[40]);
    let told = again.take_changes();
    assert!(told.iter().all(|change| matches!(change, Change::Altered(_))), "not told again: {told:?}");
    fs::write(root.at("/proc/1/mountinfo"), format!("{VOLUME}{FOLDER}")).unwrap();
    look(&mut again, &root, &[50]);
    assert_eq!(found(&again), []);
}

#[test]
fn a_volume_that_can_only_be_read_is_told() {
    let (_folder, root) = machine();
    fs::write(
        root.at("/proc/1/mountinfo"),
        format!("{}{FOLDER}", VOLUME.replace("nvme1n1 rw", "nvme1n1 ro")),
    )
    .unwrap();
    let mut mounts = Mounts::at_once();
    look(&mut mounts, &root, &[0]);
    assert_eq!(found(&mounts), [("DataVolumeReadOnly", "/mnt/data".to_owned())]);
}

#[test]
fn nothing_is_claimed_before_the_agent_has_ended_nor_without_a_table() {
    let (_folder, root) = machine();
    fs::write(root.at("/proc/1/mountinfo"), "").unwrap();
    let mut mounts = Mounts::at_once();
    mounts.look(at(0), &root, false);
    assert_eq!(found(&mounts), []);
    fs::remove_file(root.at("/proc/1/mountinfo")).unwrap();
    fs::remove_file(root.at("/proc/self/mountinfo")).unwrap();
    look(&mut mounts, &root, &[10]);
    assert_eq!(found(&mounts), []);
}
