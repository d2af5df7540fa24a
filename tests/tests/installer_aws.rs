//! The installer against an emulator of AWS: what it makes, repairs, refuses and removes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

#[path = "moto/agrees.rs"]
mod agrees;
#[path = "s3_csi/buckets.rs"]
mod buckets;
#[path = "apply/drift.rs"]
mod drift;
#[path = "s3_csi/site.rs"]
mod site;
#[path = "s3_csi/trouble.rs"]
mod trouble;

use std::collections::BTreeSet;

use gpunode_tests::aws::{ALL, Bed, Fault, Inventory, Proxy};
use serde_json::{Value, json};

use drift::{drift, versions};

/// Variables of the environment.
type Variables<'a> = [(&'a str, &'a str)];

fn straight_proxy() -> Proxy {
    Proxy::start(|_, _| Fault::None).unwrap()
}

fn apply(bed: &Bed, variables: &Variables<'_>) -> Value {
    let told = bed.run(&["apply", "--yes", "--json"], variables);
    assert_eq!(told.code, Some(0), "{told:?}");
    told.json()
}

fn names(inventory: &Inventory) -> BTreeSet<&str> {
    inventory.0.keys().map(String::as_str).collect()
}

#[test]
fn a_second_apply_changes_nothing_and_each_mutating_call_is_in_the_log() {
    let bed = Bed::new(1);
    let before = bed.inventory();
    let proxy = Proxy::start(|_, _| Fault::None).unwrap();
    let told = bed.run_through(&proxy, &["apply", "--yes", "--json"], &ALL);
    assert_eq!(told.code, Some(0), "{told:?}");
    let outcomes = told.json()["outcomes"].as_object().unwrap().clone();
    assert!(outcomes.values().all(|outcome| outcome["outcome"] == "changed"), "{outcomes:?}");
    let all = bed.inventory();
    let mut made = all.clone();
    made.0.retain(|name, _| !before.0.contains_key(name));
    assert_eq!(made.0.len(), outcomes.len(), "{:?}\n{outcomes:?}", names(&made));
    for (name, value) in &made.0 {
        assert_eq!(value["tags"]["gpunode.io/cluster"], "us-west-2/research", "{name}: {value}");
    }

    let audit = bed.audit();
    let of = |event: &str| audit.iter().filter(|line| line["event"] == event).count();
    assert_eq!((of("sent"), of("answered")), (proxy.mutating(), proxy.mutating()));
    let logged: BTreeSet<_> = audit.iter().map(|line| line["resource"].as_str().unwrap()).collect();
    assert_eq!(logged, outcomes.keys().map(String::as_str).collect());

    let calls = proxy.mutating();
    let told = bed.run_through(&proxy, &["apply", "--yes", "--json"], &ALL);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(proxy.mutating(), calls, "a second apply changed something");
    assert_eq!(told.json()["calls"]["mutating"], 0);
    assert_eq!(bed.inventory(), all);
    let told = bed.run(&["verify", "--json"], &ALL);
    assert_eq!((told.code, told.json()["wrong"].clone()), (Some(0), json!([])), "{told:?}");
    let told = bed.run(&["status", "--json"], &ALL);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.json()["resources"].as_array().unwrap().iter().all(|row| row["status"] == "ok"));
}

#[test]
fn plan_and_whoever_is_not_told_yes_change_nothing() {
    let bed = Bed::new(2);
    let before = bed.inventory();
    let proxy = Proxy::start(|_, _| Fault::None).unwrap();
    let run = |words: &[&str], variables: &Variables<'_>| bed.run_through(&proxy, words, variables);
    assert_eq!(run(&["plan"], &[]).code, Some(0));
    assert_eq!(run(&["plan", "--detailed-exitcode"], &[]).code, Some(3));
    assert_eq!(run(&["status"], &[]).code, Some(3));
    let told = run(&["apply"], &[]);
    assert_eq!(told.code, Some(6), "{told:?}");
    assert!(told.err.contains("--yes"), "{told:?}");
    let told = run(&["plan"], &[("KUBERNETES_VERSION", "1.33")]);
    assert_eq!(told.code, Some(2), "{told:?}");
    assert!(told.err.contains("KUBERNETES_VERSION is 1.33, but the cluster runs 1.34"), "{told:?}");
    let told = run(&["plan"], &[("CLUSTER_NAME", "other")]);
    assert_eq!(told.code, Some(2), "{told:?}");
    let told = run(&["plan"], &[("AWS_ACCOUNT_ID", "999999999999")]);
    assert!(told.err.contains("these credentials are for 000000000002"), "{told:?}");
    assert_eq!(proxy.mutating(), 0);
    assert_eq!(bed.inventory(), before);
    assert_eq!(run(&["apply", "--yes"], &[]).code, Some(0));
    assert_eq!(run(&["plan", "--detailed-exitcode"], &[]).code, Some(0));
    assert_eq!(run(&["destroy"], &[]).code, Some(6));
    let nowhere = Proxy::start(|_, _| Fault::Close).unwrap();
    let told = bed.run_through(&nowhere, &["plan"], &[]);
    assert_eq!(told.code, Some(5), "{told:?}");
    assert!(told.err.contains("sts:GetCallerIdentity"), "{told:?}");
}

#[test]
fn what_somebody_changed_behind_our_back_is_repaired() {
    let bed = Bed::new(3);
    apply(&bed, &ALL);
    let right = bed.inventory();
    drift(&bed);
    assert_ne!(bed.inventory(), right);
    let told = bed.run(&["plan", "--json"], &ALL);
    let counts = told.json()["counts"].clone();
    assert_eq!((counts["create"].as_u64(), counts["update"].as_u64()), (Some(2), Some(9)), "{told:?}");
    let result = apply(&bed, &ALL);
    assert_eq!(bed.inventory(), right, "{result}");
    // Each repair of a policy leaves a version; IAM keeps five.
    versions(&bed);
    apply(&bed, &ALL);
    assert_eq!(bed.inventory(), right);
}

