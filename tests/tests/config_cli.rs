//! `gpunode-agent config check`: every mistake at once, with what is allowed and where it stands. The settings are taken
//! from the reference, so that a new one is covered by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs;

use gpunode_tests::agent::{self, Run, finish, text};
use gpunode_tests::tree::Tree;

mod configuration;
use configuration::{Place, document, file, settings, told, zipped};

#[test]
fn every_setting_wrong_at_once_is_told_once_with_value_place_and_what_is_allowed() {
    let settings = settings();
    // No setting is a date, so this is wrong for all; the text is wrong where text is right.
    for wrong in ["1979-05-27", "\"no such value!\""] {
        let (text, places) = file(&settings, |_| wrong.to_owned());
        let run = Place::new().check("agent.toml", text);
        assert_eq!(run.code, 2, "{run:?}");
        assert_eq!(run.stderr.lines().count(), settings.len(), "{}", run.stderr);
        for setting in &settings {
            let line = told(&run, &setting.path);
            let place = format!("agent.toml:{}: ", places[&setting.path]);
            assert!(line.contains(&place), "{place} is missing in {line}");
            assert!(line.contains(wrong), "{wrong} is missing in {line}");
            let allowed = format!("allowed: {}", setting.allowed.replace("\\|", "|"));
            assert!(line.contains(&allowed), "{allowed} is missing in {line}");
        }
    }
}

#[test]
fn every_variable_is_read_and_its_mistake_names_it() {
    for setting in settings() {
        for name in &setting.variables {
            let run = Place::new().run(&["check"], &[(name, "no such value!")]);
            assert_eq!(run.code, 2, "{name}: {run:?}");
            assert!(run.stderr.contains(&format!("environment {name}: ")), "{name}: {run:?}");
            assert!(run.stderr.contains(&setting.path), "{name}: {run:?}");
        }
    }
}

#[test]
fn every_flag_is_read_and_its_mistake_names_it() {
    let settings = settings();
    let flags: Vec<_> = settings.iter().map(|setting| format!("{}=no such value!", setting.path)).collect();
    let mut words = vec!["check"];
    words.extend(flags.iter().flat_map(|flag| ["--set", flag]));
    let run = Place::new().run(&words, &[]);
    assert_eq!(run.code, 2, "{run:?}");
    for setting in &settings {
        assert!(told(&run, &setting.path).contains("--set: "));
    }
}

#[test]
fn the_mistakes_of_all_sources_are_told_together() {
    let place = Place::new();
    let file = place.put("agent.toml", "skip = 1\n");
    let user_data = place.put("user-data", "# gpunode\nonFailure = \"maybe\"\n");
    let words =
        ["check", "--config", text(&file), "--user-data", text(&user_data), "--set", "limits.nofile=1"];
    let run = place.run(&words, &[("GPUNODE_NCCL_PROFILE", "classics")]);
    assert_eq!(run.code, 2);
    for wanted in [
        "agent.toml:1: skip = 1",
        "user data part 1, line 2: onFailure = \"maybe\"",
        "environment GPUNODE_NCCL_PROFILE: ",
        "--set: limits.nofile = \"1\"",
    ] {
        assert!(run.stderr.contains(wanted), "{wanted} is missing in {run:?}");
    }
}

#[test]
fn a_name_that_is_almost_right_is_told_what_it_should_be() {
    let place = Place::new();
    let cases: [(&str, Run); 4] = [
        ("did you mean nccl.profile?", place.check("a.toml", "nccl.profle = \"auto\"\n")),
        (
            "did you mean dataVolumes.mountPath?",
            place.check("b.toml", "[dataVolumes]\nmount_path = \"/data\"\n"),
        ),
        ("did you mean sysctl.qdisc?", place.run(&["check", "--set", "sysctl.qdics=fq"], &[])),
        ("did you mean GPUNODE_ON_FAILURE?", place.run(&["check"], &[("GPUNODE_ONFAILURE", "taint")])),
    ];
    for (wanted, run) in cases {
        assert_eq!(run.code, 2, "{wanted}: {run:?}");
        assert!(run.stderr.contains(wanted), "{wanted} is missing in {run:?}");
    }
}

