//! Roles, and who takes them.

use serde_json::json;

use super::super::hcl::Block;
use super::super::parts;
use super::tags;
use crate::policies::{Role, karpenter_node_role, policy_name};
use crate::settings::Settings;

/// `file()` of a policy beside the module.
fn policy(name: &str) -> String {
    format!("file(\"${{path.module}}/policies/{name}.json\")")
}

fn role(settings: &Settings, label: &str, name: &str, trust: &str) -> Block {
    Block::new("resource", &["aws_iam_role", label])
        .value("name", name)
        .raw("assume_role_policy", &policy(trust))
        .value("tags", tags(settings))
}

/// A role for nodes, with what every node needs.
pub(super) fn node_role(settings: &Settings, label: &str, name: &str) -> Vec<Block> {
    let attach = Block::new("resource", &["aws_iam_role_policy_attachment", label])
        .raw("for_each", &format!("toset({})", json!(parts::node_policy_arns(settings))))
        .raw("role", &format!("aws_iam_role.{label}.name"))
        .raw("policy_arn", "each.value");
    vec![role(settings, label, name, "ec2-trust"), attach]
}

/// What brings a role to an instance. EKS and Karpenter make their own.
pub(super) fn profile(settings: &Settings, label: &str) -> Block {
    Block::new("resource", &["aws_iam_instance_profile", label])
        .raw("name", &format!("aws_iam_role.{label}.name"))
        .raw("role", &format!("aws_iam_role.{label}.name"))
        .value("tags", tags(settings))
}

/// Lets nodes with the role join; EKS does this by itself for managed groups only.
pub(super) fn access_entry(settings: &Settings, label: &str) -> Block {
    Block::new("resource", &["aws_eks_access_entry", label])
        .value("cluster_name", settings.cluster_name.clone())
        .raw("principal_arn", &format!("aws_iam_role.{label}.arn"))
        .value("type", "EC2_LINUX")
        .value("tags", tags(settings))
}

/// The roles of pods.
pub(super) fn pod_identity(settings: &Settings) -> Vec<Block> {
    let mut blocks = Vec::new();
    for wanted in Role::wanted(settings) {
        let label = wanted.name.replace('-', "_");
        let name = wanted.role_name(&settings.cluster_name);
        blocks.push(role(settings, &label, &name, &format!("{}-trust", wanted.name)));
        for file in wanted.policies {
            let of_policy = file.replace('-', "_");
            blocks.push(
                Block::new("resource", &["aws_iam_policy", &of_policy])
                    .value("name", policy_name(&settings.cluster_name, file))
                    .raw("policy", &policy(file))
                    .value("tags", tags(settings)),
            );
            blocks.push(
                Block::new("resource", &["aws_iam_role_policy_attachment", &of_policy])
                    .raw("role", &format!("aws_iam_role.{label}.name"))
                    .raw("policy_arn", &format!("aws_iam_policy.{of_policy}.arn")),
            );
        }
        for account in wanted.service_accounts {
            blocks.push(
                Block::new("resource", &["aws_eks_pod_identity_association", &account.replace('-', "_")])
                    .value("cluster_name", settings.cluster_name.clone())
                    .value("namespace", wanted.namespace)
                    .value("service_account", *account)
                    .raw("role_arn", &format!("aws_iam_role.{label}.arn"))
                    .value("tags", tags(settings)),
            );
        }
    }
    blocks
}

/// What Karpenter needs beside its role: one for its nodes, and the queue that tells of interruptions.
pub(super) fn karpenter(settings: &Settings) -> Vec<Block> {
    let cluster = &settings.cluster_name;
    let mut blocks = node_role(settings, "karpenter_node", &karpenter_node_role(cluster));
    blocks.push(access_entry(settings, "karpenter_node"));
    blocks.push(
        Block::new("resource", &["aws_sqs_queue", "karpenter"])
            .value("name", cluster.clone())
            .value("message_retention_seconds", 300)
            .value("sqs_managed_sse_enabled", true)
            .value("tags", tags(settings)),
    );
    blocks.push(
        Block::new("resource", &["aws_sqs_queue_policy", "karpenter"])
            .raw("queue_url", "aws_sqs_queue.karpenter.url")
            .raw("policy", &policy("karpenter-queue")),
    );
    for (name, source, detail) in parts::EVENTS {
        let label = format!("karpenter_{}", name.replace('-', "_"));
        let pattern = json!({ "source": [source], "detail-type": [detail] });
        blocks.push(
            Block::new("resource", &["aws_cloudwatch_event_rule", &label])
                .value("name", parts::rule_name(cluster, name))
                .value("event_pattern", pattern.to_string())
                .value("tags", tags(settings)),
        );
        blocks.push(
            Block::new("resource", &["aws_cloudwatch_event_target", &label])
                .raw("rule", &format!("aws_cloudwatch_event_rule.{label}.name"))
                .raw("arn", "aws_sqs_queue.karpenter.arn"),
        );
    }
    blocks
}
