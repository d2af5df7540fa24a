use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use gpunode_host::driver::{Choice, Modules, Wanted};
use gpunode_host::{Root, catalog};
use gpunode_tree::{MachineTree, Options};

use super::{NvidiaDriver, run_file};
use crate::context::Context;
use crate::os::Os;
use crate::settings::tests::local;
use crate::step::{Check, Failure, Step};
use crate::steps::answers::Answers;

/// A machine of this type with the driver 550.127.05 loaded, whose programs answer from a table.
fn machine(kind: &str, programs: &[&'static str]) -> (tempfile::TempDir, Os, Arc<Answers>) {
    let dir = tempfile::tempdir().unwrap();
    MachineTree::build(dir.path(), catalog::find(kind).unwrap(), Options::default()).unwrap();
    let put = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("etc/os-release", "ID=amzn\nVERSION_ID=2023\nPRETTY_NAME=\"Amazon Linux 2023\"\n");
    put("proc/sys/kernel/osrelease", "6.12.40-63.114.amzn2023.x86_64\n");
    put("usr/bin/nvidia-ctk", "");
    let table: BTreeMap<_, _> = programs.iter().map(|program| (*program, String::new())).collect();
    let answers = Arc::new(Answers { table, run: Mutex::default(), fails: None });
    let os = Os::new(Root::new(dir.path()), Arc::<Answers>::clone(&answers));
    (dir, os, answers)
}

fn check(os: &Os, settings: &[&str]) -> Result<Check, Failure> {
    NvidiaDriver.check(&Context::new(local(settings), true), os)
}

#[test]
fn a_driver_that_is_right_is_left_alone_without_a_single_command() {
    let (_dir, os, answers) = machine("g6e.48xlarge", &["dnf", "rpm"]);
    let check = check(&os, &[]).unwrap();
    assert_eq!(check.summary, "8 GPUs, driver 550.127.05");
    assert!(check.changes.is_empty() && check.findings.is_empty(), "{check:?}");
    assert!(answers.run.lock().unwrap().is_empty());
}

#[test]
fn what_would_be_installed_is_said_without_asking_a_repository() {
    let (dir, os, answers) = machine("g6e.48xlarge", &["dnf", "rpm"]);
    for path in ["proc/driver/nvidia/version", "sys/module/nvidia/version"] {
        let _ = fs::remove_file(dir.path().join(path));
    }
    let check = check(&os, &["nvidia.driverVersion=580"]).unwrap();
    let says = "install the NVIDIA driver 580 with open kernel modules (NVIDIA's own choice since Turing)";
    assert_eq!(check.changes, [says, "load nvidia, nvidia_uvm"]);
    assert!(answers.run.lock().unwrap().is_empty());
}

#[test]
fn without_a_package_manager_the_absence_is_told() {
    let (dir, os, _) = machine("g6e.48xlarge", &[]);
    for path in ["proc/driver/nvidia/version", "sys/module/nvidia/version"] {
        let _ = fs::remove_file(dir.path().join(path));
    }
    let Failure(finding) = check(&os, &[]).unwrap_err();
    assert_eq!(finding.code, "NvidiaDriverAbsent");
    assert!(finding.message.contains("Amazon Linux 2023 without dnf and rpm"), "{}", finding.message);
    let Failure(finding) = check(&os, &["nvidia.install=never"]).unwrap_err();
    assert_eq!(finding.code, "NvidiaDriverAbsent");
}

#[test]
fn a_run_file_is_checked_by_its_name_before_it_is_run() {
    let choice = Choice { modules: Modules::Open, gsp_off: false, because: "" };
    let (dir, os, answers) = machine("g6e.48xlarge", &["sh"]);
    let path = "/opt/NVIDIA-Linux-x86_64-580.95.05.run";
    let wanted = |text| Wanted::parse(text).unwrap();
    let Failure(finding) = run_file::fitting(path, &wanted("550.127.05")).unwrap_err();
    assert_eq!(finding.code, "PackageNotOffered");
    let version = run_file::fitting(path, &wanted("580")).unwrap();
    let Failure(finding) = run_file::install(&os, path, &version, &choice).unwrap_err();
    assert!(finding.message.ends_with("is not there"), "{}", finding.message);
    fs::create_dir_all(dir.path().join("opt")).unwrap();
    fs::write(dir.path().join(&path[1..]), "").unwrap();
    run_file::install(&os, path, &version, &choice).unwrap();
    let run = answers.run.lock().unwrap().clone();
    assert_eq!(run.len(), 2, "{run:?}");
    assert_eq!(run[0], format!("sh {path} --check"));
    assert!(run[1].ends_with("--kernel-module-type=open"), "{run:?}");
}

#[test]
fn a_run_file_that_is_cut_off_is_never_run() {
    let choice = Choice { modules: Modules::Proprietary, gsp_off: true, because: "" };
    let (dir, os, _) = machine("g6e.48xlarge", &["sh"]);
    let answers = Arc::new(Answers {
        table: BTreeMap::from([("sh", String::new())]),
        run: Mutex::default(),
        fails: Some("sh /opt/NVIDIA-Linux-x86_64-550.127.05.run --check"),
    });
    let os = Os::new(os.root().clone(), Arc::<Answers>::clone(&answers));
    let path = "/opt/NVIDIA-Linux-x86_64-550.127.05.run";
    fs::create_dir_all(dir.path().join("opt")).unwrap();
    fs::write(dir.path().join(&path[1..]), "").unwrap();
    let version = run_file::fitting(path, &Wanted::parse("550").unwrap()).unwrap();
    let Failure(finding) = run_file::install(&os, path, &version, &choice).unwrap_err();
    assert_eq!(finding.code, "PackageSignatureWrong");
    assert_eq!(answers.run.lock().unwrap().len(), 1);
}

/// EKS's image since autumn 2026: its service comes with every boot and may not be started by hand.
#[test]
fn a_service_of_the_image_is_waited_for_and_believed() {
    for (says, fails) in [
        ("ActiveState=active\nJob=\n", false),
        ("ActiveState=inactive\nJob=0\n", false),
        ("ActiveState=failed\nJob=\n", true),
    ] {
        let (dir, os, _) = machine("p5.48xlarge", &[]);
        let answers = Arc::new(Answers {
            table: BTreeMap::from([("systemctl", says.to_owned()), ("modprobe", String::new())]),
            run: Mutex::default(),
            fails: None,
        });
        let os = Os::new(os.root().clone(), Arc::<Answers>::clone(&answers));
        for path in ["proc/driver/nvidia/version", "sys/module/nvidia/version"] {
            let _ = fs::remove_file(dir.path().join(path));
        }
        for (path, text) in [
            ("etc/systemd/system/nvidia-setup.service", "[Service]\n"),
            ("opt/nvidia/lts/.version", "580.178.04\n"),
            ("run/systemd/system/.keep", ""),
        ] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let done = NvidiaDriver.apply(&Context::new(local(&["nvidia.driverVersion=580"]), true), &os);
        let run = answers.run.lock().unwrap().clone();
        assert_eq!(run[0], "systemctl show --property=ActiveState,Job nvidia-setup.service");
        assert!(!run.iter().any(|line| line.starts_with("systemctl start nvidia-setup")), "{run:?}");
        match done {
            Err(Failure(finding)) if fails => {
                assert_eq!(finding.code, "NvidiaModuleNotLoaded");
                assert!(
                    finding.message.contains("nvidia-setup.service of this image has failed"),
                    "{finding:?}"
                );
                assert_eq!(run.len(), 1);
            }
            done => {
                done.unwrap();
                assert!(!fails && run[1] == "modprobe nvidia", "{run:?}");
            }
        }
    }
}

/// The default version is older than Blackwell: told before anything is asked for, also where that version is there already.
#[test]
fn the_default_version_is_refused_on_blackwell_with_what_is_allowed() {
    for (kind, need) in [("p6-b200.48xlarge", "570 or newer"), ("p6-b300.48xlarge", "580 or newer")] {
        let (dir, os, answers) = machine(kind, &["dnf", "rpm"]);
        for path in ["proc/driver/nvidia/version", "sys/module/nvidia/version"] {
            let _ = fs::remove_file(dir.path().join(path));
        }
        let refused = |os: &Os| {
            let Failure(finding) = check(os, &[]).unwrap_err();
            assert_eq!(finding.code, "NvidiaDriverRefused");
            assert!(
                finding.message.contains(&format!("allowed: latest, or a version or branch of {need}")),
                "{finding:?}"
            );
            finding.message
        };
        assert!(refused(&os).starts_with(
            "nvidia.driverVersion is 550.127.05, and driver branch 550 does not drive Blackwell"
        ));
        // An image with it: nobody tries to load it.
        for path in [
            "usr/lib64/libnvidia-ml.so.550.127.05",
            "lib/modules/6.12.40-63.114.amzn2023.x86_64/extra/nvidia.ko",
        ] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        assert!(
            refused(&os).starts_with(
                "driver 550.127.05 is installed, and driver branch 550 does not drive Blackwell"
            )
        );
        let replaces = check(&os, &["nvidia.driverVersion=580", "nvidia.install=replace"]).unwrap();
        assert!(
            replaces.changes[0].starts_with("replace the NVIDIA driver 550.127.05 by 580 with open"),
            "{replaces:?}"
        );
        assert!(answers.run.lock().unwrap().is_empty());
    }
}
