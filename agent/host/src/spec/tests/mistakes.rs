//! What a person who made a mistake reads.

use super::*;

#[test]
fn a_bad_value_is_named_with_its_place_and_what_is_allowed() {
    assert_eq!(
        message(Layer::file("/etc/gpunode/agent.toml", "\n[limits]\nnofile = 12\n")),
        "/etc/gpunode/agent.toml:3: limits.nofile = 12: out of range; allowed: a whole number from 1024 to 1073741816"
    );
    let mount = message(file("[dataVolumes]\nmountPath = \"mnt\""));
    assert!(
        mount.starts_with(
            "agent.toml:2: dataVolumes.mountPath = \"mnt\": not an absolute path; allowed: an absolute path"
        ),
        "{mount}"
    );
    assert_eq!(
        message(Layer::env([("GPU_EFA_LAYOUT", "both")])),
        "environment GPU_EFA_LAYOUT: efa.layout = \"both\": not one of the allowed words; allowed: efa-only, combined"
    );
}

#[test]
fn all_mistakes_of_all_layers_come_at_once_and_in_order() {
    let messages = messages(&[
        file("[sysctl]\nqdisc = 'fifo'\nenabled = 'yes'\n[efa]\nexpectedCount = 65\n"),
        Layer::file("broken.toml", "onFailure = 'halt'\nskip = [\n"),
        Layer::env([("GPUNODE_IMDS_DEADLINE_SECONDS", "0")]),
        Layer::flags(["limits.nofile", "sysctl.extra.a/b=1"]),
    ]);
    let starts = [
        "agent.toml:2: sysctl.qdisc = \"fifo\": not one",
        "agent.toml:3: sysctl.enabled = \"yes\": not a boolean; allowed: true, false",
        "agent.toml:5: efa.expectedCount = 65: out of range",
        "broken.toml:2: not TOML: ",
        "environment GPUNODE_IMDS_DEADLINE_SECONDS: imds.deadlineSeconds = \"0\": out of range",
        "--set: \"limits.nofile\" is not path=value",
        "--set: sysctl.extra.a/b = \"1\": the name \"a/b\": not a dotted sysctl name",
    ];
    assert_eq!(messages.len(), starts.len(), "{messages:#?}");
    for (message, start) in messages.iter().zip(starts) {
        assert!(message.starts_with(start), "{message}\n{start}");
    }
}

#[test]
fn a_mistake_counts_also_where_a_later_layer_wins() {
    assert_eq!(messages(&[file("onFailure = 'stop'"), Layer::flags(["onFailure=halt"])]).len(), 1);
}

