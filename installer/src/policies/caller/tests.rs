use std::collections::BTreeSet;
use std::path::Path;

use super::super::minified;
use super::*;
use crate::settings::{self, File};

fn settings(more: &str) -> Settings {
    let text = format!(
        "AWS_REGION=us-west-2\nVPC_ID=vpc-0123456789abcdef0\nAWS_ACCOUNT_ID=012345678901\n\
         PRIVATE_SUBNET_A=subnet-0123456789abcdef0\n{more}"
    );
    let text = if more.contains("CLUSTER_NAME") { text } else { format!("CLUSTER_NAME=research\n{text}") };
    settings::load(Some(File { path: ".env", text: &text }), &[])
        .unwrap_or_else(|errors| panic!("{errors}"))
        .settings
}

const EVERYTHING: &str = "INSTALL_KARPENTER=1\nINSTALL_S3_CSI=1\nS3_CSI_BUCKETS=one,two\n\
                          GPU_CREATE_SECURITY_GROUP=1\nGPU_CREATE_PLACEMENT_GROUP=1\n";
const OWN: &str = "GPU_NODE_GROUP_KIND=self-managed\nGPU_AMI_ID=ami-01234567\nCLUSTER_ENDPOINT=https://x\n\
                   CLUSTER_CA=YWJj\nCLUSTER_CIDR=10.100.0.0/16\n\
                   GPU_CAPACITY=reservation\nGPU_CAPACITY_RESERVATION_ID=cr-01234567\n";

fn list(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    value.as_array().map_or_else(|| vec![text(value)], |all| all.iter().map(text).collect())
}

fn statements(settings: &Settings) -> Vec<Value> {
    CALLER
        .iter()
        .flat_map(|name| caller(name, settings).unwrap()["Statement"].as_array().unwrap().clone())
        .collect()
}

fn actions(settings: &Settings) -> BTreeSet<String> {
    statements(settings).iter().flat_map(|statement| list(&statement["Action"])).collect()
}

/// Every `"service:Operation"` in the program's own code.
fn named(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            named(&path, found);
        } else if path.file_name().is_some_and(|name| name != "tests.rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            // What stands in tests is not called.
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            for word in text.split('"').skip(1).step_by(2) {
                let Some((service, operation)) = word.split_once(':') else { continue };
                let service = ["autoscaling", "ec2", "eks", "events", "iam", "s3", "servicequotas", "sqs"]
                    .contains(&service);
                let operation = operation.starts_with(|first: char| first.is_ascii_uppercase())
                    && operation.bytes().all(|byte| byte.is_ascii_alphanumeric());
                if service && operation {
                    found.insert(word.to_owned());
                }
            }
        }
    }
}

/// Calls that IAM knows by another name.
const RENAMED: [(&str, &str); 1] = [("s3:HeadBucket", "s3:ListBucket")];
/// Named in the code and never sent: what cannot be changed there is refused before.
const NEVER_SENT: [&str; 2] = ["ec2:ModifyPlacementGroup", "eks:UpdateAccessEntry"];
/// What AWS asks for beside the call itself: a tag on what is made, a role that is handed on, what a group does on behalf of
/// whoever makes it. Source: Service Authorization Reference, "dependent actions"; Amazon EC2 Auto Scaling User Guide,
/// "Control launch template usage".
const BESIDE: [(&str, &str); 10] = [
    ("ec2:CreateTags", "ec2:CreateLaunchTemplate"),
    ("ec2:RunInstances", "autoscaling:CreateAutoScalingGroup"),
    ("eks:TagResource", "eks:CreateAddon"),
    ("events:TagResource", "events:PutRule"),
    ("iam:CreateServiceLinkedRole", "eks:CreateNodegroup"),
    ("iam:PassRole", "eks:CreatePodIdentityAssociation"),
    ("iam:TagInstanceProfile", "iam:CreateInstanceProfile"),
    ("iam:TagPolicy", "iam:CreatePolicy"),
    ("iam:TagRole", "iam:CreateRole"),
    ("sqs:TagQueue", "sqs:CreateQueue"),
];

#[test]
fn every_call_of_the_program_is_allowed_and_nothing_that_it_does_not_make() {
    let mut calls = BTreeSet::new();
    named(Path::new("src"), &mut calls);
    for name in NEVER_SENT {
        assert!(calls.remove(name), "{name} is not named any more");
    }
    for (call, action) in RENAMED {
        assert!(calls.remove(call), "{call} is not named any more");
        calls.insert(action.to_owned());
    }
    for (action, call) in BESIDE {
        assert!(calls.contains(call), "{call} is not named any more");
        calls.insert(action.to_owned());
    }
    let own = settings(&format!("{EVERYTHING}{OWN}"));
    let allowed: BTreeSet<_> = actions(&settings(EVERYTHING)).union(&actions(&own)).cloned().collect();
    let missing: Vec<_> = calls.difference(&allowed).collect();
    let needless: Vec<_> = allowed.difference(&calls).collect();
    assert!(
        missing.is_empty() && needless.is_empty(),
        "not allowed: {missing:?}; never called: {needless:?}"
    );
}

#[test]
fn settings_that_ask_for_less_are_allowed_less() {
    let sids = |settings: &Settings| -> BTreeSet<String> {
        statements(settings).iter().map(|statement| statement["Sid"].as_str().unwrap().to_owned()).collect()
    };
    let (least, most, own) =
        (sids(&settings("")), sids(&settings(EVERYTHING)), sids(&settings(&format!("{EVERYTHING}{OWN}"))));
    let all: BTreeSet<_> = most.union(&own).cloned().collect();
    for (name, _) in ONLY {
        assert!(all.contains(name), "{name} is no statement");
    }
    assert_eq!(all.len() - least.len(), ONLY.len() - 2, "the two of managed groups are always there");
    let only: Vec<_> = most.symmetric_difference(&own).map(String::as_str).collect();
    let kinds = ["CreateNodeGroups", "InstanceProfile", "LookAtOwn", "LookAtReservations", "NodeGroups"];
    assert_eq!(only, [&kinds[..], &["ScalingGroups"]].concat());
}

#[test]
fn no_place_stays_open_and_the_longest_names_fit() {
    let long =
        format!("CLUSTER_NAME={}\nGPU_NODE_GROUP_NAME={}\n{EVERYTHING}", "c".repeat(100), "g".repeat(61));
    for settings in [settings(""), settings(EVERYTHING), settings(&long), settings(&format!("{long}{OWN}"))] {
        for name in CALLER {
            let text = minified(&caller(name, &settings).unwrap());
            assert!(!text.contains('@'), "{name}: {text}");
            // IAM's quota for a managed policy.
            assert!(text.len() <= 6144, "{name}: {} characters", text.len());
        }
    }
}
