//! Karpenter's GPU nodes from an image of one's own, and in a placement group.

use serde_json::{Value, json};

use crate::inside::{Inside, one_at_a_time};
use crate::karpenter::{CLASSES, ON};

/// Images that the emulator has by itself, both for x86-64.
const AMAZON: (&str, &str) = ("GPU_AMI_ID", "ami-0123456789abcdef0");
const UBUNTU: (&str, &str) = ("GPU_AMI_ID", "ami-0fedcba9876543210");
const NEAR: (&str, &str) = ("GPU_PLACEMENT_GROUP", "near");
const SDA1: (&str, &str) = ("GPU_ROOT_DEVICE", "/dev/sda1");

/// What a class says of its image: its family, where it is to be found, and the device of the root volume; and of its placement.
fn image(inside: &Inside, class: &str) -> Value {
    let spec = inside.get(&format!("{CLASSES}/{class}"))["spec"].clone();
    let mut volumes = spec["blockDeviceMappings"].as_array().cloned().unwrap_or_default();
    volumes.retain(|volume| volume["rootVolume"] == true);
    let root = volumes.first().map(|it| &it["deviceName"]);
    json!([spec["amiFamily"], spec["amiSelectorTerms"], root, spec["placementGroupSelector"]["name"]])
}

#[test]
fn gpu_nodes_start_from_it_when_it_is_known_to_fit_and_from_amazon_s_again() {
    let _turn = one_at_a_time();
    let inside = Inside::new(860);
    let group = |name: &str, strategy: &str| {
        let call = json!({ "GroupName": name, "Strategy": strategy });
        inside.bed.calls(&json!([["ec2", "create_placement_group", call]]));
    };
    group("near", "cluster");
    group("apart", "spread");
    what_does_not_fit_is_told_before_anything_is_made(&inside);

    let amazon = |class: &str| {
        let root = if class == "gpu" { json!("/dev/xvda") } else { Value::Null };
        json!([null, [{ "alias": "al2023@latest" }], root, null])
    };
    for (settings, own) in [
        (&[AMAZON][..], json!(["AL2023", [{ "id": AMAZON.1 }], "/dev/xvda", null])),
        (&[UBUNTU, SDA1, NEAR], json!(["AL2023", [{ "id": UBUNTU.1 }], "/dev/sda1", "near"])),
        (&[], amazon("gpu")),
        (&[UBUNTU, SDA1], json!(["AL2023", [{ "id": UBUNTU.1 }], "/dev/sda1", null])),
    ] {
        let all = [&ON[..], settings].concat();
        let told = inside.run(&["apply", "--yes"], &all);
        assert_eq!(told.code, Some(0), "{told:?}");
        assert_eq!((image(&inside, "gpu"), image(&inside, "general")), (own, amazon("general")));
        inside.is_applied(&all);
    }
    // An image that went away hinders neither a cluster without such nodes, nor their removal.
    let gone = ("GPU_AMI_ID", "ami-00000000000000000");
    let told = inside.run(&["plan"], &[("GPU_DEVICES", "dra"), ON[0], ON[1], gone]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(inside.run(&["apply", "--yes"], &[gone]).code, Some(0));
    assert!(!inside.has(&format!("{CLASSES}/gpu")));
    assert_eq!(inside.run(&["destroy", "--yes"], &[gone]).code, Some(0));
    assert_eq!(inside.ours(), Vec::<String>::new());
}

fn what_does_not_fit_is_told_before_anything_is_made(inside: &Inside) {
    let absent = ("GPU_AMI_ID", "ami-00000000000000000");
    let graviton = [("GPU_INSTANCE_TYPE", "g5g.16xlarge"), ("GPU_NUM_ENIS", "0")];
    let wrong: [(&[(&str, &str)], &str); 6] = [
        (&[absent], "GPU_AMI_ID: there is no image ami-00000000000000000 in us-west-2"),
        (&[UBUNTU], "GPU_ROOT_DEVICE: ami-0fedcba9876543210 has its root on /dev/sda1"),
        (&[AMAZON, SDA1], "GPU_ROOT_DEVICE: ami-0123456789abcdef0 has its root on /dev/xvda"),
        (&[("GPU_PLACEMENT_GROUP", "far")], "GPU_PLACEMENT_GROUP: there is no placement group far"),
        (&[("GPU_PLACEMENT_GROUP", "apart")], "apart is of the strategy spread, not cluster"),
        (&[AMAZON, graviton[0], graviton[1]], "is for x86_64, and g5g.16xlarge is arm64"),
    ];
    for (settings, said) in wrong {
        for words in [&["plan"][..], &["apply", "--yes"]] {
            let told = inside.run(words, &[&ON[..], settings].concat());
            assert!(told.code == Some(2) && told.err.contains(said), "{words:?} {said}: {told:?}");
        }
    }
    assert_eq!((inside.changes(), inside.aws.mutating()), (0, 0));
}