#[test]
fn unknown_settings_come_with_a_suggestion() {
    let cases = [
        (
            "[dataVolumes]\nmount_path = '/x'",
            "agent.toml:2: dataVolumes.mount_path: unknown setting; did you mean dataVolumes.mountPath?",
        ),
        ("[datavolumes]\nx = 1", "agent.toml:1: datavolumes: unknown setting; did you mean dataVolumes?"),
        ("mountPath = '/x'", "agent.toml:1: mountPath: unknown setting; did you mean dataVolumes.mountPath?"),
        ("zebra = 1", "agent.toml:1: zebra: unknown setting"),
        ("enabled = 1", "agent.toml:1: enabled: unknown setting"),
        ("sysctl = 1", "agent.toml:1: sysctl = 1: a section of settings, not a setting"),
        (
            "'sysctl.qdisc' = 'fq'",
            "agent.toml:1: sysctl.qdisc: unknown setting; the dots of a path are not quoted",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(message(file(text)), expected);
    }
    assert_eq!(
        message(Layer::env([("GPUNODE_NVIDIA_DRIVERVERSION", "580")])),
        "environment GPUNODE_NVIDIA_DRIVERVERSION: unknown setting; did you mean GPUNODE_NVIDIA_DRIVER_VERSION?"
    );
    assert_eq!(
        message(Layer::flags(["limits.memloc=1"])),
        "--set: limits.memloc: unknown setting; did you mean limits.memlock?"
    );
    assert_eq!(message(Layer::flags(["limits=1"])), "--set: limits: a section of settings, not a setting");
}

#[test]
fn names_in_tables_are_checked() {
    for (text, part) in [
        (
            "[kubelet.labels]\n'a b' = 'c'",
            "kubelet.labels.\"a b\" = \"c\": the name \"a b\": not a Kubernetes label",
        ),
        ("[deadlines]\nefas = 3", "deadlines.efas = 3: the name \"efas\": not one of the allowed words"),
        ("[deadlines]\nefa = 7201", "deadlines.efa = 7201: out of range"),
        ("[sysctl.extra]\nnet.core.default_qdisc = 'fq'", "is set by sysctl.qdisc"),
        ("deadlines = 3", "deadlines = 3: not a table"),
        (
            "skip = ['efa', 'verify']",
            "skip = [\"efa\", \"verify\"]: \"verify\": not one of the allowed words",
        ),
        ("skip = ['efa', 'efa']", "\"efa\" is given twice"),
        ("skip = 'efa'", "not a list"),
        (&format!("skip = [{}]", "'efa',".repeat(257)), "more than 256 values"),
        ("dataVolumes.ebsVolumes = ['nvme1n1']", "NVMe names change"),
        ("efa.expectedCount = 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff", "not a whole number"),
        ("nccl.env.A = [1]", "nccl.env.A = [1]: not text"),
        ("nvidia.driverVersion = 2024-01-01", "= 2024-01-01: not text"),
    ] {
        let message = message(file(text));
        assert!(message.contains(part), "{message}\n{part}");
    }
}

#[test]
fn a_wrong_file_is_bounded_and_shows_no_control_characters() {
    let mut text: String = (0..5000).map(|n| format!("wrong{n} = {n}\n")).collect::<Vec<_>>().concat();
    text.push_str("\"\\u001b[31m\" = 1\n");
    let errors = load(&[file(&text)]).unwrap_err();
    assert_eq!((errors.mistakes.len(), errors.more), (MAX_MISTAKES, 5001 - MAX_MISTAKES));
    assert!(errors.to_string().ends_with("\nand 4873 more"));
    assert!(!message(file("\"\\u001b[31m\" = 1")).contains('\u{1b}'));
    assert!(!message(file("nccl.version = \"\\u001b[31m\"")).contains('\u{1b}'));
    assert!(message(file(&format!("nccl.version = '{}'", "9".repeat(100_000)))).len() < 400);
    assert!(message(file(&"#".repeat(1024 * 1024 + 1))).contains("too many"));
    assert!(message(Layer::flags(["x".repeat(100_000)])).len() < 400);
}

#[test]
fn findings_tell_user_data_from_the_rest() {
    let part = user_data::parse(b"# gpunode\nonFailure = 1\n").unwrap().remove(0);
    let findings = load(&[file("skip = 1"), Layer::user_data(&part)]).unwrap_err().findings();
    let seen: Vec<_> = findings.iter().map(|finding| (finding.code, finding.subject.as_str())).collect();
    assert_eq!(seen, [("ConfigInvalid", "skip"), ("UserDataInvalid", "onFailure")]);
    assert!(
        findings[1].message.starts_with("user data part 1, line 2: onFailure = 1"),
        "{}",
        findings[1].message
    );
}

#[test]
fn what_is_right_beside_a_mistake_can_be_salvaged() {
    let salvaged = |layers: &[Layer]| salvage(layers).unwrap();
    let file = "onFailure = 'halt'\nskip = 1\nnothing = 2\n[kubelet]\nlabels = { a = 'b', '' = 'c' }\n";
    let spec = salvaged(&[super::file(file), Layer::env([("GPUNODE_LIMITS_NOFILE", "many")])]);
    assert_eq!(spec.on_failure, OnFailure::Halt);
    assert_eq!(spec.kubelet.labels.keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(salvaged(&[super::file("onFailure = 'hlat'")]).on_failure, OnFailure::Taint);
    assert_eq!(salvaged(&[super::file("onFailure = [")]).on_failure, OnFailure::Taint);
}
