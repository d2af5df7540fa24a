use std::collections::BTreeSet;

use super::*;
use crate::settings::{self, File, Settings};

fn settings(more: &str) -> Settings {
    let text = format!(
        "CLUSTER_NAME=research\nAWS_REGION=us-west-2\nVPC_ID=vpc-0123456789abcdef0\nAWS_ACCOUNT_ID=012345678901\n\
         PRIVATE_SUBNET_A=subnet-0123456789abcdef0\n{more}"
    );
    settings::load(Some(File { path: ".env", text: &text }), &[]).unwrap().settings
}

const EVERYTHING: &str = "INSTALL_KARPENTER=1\nINSTALL_EFS_CSI=1\nINSTALL_FSX_CSI=1\nINSTALL_S3_CSI=1\n\
                          S3_CSI_BUCKETS=one,two\n";

#[test]
fn every_file_is_listed_and_every_policy_has_a_reader() {
    let files: BTreeSet<_> = std::fs::read_dir("policies")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.trim_end_matches(".json").to_owned())
        .collect();
    let listed: BTreeSet<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files, listed);
    let mut used: BTreeSet<_> =
        ROLES.iter().flat_map(|role| role.policies).map(|name| (*name).to_owned()).collect();
    used.extend(CALLER.map(str::to_owned));
    used.extend(["pod-identity-trust", "ec2-trust", "karpenter-queue"].map(str::to_owned));
    assert_eq!(used, listed);
}

#[test]
fn no_place_stays_open_and_each_policy_fits() {
    let settings = settings(EVERYTHING);
    for (name, _) in FILES {
        let places = Places::of(&settings).for_role(&ROLES[0]).for_caller(&settings);
        let text = minified(&policy(name, &places).unwrap());
        assert!(!text.contains('@'), "{name}: {text}");
        // IAM quotas: 6144 characters for a managed policy, 2048 for a trust policy.
        let most = if name.ends_with("trust") { 2048 } else { 6144 };
        assert!(text.len() <= most, "{name}: {} characters", text.len());
    }
}

#[test]
fn a_bucket_is_there_once_for_each_and_no_other() {
    let settings = settings(EVERYTHING);
    let policy = policy("s3-csi", &Places::of(&settings)).unwrap();
    let resources = &policy["Statement"][1]["Resource"];
    assert_eq!(*resources, serde_json::json!(["arn:aws:s3:::one/*", "arn:aws:s3:::two/*"]));
}

#[test]
fn what_is_not_known_is_asked_for_by_name() {
    let mut settings = settings("");
    settings.aws_account_id = None;
    let error = policy("ebs-csi", &Places::of(&settings)).unwrap_err();
    assert!(error.to_string().contains("set AWS_ACCOUNT_ID"), "{error}");
    let error = policy("s3-csi", &Places::of(&settings)).unwrap_err();
    assert!(error.to_string().contains("set S3_CSI_BUCKETS"), "{error}");
}

#[test]
fn roles_follow_the_settings() {
    let names = |more: &str| Role::wanted(&settings(more)).map(|role| role.name).collect::<Vec<_>>();
    assert_eq!(names(""), ["ebs-csi", "load-balancer-controller", "cluster-autoscaler"]);
    assert_eq!(names(EVERYTHING).len(), ROLES.len());
}

#[test]
fn names_fit_and_long_clusters_stay_apart() {
    let (one, two) = ("a".repeat(99) + "1", "a".repeat(99) + "2");
    for role in ROLES {
        assert!(role.role_name(&one).len() <= 64);
        assert_ne!(role.role_name(&one), role.role_name(&two));
        assert_eq!(role.role_name("research"), format!("research-{}", role.name));
    }
    assert!(karpenter_node_role(&one).len() <= 64);
}
