//! Things of others, drift, throttling and kills.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gpunode_tests::aws::{Fault, Proxy};
use serde_json::json;

use crate::site::{Site, settled};

#[test]
fn a_role_and_a_policy_of_others_are_left_alone() {
    let site = Site::new(24, &["data"]);
    let document = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::mine" }] });
    let document = document.to_string();
    site.bed.calls(&json!([
        ["iam", "create_role", { "RoleName": "research-s3-csi", "AssumeRolePolicyDocument": document }],
        ["iam", "create_policy", { "PolicyName": "research-s3-csi", "PolicyDocument": document }],
        ["eks", "create_addon", { "clusterName": "research", "addonName": "eks-pod-identity-agent" }],
    ]));
    let theirs = site.bed.inventory();
    let (told, calls) = site.s3("add", &["data", "--yes"], &[]);
    assert_eq!((told.code, calls), (Some(4), 0), "{told:?}");
    assert!(told.out.contains("! iam-policy/research-s3-csi exists and is nobody's by its tags"), "{told:?}");
    let (told, calls) = site.s3("remove", &["--all", "--yes"], &[]);
    assert_eq!((told.code, calls), (Some(0), 0), "{told:?}");
    assert_eq!(site.bed.inventory(), theirs);
    let (told, _) = site.s3("list", &["--json"], &[]);
    assert_eq!((told.code, told.json()["buckets"].clone()), (Some(0), json!([])), "{told:?}");
}

/// Nobody but IAM knows what was given, and its older versions still do.
#[test]
fn what_somebody_wrote_into_the_policy_is_seen_and_what_was_given_is_given_again() {
    let site = Site::new(25, &["data", "more"]);
    site.done("add", &["data"], &[]);
    let right = site.bed.inventory();
    let star = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
    let arn = format!("arn:aws:iam::{}:policy/research-s3-csi", site.bed.account());
    let change = json!(["iam", "create_policy_version",
        { "PolicyArn": arn, "PolicyDocument": star.to_string(), "SetAsDefault": true }]);
    site.bed.calls(&json!([change]));
    let told = site.bed.run(&["plan", "--json"], &[("INSTALL_KARPENTER", "0")]);
    let rows = told.json()["resources"].as_array().unwrap().clone();
    let row = rows.iter().find(|row| row["id"] == "iam-policy/research-s3-csi").unwrap();
    assert_eq!(row["change"], "update", "{told:?}");
    let (told, _) = site.s3("list", &["--json"], &[]);
    assert_eq!((told.code, told.json()["policyChanged"].clone()), (Some(3), json!(true)), "{told:?}");
    assert_eq!(site.done("add", &["data"], &[]), 1);
    assert_eq!(site.bed.inventory(), right);
    site.bed.calls(&json!([change]));
    assert_eq!(site.done("add", &["more"], &[]), 1);
    assert_eq!(site.objects(), ["data", "more"].map(str::to_owned).into());
    // IAM keeps five.
    site.bed
        .calls(&json!([["iam", "delete_policy_version", { "PolicyArn": arn, "VersionId": "v1" }], change]));
    assert_eq!(site.bed.run(&["apply", "--yes"], &[]).code, Some(0));
    assert_eq!(site.objects(), ["data", "more"].map(str::to_owned).into());
    settled(&site.bed, &[]);
}

/// An apply that was planned before does not take it away.
#[test]
fn what_is_given_while_an_apply_is_under_way_stays() {
    let site = Arc::new(Site::new(28, &["data", "more"]));
    site.done("add", &["data"], &[]);
    let (other, given) = (Arc::clone(&site), AtomicBool::new(false));
    // It looks at the versions before it writes one.
    let proxy = Proxy::start(move |_, call| {
        if call.operation == "ListPolicyVersions" && !given.swap(true, Ordering::SeqCst) {
            other.done("add", &["more"], &[]);
        }
        Fault::None
    });
    let third = site.name("third");
    let settings = [("INSTALL_S3_CSI", "1"), ("S3_CSI_BUCKETS", third.as_str())];
    let told = site.bed.run_through(&proxy.unwrap(), &["apply", "--yes"], &settings);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(site.objects(), ["data", "more", "third"].map(str::to_owned).into());
    settled(&site.bed, &settings);
}

#[test]
fn throttled_broken_and_killed_it_ends_where_a_straight_run_does() {
    let straight = Site::new(26, &["data"]);
    straight.done("add", &["data"], &[]);
    let names = |site: &Site| {
        site.bed
            .inventory()
            .0
            .into_keys()
            .map(|name| name.replace(site.bed.account(), ""))
            .collect::<Vec<_>>()
    };
    let right = names(&straight);
    let site = Site::new(27, &["data"]);
    let before = site.bed.inventory();
    let arn = site.arn("data");
    for words in [&["s3-csi", "add", &arn, "--yes"][..], &["s3-csi", "remove", "--all", "--yes"]] {
        let trouble = Proxy::start(|number, call| match number {
            _ if call.operation.starts_with("HEAD ") && number % 2 == 0 => Fault::Broken,
            4 => Fault::Throttle,
            7 => Fault::Broken,
            _ if call.mutates && number % 3 == 0 => Fault::LoseAnswer,
            _ => Fault::None,
        });
        let told = site.bed.run_through(&trouble.unwrap(), words, &[]);
        assert_eq!(told.code, Some(0), "{told:?}");
        if words[1] == "add" {
            assert_eq!(names(&site), right);
        }
    }
    let agent = site.bed.inventory();
    assert_eq!(agent.0.len(), before.0.len() + 1, "the agent stays: {agent:?}");
    for words in [&["s3-csi", "add", &arn, "--yes"][..], &["s3-csi", "remove", "--all", "--yes"]] {
        let kills = (0..20).find(|kill| {
            // At its second mutating call, so that each run gets on by one.
            let told = site.bed.killed(2, kill % 3 != 2, words, &[]);
            assert!(matches!(told.code, None | Some(0)), "{told:?}");
            told.code == Some(0)
        });
        assert!(kills.is_some_and(|kills| kills > 1), "{kills:?}");
        if words[1] == "add" {
            assert_eq!(names(&site), right);
        }
    }
    assert_eq!(site.bed.inventory(), agent);
}
