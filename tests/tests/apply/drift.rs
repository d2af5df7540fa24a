//! What somebody changes of what `apply` made, with every component on.

use gpunode_tests::aws::Bed;
use serde_json::{Value, json};

/// A policy that allows everything.
fn star() -> String {
    let all = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
    all.to_string()
}

fn policy(bed: &Bed, name: &str) -> String {
    format!("arn:aws:iam::{}:policy/research-{name}", bed.account())
}

/// Changes eleven things, and removes two more.
pub(crate) fn drift(bed: &Bed) {
    let account = bed.account();
    let policy = |name: &str| policy(bed, name);
    let star = star();
    let list = json!([["eks", "list_pod_identity_associations", { "clusterName": "research" }]]);
    let associations = bed.calls(&list)[0]["associations"].clone();
    let id = |name: &str| {
        let mut all = associations.as_array().unwrap().iter();
        all.find(|found| found["serviceAccount"] == name).unwrap()["associationId"].clone()
    };
    let queue =
        bed.calls(&json!([["sqs", "get_queue_url", { "QueueName": "research" }]]))[0]["QueueUrl"].clone();
    let rule = "research-karpenter-health";
    bed.calls(&json!([
        ["iam", "detach_role_policy", { "RoleName": "research-ebs-csi", "PolicyArn": policy("ebs-csi") }],
        ["iam", "attach_role_policy", { "RoleName": "research-fsx-csi", "PolicyArn": policy("efs-csi") }],
        ["iam", "put_role_policy", { "RoleName": "research-s3-csi", "PolicyName": "more", "PolicyDocument": star }],
        ["iam", "create_policy_version",
            { "PolicyArn": policy("s3-csi"), "PolicyDocument": star, "SetAsDefault": true }],
        ["iam", "update_assume_role_policy", { "RoleName": "research-karpenter", "PolicyDocument": star }],
        ["eks", "delete_pod_identity_association",
            { "clusterName": "research", "associationId": id("ebs-csi-controller-sa") }],
        ["eks", "update_pod_identity_association", { "clusterName": "research", "associationId": id("karpenter"),
            "roleArn": format!("arn:aws:iam::{account}:role/other") }],
        ["eks", "update_addon",
            { "clusterName": "research", "addonName": "aws-ebs-csi-driver", "configurationValues": "{}" }],
        ["eks", "delete_addon", { "clusterName": "research", "addonName": "eks-pod-identity-agent" }],
        ["events", "disable_rule", { "Name": rule }],
        ["events", "remove_targets", { "Rule": rule, "Ids": ["queue"] }],
        ["sqs", "set_queue_attributes", { "QueueUrl": queue, "Attributes": { "MessageRetentionPeriod": "60" } }],
    ]));
}

/// As many versions of a policy as IAM keeps.
pub(crate) fn versions(bed: &Bed) {
    let version = json!(["iam", "create_policy_version",
        { "PolicyArn": policy(bed, "efs-csi"), "PolicyDocument": star(), "SetAsDefault": true }]);
    bed.calls(&Value::from(vec![version; 4]));
}