#[test]
fn every_setting_wrong_in_the_user_data_is_told_with_its_line() {
    let settings = settings();
    let (text, places) = file(&settings, |_| "1979-05-27".to_owned());
    let document = document(&text);
    let offset = document.lines().position(|line| line.starts_with(&settings[0].path)).unwrap();
    let place = Place::new();
    let path = place.put("user-data", zipped(document.as_bytes()));
    let run = place.run(&["check", "--user-data", agent::text(&path)], &[]);
    assert_eq!(run.code, 2, "{run:?}");
    for (setting, line) in places {
        let wanted = format!("user data part 3, line {}: ", line + offset);
        let said = told(&run, &setting);
        assert!(said.contains(&wanted), "{wanted} is missing in {said}");
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let place = Place::new();
    let not_utf8 = place.put("latin1.toml", b"cluster.name = \"caf\xe9\"\n");
    let cases: [(&[&str], &str); 7] = [
        (&["check", "--config", "/nowhere/agent.toml"], "/nowhere/agent.toml"),
        (&["check", "--user-data", "/nowhere/user-data"], "/nowhere/user-data"),
        (&["check", "--config", "/"], "cannot read /"),
        (&["check", "--config", "/dev/zero"], "cannot read /dev/zero"),
        (&["check", "--user-data", "/dev/zero"], "cannot read /dev/zero"),
        (&["check", "--config", text(&not_utf8)], "latin1.toml"),
        (&["check", "--set", "nccl.profile"], "nccl.profile"),
    ];
    for (words, wanted) in cases {
        let run = place.run(words, &[]);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains(wanted), "{wanted} is missing in {run:?}");
    }
}

#[test]
fn a_file_that_is_not_ours_at_all_is_told_shortly() {
    let place = Place::new();
    let many: Vec<_> = (0..5000).map(|n| format!("k{n} = {n}")).collect();
    let run = place.check("many.toml", many.join("\n"));
    assert_eq!(run.code, 2);
    assert!(run.stderr.lines().count() < 150, "{} lines", run.stderr.lines().count());
    assert!(run.stderr.contains("4872 more"), "{run:?}");
    let run = place.check("binary.toml", [0_u8; 1024]);
    assert_eq!(run.code, 2, "{run:?}");
    let run = place.check("large.toml", "# padding\n".repeat(1 << 20));
    assert_eq!(run.code, 2, "10 MiB are no configuration: {run:?}");
}

/// A configuration that is wrong is told before anything is prepared; where this node has not joined, it does not join
/// as if it were prepared. How it is kept out is told by what is right in the configuration.
#[test]
fn bootstrap_only_keeps_the_node_out_when_the_configuration_is_wrong() {
    let drop_in = "etc/eks/nodeadm.d/90-gpunode-kubelet.yaml";
    let conditions = ["kubelet", "nodeadm-run"]
        .map(|unit| format!("etc/systemd/system/{unit}.service.d/10-gpunode.conf: only in the second"));
    let halt = [conditions.as_slice(), &["run/gpunode/halt: only in the second".to_owned()]].concat();
    let cases = [
        ("skip = 1\n", vec![format!("{drop_in}: only in the second")]),
        ("skip = 1\nonFailure = \"halt\"\n", halt),
        ("skip = 1\nonFailure = \"join\"\n", vec![]),
    ];
    for (text, wanted) in cases {
        let machine = agent::fresh_machine("p5.4xlarge");
        let file = machine.path().join("etc/gpunode/agent.toml");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        let files = || {
            let mut tree = Tree::read(machine.path());
            tree.0.retain(|path, _| !machine.path().join(path).is_dir());
            tree
        };
        let before = files();
        let planned = finish(&mut agent::bootstrap(machine.path(), "http://127.0.0.1:9", &["--plan"]));
        assert_eq!((planned.code, before.differences(&files())), (2, vec![]), "{text}: {planned:?}");
        let run = finish(&mut agent::bootstrap(machine.path(), "http://127.0.0.1:9", &[]));
        assert_eq!(run.code, 2, "{text}: {run:?}");
        assert!(run.stderr.contains("/etc/gpunode/agent.toml:1: skip = 1"), "{run:?}");
        let said = run.stderr.contains("does not join as a healthy one");
        assert_eq!(said, !wanted.is_empty(), "{text}: {run:?}");
        assert_eq!(before.differences(&files()), wanted, "{text}");
    }
}

