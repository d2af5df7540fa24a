//! `gpunode-agent install` and `generalise` on the tree of an image: what they change, what they leave, what a first boot
//! finds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use gpunode_host::image::{self, Image};
use gpunode_tests::agent::{Run, bootstrap, command, finish, folder, text};
use gpunode_tests::binary;
use gpunode_tests::tree::Tree;
use tempfile::TempDir;

/// What an image has whatever it is made of.
fn image() -> TempDir {
    let dir = folder();
    for (path, content) in [
        ("etc/os-release", "ID=amzn\nVERSION_ID=\"2023\"\n"),
        ("etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
        ("etc/ssh/ssh_host_ed25519_key", "secret"),
        ("lib/modules/6.12.0-1.amzn2023.x86_64/modules.dep", ""),
        (
            "opt/amazon/efa_installed_packages",
            "# EFA installer version: 1.47.0\nlibfabric-aws-2.4.0amzn3.0\n",
        ),
        ("usr/lib64/libnvidia-ml.so.580.95.05", ""),
        ("lib/modules/6.12.0-1.amzn2023.x86_64/extra/nvidia.ko.xz", ""),
        ("usr/bin/nv-fabricmanager", ""),
        ("var/lib/cloud/instances/i-0/user-data.txt", "x"),
    ] {
        let file = dir.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }
    dir
}

fn agent(name: &str, dir: &Path, words: &[&str]) -> Run {
    finish(command().args([name, "--root", text(dir)]).args(words))
}

fn install(dir: &Path, words: &[&str]) -> Run {
    agent("install", dir, &[&["--json", "--instance-family", "p5en"], words].concat())
}

/// All but the lock and the records of runs.
fn state(dir: &Path) -> Tree {
    let mut tree = Tree::read(dir);
    tree.0.retain(|path, _| !path.starts_with("run") && path != "var/lib/gpunode/install.json");
    tree
}

fn record(dir: &Path) -> Image {
    serde_json::from_str(&fs::read_to_string(dir.join(&image::PATH[1..])).unwrap()).unwrap()
}

#[test]
fn a_plan_names_each_step_and_changes_nothing() {
    let dir = image();
    let before = state(dir.path());
    let run = install(dir.path(), &["--plan"]);
    assert_eq!((run.code, run.report().verdict()), (0, "planned"), "{run:?}");
    let outcomes = run.report();
    let planned: Vec<_> = outcomes
        .outcomes()
        .into_iter()
        .filter(|(_, outcome)| *outcome == "planned")
        .map(|(step, _)| step)
        .collect();
    assert_eq!(planned, ["sysctl", "limits", "agent", "image"]);
    assert_eq!(before.differences(&state(dir.path())), Vec::<String>::new());
}

#[test]
fn an_image_is_made_once_and_says_what_it_is_made_of() {
    let dir = image();
    let first = install(dir.path(), &[]);
    assert_eq!((first.code, first.report().verdict()), (0, "ok"), "{first:?}");
    let made = state(dir.path());
    let second = install(dir.path(), &[]);
    for (step, outcome) in second.report().outcomes() {
        assert!(["unchanged", "not-applicable"].contains(&outcome), "{step} {outcome}: {second:?}");
    }
    assert_eq!(made.differences(&state(dir.path())), Vec::<String>::new());

    let program = dir.path().join("usr/local/bin/gpunode-agent");
    assert_eq!(fs::metadata(&program).unwrap().permissions().mode() & 0o7777, 0o755);
    let record = record(dir.path());
    assert_eq!(record.schema, "gpunode.io/image/v1");
    assert_eq!(record.agent.sha256, binary::sha256(&program));
    assert_eq!(record.agent.sha256, binary::sha256(&binary::agent()));
    assert_eq!(record.os.as_deref(), Some("amzn 2023"));
    assert_eq!(record.kernels, ["6.12.0-1.amzn2023.x86_64"]);
    assert_eq!(record.instance_types, ["p5en.48xlarge"]);
    assert_eq!(record.versions.efa_installer.as_deref(), Some("1.47.0"));
    assert_eq!(record.versions.nvidia_driver.as_deref(), Some("580.95.05"));
    let enabled = dir.path().join("etc/systemd/system/multi-user.target.wants/gpunode-agent.service");
    let unit = fs::read_to_string(enabled).unwrap();
    assert_eq!(unit.trim_end(), finish(command().arg("unit")).stdout.trim_end());
    // Nothing of a boot: no report that somebody takes for one, no kubelet, no disks.
    for absent in
        ["run/gpunode/report.json", "etc/eks", "etc/cdi", "etc/tmpfiles.d", "var/lib/gpunode/report.json"]
    {
        assert!(!dir.path().join(absent).exists(), "{absent}");
    }
}

#[test]
fn a_new_version_of_what_is_installed_makes_a_new_record() {
    let dir = image();
    install(dir.path(), &[]);
    fs::write(dir.path().join("opt/amazon/efa_installed_packages"), "# EFA installer version: 1.48.0\n")
        .unwrap();
    let run = install(dir.path(), &["--only", "verify,image"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(record(dir.path()).versions.efa_installer.as_deref(), Some("1.48.0"));
}

#[test]
fn a_step_that_fails_is_told_and_leaves_no_record() {
    let dir = image();
    fs::create_dir_all(dir.path().join("etc/security")).unwrap();
    fs::write(dir.path().join("etc/security/limits.d"), "in the way").unwrap();
    let run = install(dir.path(), &[]);
    assert_eq!((run.code, run.report().verdict()), (1, "degraded"), "{run:?}");
    assert!(!dir.path().join(&image::PATH[1..]).exists());
    fs::remove_file(dir.path().join("etc/security/limits.d")).unwrap();
    assert_eq!(install(dir.path(), &[]).code, 0);
    assert!(dir.path().join(&image::PATH[1..]).exists());
}

#[test]
fn what_cannot_be_installed_is_refused_before_anything_is_done() {
    let dir = image();
    let before = state(dir.path());
    for (words, told) in [
        (&[][..], "--instance-type"),
        (&["--instance-type", "m5.large"], "m5.large"),
        (&["--instance-family", "p5,g5"], "one image for each"),
        (&["--instance-family", "p5en", "--only", "kubelet"], "no such step"),
        (&["--instance-family", "p5en", "--set", "nope=1"], "nope"),
    ] {
        let run = agent("install", dir.path(), words);
        assert_eq!(run.code, 2, "{words:?}: {run:?}");
        assert!(run.stderr.contains(told), "{words:?}: {run:?}");
    }
    assert_eq!(before.differences(&state(dir.path())), Vec::<String>::new());
    let expected = agent("install", dir.path(), &["--plan", "--set", "instance.expectedType=p5.48xlarge"]);
    assert_eq!(expected.code, 0, "{expected:?}");
}

#[test]
fn the_steps_of_an_image_are_not_steps_of_a_boot() {
    let dir = image();
    let run = finish(&mut bootstrap(dir.path(), "http://127.0.0.1:9", &["--only", "image"]));
    assert!(run.code == 2 && run.stderr.contains("no such step"), "{run:?}");
}

#[test]
fn generalise_takes_what_tells_machines_apart_and_nothing_else() {
    let dir = image();
    install(dir.path(), &[]);
    let before = state(dir.path());
    let plan = agent("generalise", dir.path(), &["--plan", "--json"]);
    assert_eq!(plan.code, 0, "{plan:?}");
    assert_eq!(before.differences(&state(dir.path())), Vec::<String>::new());
    let planned: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
    let done = agent("generalise", dir.path(), &["--json"]);
    let done: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(planned["changes"], done["changes"]);
    assert_eq!(done["errors"], serde_json::json!([]));
    let mut changed: Vec<_> = before
        .differences(&state(dir.path()))
        .iter()
        .map(|line| line.split(": ").next().unwrap().to_owned())
        .collect();
    changed.retain(|path| !path.starts_with("var/lib/cloud/instances/"));
    assert_eq!(changed, ["etc/machine-id", "etc/ssh/ssh_host_ed25519_key", "var/lib/cloud/instances"]);
    assert_eq!(fs::read(dir.path().join("etc/machine-id")).unwrap(), b"");
    assert!(!dir.path().join("var/lib/gpunode/journal.jsonl").exists());
    let again = agent("generalise", dir.path(), &["--json"]);
    let again: serde_json::Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(again["changes"], serde_json::json!([]));
}

#[test]
fn generalise_refuses_a_node() {
    let dir = image();
    fs::create_dir_all(dir.path().join("var/lib/kubelet/pki")).unwrap();
    fs::write(dir.path().join("var/lib/kubelet/pki/kubelet-client-current.pem"), "key").unwrap();
    let before = state(dir.path());
    let run = agent("generalise", dir.path(), &[]);
    assert!(run.code == 3 && run.stderr.contains("joined"), "{run:?}");
    assert_eq!(before.differences(&state(dir.path())), Vec::<String>::new());
}

/// On a machine of the demonstration, whose programs are played: an image made of its tree is right at its first boot.
#[test]
fn the_first_boot_changes_only_what_is_of_the_instance() {
    let dir = gpunode_tests::agent::fresh_machine("p5en.48xlarge");
    let made = install(dir.path(), &["--only", "sysctl,limits,agent,verify,image"]);
    assert_eq!(made.code, 0, "{made:?}");
    assert_eq!(agent("generalise", dir.path(), &[]).code, 0);
    let files = |dir: &Path| {
        let mut tree = state(dir);
        tree.0.retain(|path, _| {
            [
                "etc/sysctl.d/",
                "etc/security/",
                "etc/modules-load.d/",
                "etc/systemd/system/containerd.service.d/30",
            ]
            .iter()
            .any(|prefix| path.starts_with(prefix))
        });
        tree
    };
    let baked = files(dir.path());
    assert!(baked.0.len() >= 4, "{:?}", baked.0.keys());
    let boot = gpunode_tests::agent::demo(dir.path(), &["--instance-type", "p5en.48xlarge"]);
    assert_eq!((boot.code, boot.report().verdict()), (0, "ok"), "{boot:?}");
    assert_eq!(baked.differences(&files(dir.path())), Vec::<String>::new());
}

/// The default version is older than Blackwell: an image for it is refused, with the setting and what is allowed.
#[test]
fn an_image_for_blackwell_is_refused_with_the_default_driver() {
    let dir = image();
    for path in
        ["usr/lib64/libnvidia-ml.so.580.95.05", "lib/modules/6.12.0-1.amzn2023.x86_64/extra/nvidia.ko.xz"]
    {
        fs::remove_file(dir.path().join(path)).unwrap();
    }
    for path in ["usr/bin/dnf", "usr/bin/rpm"] {
        fs::write(dir.path().join(path), "#!/bin/false\n").unwrap();
        fs::set_permissions(dir.path().join(path), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let words = ["--json", "--instance-type", "p6-b200.48xlarge", "--only", "nvidia-driver"];
    let run = agent("install", dir.path(), &words);
    assert_eq!((run.code, run.report().outcome("nvidia-driver")), (1, "failed"), "{run:?}");
    let message = run.report().finding("NvidiaDriverRefused").message.to_owned();
    assert!(message.starts_with("nvidia.driverVersion is 550.127.05, and "), "{message}");
    assert!(message.ends_with("allowed: latest, or a version or branch of 570 or newer"), "{message}");
}

#[test]
fn an_image_for_an_ultraserver_says_what_is_not_done_for_it() {
    let dir = image();
    let words = ["--json", "--plan", "--instance-type", "p6e-gb200.36xlarge", "--only", "nvidia-driver"];
    let run = agent("install", dir.path(), &[&words[..], &["--set", "nvidia.driverVersion=580"]].concat());
    assert_eq!(run.code, 0, "{run:?}");
    let message = run.report().finding("ImexNotConfigured").message.to_owned();
    assert!(message.contains("neither writes its list of instances nor starts it"), "{message}");
}
