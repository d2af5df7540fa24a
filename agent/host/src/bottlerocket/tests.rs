use super::*;
use crate::spec::{self, Layer};

fn user_data(flags: &[&str], image: Option<&str>, efa: bool) -> UserData {
    let (spec, _) = spec::load(&[Layer::flags(flags.iter().copied())]).unwrap();
    UserData::from_spec(&spec, image, efa)
}

#[test]
fn what_is_written_reads_back_and_has_no_key_twice() {
    for flags in [&[][..], &["containerRuntime.soci=gpu", "kubelet.labels.a=b", "limits.hugepages2Mi=3"]] {
        for (image, efa) in [(None, false), (Some("registry.example/gpunode-check:1"), true)] {
            let written = user_data(flags, image, efa);
            assert_eq!(toml::from_str::<UserData>(&written.toml().unwrap()).unwrap(), written);
        }
    }
}

#[test]
fn taints_stand_under_their_keys() {
    let flags = ["kubelet.taints=a=b:NoSchedule,a=c:NoExecute,d:NoSchedule"];
    let taints = user_data(&flags, None, false).settings.kubernetes.node_taints;
    assert_eq!(taints["a"], ["b:NoSchedule", "c:NoExecute"]);
    assert_eq!(taints["d"], [":NoSchedule"]);
}

#[test]
fn disks_are_used_when_the_configuration_wants_them() {
    let commands = |flags: &[&str]| user_data(flags, None, false).settings.bootstrap_commands;
    let calls = &commands(&["dataVolumes.bind=soci,kubelet"])["000-gpunode-disks"].commands;
    assert_eq!(calls[0], ["apiclient", "ephemeral-storage", "init", "-t", "xfs"]);
    let bound =
        ["apiclient", "ephemeral-storage", "bind", "--dirs", "/var/lib/kubelet", "/var/lib/soci-snapshotter"];
    assert_eq!(calls[1], bound);
    assert_eq!(commands(&["dataVolumes.bind="])["000-gpunode-disks"].commands.len(), 1);
    assert!(commands(&["dataVolumes.enabled=false"]).is_empty());
    assert!(commands(&["dataVolumes.instanceStore=none"]).is_empty());
}

#[test]
fn huge_pages_are_text_and_come_with_efa() {
    let sysctl = |flags: &[&str], efa| user_data(flags, None, efa).settings.kernel.sysctl;
    assert_eq!(sysctl(&[], true)["vm.nr_hugepages"], "5128");
    assert!(!sysctl(&[], false).contains_key("vm.nr_hugepages"));
    assert_eq!(sysctl(&["limits.hugepages2Mi=7"], false)["vm.nr_hugepages"], "7");
}

/// The checked-in example, by the same types, so that a wrong key in it is an error.
#[test]
fn the_example_is_made_of_known_keys_and_of_what_this_program_writes() {
    let example: UserData = toml::from_str(include_str!("../../../../ami/bottlerocket.toml")).unwrap();
    let flags = [
        "containerRuntime.soci=gpu",
        "dataVolumes.bind=containerd,kubelet,pod-logs,soci",
        "kubelet.labels.example.com/pool=gpu",
    ];
    let image = example.settings.bootstrap_containers["gpunode-check"].source.clone();
    assert_eq!(example, user_data(&flags, Some(&image), true));
}