#[test]
fn each_flag_can_be_set_and_taken_back() {
    let bed = Bed::new(4);
    apply(&bed, &[]);
    let least = bed.inventory();
    let flags: [(&Variables<'_>, &[&str]); 4] = [
        (&ALL[..1], &["role/research-karpenter", "queue/research", "rule/research-karpenter-rebalance"]),
        (&ALL[1..2], &["addon/aws-efs-csi-driver", "association/kube-system/efs-csi-node-sa"]),
        (&ALL[2..3], &["addon/aws-fsx-csi-driver", "role/research-fsx-csi"]),
        (&ALL[3..], &["addon/aws-mountpoint-s3-csi-driver", "policy/research-s3-csi"]),
    ];
    for (variables, expected) in flags {
        apply(&bed, variables);
        let more = bed.inventory();
        for name in expected {
            assert!(more.0.contains_key(*name), "{name} is not in {:?}", names(&more));
        }
        assert!(names(&more).is_superset(&names(&least)));
        apply(&bed, &[]);
        assert_eq!(bed.inventory(), least, "{variables:?}");
    }
}

/// Makes things of others, some by names of ours.
fn others(bed: &Bed) {
    let trust = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" }] });
    let cluster = "research";
    bed.calls(&json!([
        ["iam", "create_role", { "RoleName": "research-ebs-csi", "AssumeRolePolicyDocument": trust.to_string() }],
        ["iam", "create_role", { "RoleName": "mine", "AssumeRolePolicyDocument": trust.to_string(),
            "Tags": [{ "Key": "gpunode.io/cluster", "Value": "another" }] }],
        ["sqs", "create_queue", { "QueueName": "research", "Attributes": { "MessageRetentionPeriod": "3600" } }],
        ["eks", "create_addon", { "clusterName": cluster, "addonName": "aws-efs-csi-driver", "tags": { "by": "hand" } }],
        ["eks", "create_addon", { "clusterName": cluster, "addonName": "coredns" }],
        ["eks", "create_pod_identity_association", { "clusterName": cluster, "namespace": "kube-system",
            "serviceAccount": "karpenter", "roleArn": format!("arn:aws:iam::{}:role/mine", bed.account()) }],
        ["events", "put_rule", { "Name": "research-karpenter-health", "EventPattern": "{\"source\":[\"mine\"]}" }],
    ]));
}

#[test]
fn what_others_made_is_refused_left_as_it_is_and_never_removed() {
    let bed = Bed::new(5);
    others(&bed);
    let theirs = bed.inventory();
    let told = bed.run(&["plan", "--detailed-exitcode"], &ALL);
    assert_eq!(told.code, Some(4), "{told:?}");
    assert!(told.out.contains(
        "! iam-role/research-ebs-csi exists and is nobody's by its tags, not us-west-2/research's"
    ));
    let told = bed.run(&["apply", "--yes"], &ALL);
    assert_eq!(told.code, Some(4), "{told:?}");
    for id in ["iam-role/research-ebs-csi", "sqs-queue/research", "eks-addon/aws-efs-csi-driver"] {
        assert!(told.err.contains(&format!("left alone: {id} exists")), "{id}: {told:?}");
    }
    // What needs it is not made, all else is.
    assert!(told.err.contains("skipped: eks-addon/aws-ebs-csi-driver"), "{told:?}");
    let after = bed.inventory();
    assert!(
        after.0.contains_key("addon/aws-fsx-csi-driver") && after.0.contains_key("role/research-karpenter")
    );
    for (name, value) in &theirs.0 {
        assert_eq!(after.0.get(name), Some(value), "{name} was changed");
    }
    let told = bed.run(&["destroy", "--yes"], &ALL);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.out.contains("sqs-queue/research is not ours and stays"), "{told:?}");
    assert_eq!(bed.inventory(), theirs);
    assert!(bed.run(&["destroy"], &ALL).out.ends_with("0 to remove\n"));
}

#[test]
fn destroy_needs_no_flag_to_know_what_is_ours() {
    let bed = Bed::new(6);
    let empty = bed.inventory();
    apply(&bed, &ALL);
    assert!(bed.inventory().0.len() > 40);
    // The settings now ask for less than what was made.
    let told = bed.run(&["destroy", "--yes", "--json"], &[]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(bed.inventory(), empty);
}

/// Roles and policies belong to no region, and neither cluster is to take the other's for its own.
#[test]
fn a_cluster_of_the_same_name_in_another_region_is_another_one() {
    let elsewhere = [("AWS_REGION", "eu-west-1")];
    let bed = Bed::new(7);
    bed.calls(&json!([["eks", "create_cluster", {
        "name": "research", "version": "1.34", "roleArn": format!("arn:aws:iam::{}:role/cluster", bed.account()),
        "resourcesVpcConfig": { "subnetIds": ["subnet-0123456789abcdef0"] },
    }, "eu-west-1"]]));
    apply(&bed, &ALL);
    let all = bed.inventory();
    for words in [&["apply", "--yes"][..], &["destroy", "--yes"]] {
        // With fewer settings: what is not asked for there is none of this cluster's business either.
        let told = bed.run(words, &elsewhere);
        assert_eq!(told.code, Some(if words[0] == "apply" { 4 } else { 0 }), "{told:?}");
        if words[0] == "apply" {
            assert!(told.err.contains("left alone: iam-policy/research-ebs-csi exists"), "{told:?}");
        }
        assert_eq!(bed.inventory(), all, "{words:?}");
    }
}
