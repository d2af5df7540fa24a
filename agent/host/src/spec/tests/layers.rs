//! Which layer wins, and what each remembers.

use super::*;

fn part(text: &str) -> user_data::Part {
    user_data::Part { number: 2, text: text.to_owned(), first_line: 10, encoded: false }
}

#[test]
fn later_layers_win_and_sources_are_kept() {
    let all = [
        file("onFailure = 'halt'\n[sysctl]\nqdisc = 'keep'\n[limits]\nnofile = 2048\n"),
        Layer::user_data(&part("[limits]\nnofile = 4096\n[efa]\nexpectedCount = 16\n")),
        Layer::env([("GPUNODE_EFA_EXPECTED_COUNT", "32"), ("PATH", "/bin")]),
        Layer::flags(["efa.expectedCount=8"]),
    ];
    let count = |layers| spec(layers).efa.expected_count;
    assert_eq!(
        [count(&all[..1]), count(&all[..2]), count(&all[..3]), count(&all)],
        [None, Some(16), Some(32), Some(8)]
    );
    let (spec, provenance) = load(&all).unwrap();
    assert_eq!((spec.limits.nofile, spec.sysctl.qdisc), (4096, Qdisc::Keep));
    let source = |path| provenance.source_of(path).unwrap().to_string();
    assert_eq!(source("sysctl.qdisc"), "agent.toml:3");
    assert_eq!(source("limits.nofile"), "user data part 2, line 11");
    assert_eq!(source("efa.expectedCount"), "--set");
    assert_eq!(source("limits.memlock"), "default");
}

#[test]
fn tables_are_merged_by_name_and_lists_are_replaced() {
    let (spec, provenance) = load(&[
        file("skip = ['efa', 'limits']\n[sysctl.extra]\nvm.swappiness = 1\n\"fs.file-max\" = '9'\n"),
        Layer::env([("GPUNODE_SYSCTL_EXTRA", "vm.swappiness=2"), ("GPUNODE_SKIP", "sysctl")]),
        Layer::flags(["sysctl.extra.kernel.panic=5"]),
    ])
    .unwrap();
    let extra: Vec<_> = spec.sysctl.extra.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(extra, ["fs.file-max=9", "kernel.panic=5", "vm.swappiness=2"]);
    assert_eq!(spec.skip, BTreeSet::from([Step::Sysctl]));
    assert_eq!(provenance.source_of("sysctl.extra.fs.file-max").unwrap().to_string(), "agent.toml:4");
    assert_eq!(
        provenance.source_of("sysctl.extra.vm.swappiness").unwrap().to_string(),
        "environment GPUNODE_SYSCTL_EXTRA"
    );
}

#[test]
fn the_operators_names_are_accepted_and_ours_win() {
    let operator = [
        ("NVIDIA_DRIVER_VERSION", "580"),
        ("EFA_DRIVER_VERSION", "1.43.0"),
        ("NCCL_VERSION", "2.27.5-1"),
        ("GPU_NUM_ENIS", "16"),
        ("GPU_INSTANCE_TYPE", "p5en.48xlarge"),
        ("CLUSTER_NAME", "research"),
        ("AWS_REGION", "us-west-2"),
        ("GPU_EFA_LAYOUT", "combined"),
        ("VPC_ID", "not looked at"),
    ];
    let first = spec(&[Layer::env(operator)]);
    assert_eq!((first.nvidia.driver_version.as_str(), first.nccl.version.as_str()), ("580", "2.27.5-1"));
    assert_eq!((first.efa.installer_version.as_str(), first.efa.expected_count), ("1.43.0", Some(16)));
    assert_eq!(first.instance.expected_type.as_deref(), Some("p5en.48xlarge"));
    assert_eq!(first.cluster.name.as_deref(), Some("research"));
    assert_eq!((first.cluster.region.as_deref(), first.efa.layout), (Some("us-west-2"), EfaLayout::Combined));
    for ours in
        [[("GPUNODE_EFA_LAYOUT", "efa-only"), operator[7]], [operator[7], ("GPUNODE_EFA_LAYOUT", "efa-only")]]
    {
        assert_eq!(spec(&[Layer::env(ours)]).efa.layout, EfaLayout::EfaOnly);
    }
}

#[test]
fn an_empty_variable_is_not_set() {
    let spec = spec(&[Layer::env([
        ("GPU_NUM_ENIS", ""),
        ("GPUNODE_KUBELET_TAINTS", " "),
        ("GPUNODE_LOG", "debug"),
    ])]);
    assert_eq!((spec.efa.expected_count, spec.kubelet.taints.len()), (None, 1));
    assert!(super::spec(&[Layer::flags(["kubelet.taints="])]).kubelet.taints.is_empty());
}

#[test]
fn variables_take_lists_and_tables_in_toml_too() {
    let spec = spec(&[Layer::env([
        ("GPUNODE_NCCL_ENV", "{ NCCL_SOCKET_IFNAME = \"^docker,lo\", NCCL_NSOCKS_PERTHREAD = 4 }"),
        ("GPUNODE_DATA_VOLUMES_EBS_VOLUMES", "[\"/dev/sdf\", 'vol-0123456789abcdef0']"),
    ])]);
    assert_eq!(spec.nccl.env["NCCL_SOCKET_IFNAME"], "^docker,lo");
    assert_eq!(spec.nccl.env["NCCL_NSOCKS_PERTHREAD"], "4");
    assert_eq!(spec.data_volumes.ebs_volumes, ["/dev/sdf", "vol-0123456789abcdef0"]);
}

#[test]
fn booleans_outside_files_have_the_operators_spellings() {
    for (word, value) in
        [("true", true), ("1", true), ("yes", true), ("false", false), ("0", false), ("no", false)]
    {
        let spec = spec(&[Layer::env([("GPUNODE_SYSCTL_ENABLED", word), ("GPUNODE_EFA_REQUIRED", word)])]);
        assert_eq!((spec.sysctl.enabled, spec.efa.required), (value, Auto::Set(value)), "{word}");
    }
}

#[test]
fn versions_may_be_written_as_numbers() {
    let spec = spec(&[file("nvidia.driverVersion = 580\nnccl.version = 2.20\n")]);
    assert_eq!((spec.nvidia.driver_version.as_str(), spec.nccl.version.as_str()), ("580", "2.20"));
}

#[test]
fn lines_of_an_encoded_part_are_its_own() {
    let part = user_data::Part { encoded: true, ..part("\nonFailure = 'join'\n") };
    let (_, provenance) = load(&[Layer::user_data(&part)]).unwrap();
    assert_eq!(provenance.source_of("onFailure").unwrap().to_string(), "user data part 2 (decoded), line 2");
}

#[test]
fn files_written_on_windows_are_read() {
    let (spec, provenance) = load(&[file("\u{feff}onFailure = 'halt'\r\nskip = ['efa']\r\n")]).unwrap();
    assert_eq!((spec.on_failure, spec.skip), (OnFailure::Halt, BTreeSet::from([Step::Efa])));
    assert_eq!(provenance.source_of("skip").unwrap().line(), Some(2));
}