/// Who mistypes a setting on a node that is at work harms nothing.
#[test]
fn a_wrong_configuration_does_not_touch_a_node_that_was_let_in() {
    let machine = agent::fresh_machine("p5.4xlarge");
    assert_eq!(agent::demo(machine.path(), &["--instance-type", "p5.4xlarge"]).code, 0);
    let before = Tree::with_records(machine.path()).without(&["run/gpunode/lock"]);
    let run = finish(&mut agent::bootstrap(machine.path(), "http://127.0.0.1:9", &["--set", "skip=1"]));
    assert_eq!(run.code, 2, "{run:?}");
    let after = Tree::with_records(machine.path()).without(&["run/gpunode/lock"]);
    assert_eq!(before.differences(&after), [""; 0]);
}

/// In a tree that is not this machine's, a link means what it means inside.
#[test]
fn a_link_in_another_root_is_not_followed_out_of_it() {
    let place = Place::new();
    let outside = place.put("outside.toml", "skip = 1\n");
    let root = place.0.path().join("root");
    let file = root.join("etc/gpunode/agent.toml");
    std::os::unix::fs::symlink(&outside, &file).unwrap();
    let check = || agent::run(&["config", "check", "--root", text(&root)]);
    assert_eq!(check().code, 0, "{:?}", check());
    fs::create_dir_all(root.join(outside.parent().unwrap().strip_prefix("/").unwrap())).unwrap();
    fs::write(root.join(outside.strip_prefix("/").unwrap()), "onFailure = 1\n").unwrap();
    assert!(check().stderr.contains("/etc/gpunode/agent.toml:1: onFailure = 1"), "{:?}", check());
}

/// What each layer may say and no machine can do: told with the setting, its value and what is allowed.
#[test]
fn settings_that_contradict_each_other_are_told() {
    let check = |words: &[&str]| Place::new().run(&[&["check"], words].concat(), &[]);
    let type_ = "instance.expectedType=p6-b200.48xlarge";
    let run = check(&["--set", type_]);
    assert_eq!(run.code, 2, "{run:?}");
    let says = "default: nvidia.driverVersion = 550.127.05: driver branch 550 does not drive Blackwell GPUs, which need branch 570 or newer (p6-b200.48xlarge); allowed: latest, or a version or branch of 570 or newer";
    assert!(run.stderr.contains(says), "{run:?}");
    let fine = check(&["--set", type_, "--set", "nvidia.driverVersion=580"]);
    assert_eq!(fine.code, 0, "{fine:?}");
    // The operator's own names.
    let named = [("GPU_INSTANCE_TYPE", "p6-b300.48xlarge"), ("NVIDIA_DRIVER_VERSION", "570")];
    let run = Place::new().run(&["check"], &named);
    assert!(run.code == 2 && run.stderr.contains("environment NVIDIA_DRIVER_VERSION: "), "{run:?}");
    let run =
        check(&["--set", "nvidia.offlineUrls=https://mirror.example/NVIDIA-Linux-x86_64-550.127.05.run"]);
    assert!(run.code == 2 && run.stderr.contains("nvidia.offlineSha256, which is not set"), "{run:?}");
}
