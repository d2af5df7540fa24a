//! The settings table, its types and its defaults agree.

use super::*;
use crate::spec::input::Input;

#[test]
fn every_default_passes_its_own_check() {
    for setting in ALL {
        if let Some(default) = setting.default {
            let input = Input::from_text(&setting.kind, default).unwrap();
            setting.kind.check(&input).expect(setting.path);
        }
    }
}

#[test]
fn defaults_are_the_documented_ones() {
    let spec = spec(&[]);
    assert_eq!(spec.on_failure, OnFailure::Taint);
    assert_eq!(spec.sysctl.socket_buffer_max_bytes, 128 * 1024 * 1024);
    assert_eq!((spec.limits.memlock, spec.limits.hugepages_2mi), (Memlock::Unlimited, HugePages::Auto));
    assert_eq!(spec.data_volumes.mount_path, "/mnt/k8s-disks/0");
    assert_eq!(
        spec.data_volumes.bind,
        BTreeSet::from([BindTarget::Containerd, BindTarget::Kubelet, BindTarget::PodLogs])
    );
    assert_eq!((spec.efa.expected_count, spec.efa.required), (None, Auto::Auto));
    assert_eq!(spec.kubelet.taints, ["nvidia.com/gpu=true:NoSchedule"]);
    assert!(spec.skip.is_empty() && spec.deadlines.is_empty());
}

/// Paths of the typed configuration: leaves of its JSON, where tables of the operator's are leaves too.
fn paths(prefix: &str, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) if !map.is_empty() && ALL.iter().all(|setting| setting.path != prefix) => {
            for (name, value) in map {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                paths(&path, value, found);
            }
        }
        _ => {
            found.insert(prefix.to_owned());
        }
    }
}

#[test]
fn the_table_and_the_types_have_the_same_settings() {
    let mut found = BTreeSet::new();
    paths("", &serde_json::to_value(spec(&[])).unwrap(), &mut found);
    let table: BTreeSet<_> = ALL.iter().map(|setting| setting.path.to_owned()).collect();
    assert_eq!(found, table);
}

/// Something that each kind takes, for every word it knows.
fn samples(kind: &Kind) -> Vec<String> {
    match kind {
        Kind::Boolean => vec!["true".into(), "no".into()],
        Kind::AutoBoolean => vec!["auto".into(), "yes".into(), "0".into()],
        Kind::Choice(words) => words.iter().map(ToString::to_string).collect(),
        Kind::Integer { min, max } => vec![min.to_string(), max.to_string()],
        Kind::IntegerOr { word, min, max } => vec![(*word).into(), min.to_string(), max.to_string()],
        Kind::List(Kind::Choice(words)) => vec![words.join(","), "[]".into()],
        Kind::Table { key: Kind::Choice(words), .. } => {
            words.iter().map(|word| format!("{word}=60")).collect()
        }
        Kind::Text(_) | Kind::List(_) | Kind::Table { .. } => Vec::new(),
    }
}

#[test]
fn every_word_and_bound_reaches_its_type() {
    for setting in ALL {
        for sample in samples(&setting.kind) {
            let flag = format!("{}={sample}", setting.path);
            load(&[Layer::flags([&flag])]).expect(&flag);
        }
    }
}

#[test]
fn names_are_unique() {
    let mut names = BTreeSet::new();
    for setting in ALL {
        assert!(names.insert(setting.variable()), "{}", setting.path);
        assert!(
            setting.operator_variable.is_none_or(|name| names.insert(name.to_owned())),
            "{}",
            setting.path
        );
        assert!(!settings::OTHER_VARIABLES.contains(&setting.variable().as_str()));
    }
    for name in settings::CLUSTER_VARIABLES {
        assert!(names.insert((*name).to_owned()), "{name}");
    }
    let of = |path: &str| ALL.iter().find(|setting| setting.path == path).unwrap().variable();
    assert_eq!(of("dataVolumes.mountPath"), "GPUNODE_DATA_VOLUMES_MOUNT_PATH");
    assert_eq!(of("onFailure"), "GPUNODE_ON_FAILURE");
    assert_eq!(of("limits.hugepages2Mi"), "GPUNODE_LIMITS_HUGEPAGES_2MI");
}

#[test]
fn every_step_but_two_may_be_skipped() {
    let skippable: Vec<_> =
        Step::WORDS.iter().copied().filter(|word| !["facts", "verify"].contains(word)).collect();
    assert_eq!(Step::SKIPPABLE, skippable);
}

#[test]
fn a_spec_survives_json() {
    let flags = ["limits.memlock=65536", "efa.required=true", "deadlines.efa=900", "nccl.env.A_B=x,y=z"];
    let spec = spec(&[Layer::flags(flags)]);
    assert_eq!(spec.deadlines.get(&Step::Efa), Some(&900));
    assert_eq!(spec.nccl.env.get("A_B").map(String::as_str), Some("x,y=z"));
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<NodeSpec>(&json).unwrap(), spec);
}
