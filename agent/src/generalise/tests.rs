use std::fs;
use std::os::unix::fs::symlink;

use super::*;

fn machine(files: &[&str]) -> (tempfile::TempDir, Os) {
    let dir = tempfile::tempdir().unwrap();
    for path in files {
        let file = dir.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "x\n").unwrap();
    }
    let os = Os::real(Root::new(dir.path()));
    (dir, os)
}

#[test]
fn what_must_go_goes_and_the_rest_stays() {
    let (dir, os) = machine(&[
        "etc/machine-id",
        "etc/ssh/sshd_config",
        "etc/ssh/ssh_host_ed25519_key",
        "etc/ssh/ssh_host_ed25519_key.pub",
        "etc/gpunode/image.json",
        "home/ubuntu/.ssh/authorized_keys",
        "home/ubuntu/.profile",
        "var/lib/cloud/instances/i-1/sem/config",
        "var/lib/cloud/scripts/per-boot/own.sh",
        "var/lib/dbus/machine-id",
        "var/lib/gpunode/journal.jsonl",
        "var/log/journal/0123/system.journal",
        "var/log/syslog",
    ]);
    symlink("instances/i-1", dir.path().join("var/lib/cloud/instance")).unwrap();
    assert!(refusal(&os).is_none());
    let plan = Plan::new(os.root());
    assert!(plan.empty_machine_id);
    assert!(plan.apply(&os).is_empty());
    let there = |path: &str| os.root().exists(path);
    assert_eq!(os.root().read_text("/etc/machine-id").unwrap().unwrap(), "");
    for gone in ["/etc/ssh/ssh_host_ed25519_key", "/var/lib/cloud/instance", "/var/lib/cloud/instances"] {
        assert!(!there(gone), "{gone}");
    }
    for gone in ["/home/ubuntu/.ssh/authorized_keys", "/var/lib/dbus/machine-id", "/var/log/journal/0123"] {
        assert!(!there(gone), "{gone}");
    }
    for kept in ["/etc/ssh/sshd_config", "/home/ubuntu/.profile", "/var/log/journal", "/var/log/syslog"] {
        assert!(there(kept), "{kept}");
    }
    assert!(there("/var/lib/cloud/scripts/per-boot/own.sh") && there("/etc/gpunode/image.json"));
    let again = Plan::new(os.root());
    assert!(again.lines().is_empty(), "{again:?}");
}

#[test]
fn a_link_is_removed_and_what_it_leads_to_stays() {
    let (dir, os) = machine(&["srv/keep/file"]);
    fs::create_dir_all(dir.path().join("var/cache")).unwrap();
    symlink("/srv/keep", dir.path().join("var/cache/gpunode")).unwrap();
    fs::create_dir_all(dir.path().join("var/lib/dbus")).unwrap();
    symlink("/etc/machine-id", dir.path().join("var/lib/dbus/machine-id")).unwrap();
    assert!(Plan::new(os.root()).apply(&os).is_empty());
    assert!(!os.root().exists("/var/cache/gpunode") && os.root().exists("/srv/keep/file"));
    assert!(os.root().exists("/var/lib/dbus/machine-id"));
}

#[test]
fn a_node_is_refused() {
    assert!(matches!(refusal(&machine(&["var/lib/kubelet/pki/kubelet.crt"]).1), Some(Refusal::Joined(_))));
    assert!(matches!(refusal(&machine(&["var/lib/kubelet/pods/1/x"]).1), Some(Refusal::Joined(_))));
    let (dir, unreadable) = machine(&["var/lib/kubelet/x"]);
    // The kernel refuses a name of more than 255 bytes.
    symlink("x".repeat(300), dir.path().join("var/lib/kubelet/pods")).unwrap();
    assert!(matches!(refusal(&unreadable), Some(Refusal::Joined(_))));
    assert!(matches!(
        refusal(&machine(&["var/lib/gpunode/data-volume.json"]).1),
        Some(Refusal::DataVolume(_))
    ));
    assert!(refusal(&machine(&["var/lib/kubelet/config.yaml"]).1).is_none());
}

#[test]
fn every_pattern_is_absolute_and_has_one_star_a_name_at_most() {
    for Leftover { pattern, why } in LEFTOVERS {
        assert!(pattern.starts_with('/') && !pattern.contains("..") && !why.is_empty(), "{pattern}");
        assert!(pattern.split('/').all(|name| name.matches('*').count() <= 1), "{pattern}");
        // Nothing that begins at the root is a whole folder of the system.
        assert!(pattern.split('/').count() > 3 || pattern.starts_with("/root/"), "{pattern}");
    }
}
