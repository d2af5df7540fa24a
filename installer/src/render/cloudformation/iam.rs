//! Roles, and who takes them.

use serde_json::json;

use super::super::parts::{self, camel};
use super::{Resources, add, tags};
use crate::policies::{self, Places, PolicyError, Role, karpenter_node_role, policy_name};
use crate::settings::Settings;

/// A role for nodes, with what every node needs.
pub(super) fn node_role(
    resources: &mut Resources,
    settings: &Settings,
    logical: &str,
    name: &str,
) -> Result<(), PolicyError> {
    let properties = json!({
        "RoleName": name,
        "AssumeRolePolicyDocument": policies::policy("ec2-trust", &Places::of(settings))?,
        "ManagedPolicyArns": parts::node_policy_arns(settings),
        "Tags": tags(settings),
    });
    add(resources, logical, "AWS::IAM::Role", properties);
    Ok(())
}

/// What brings a role to an instance. EKS and Karpenter make their own.
pub(super) fn profile(resources: &mut Resources, role: &str) {
    let properties = json!({ "Roles": [{ "Ref": role }] });
    add(resources, &format!("{role}Profile"), "AWS::IAM::InstanceProfile", properties);
}

/// Lets nodes with the role join; EKS does this by itself for managed groups only.
pub(super) fn access_entry(resources: &mut Resources, settings: &Settings, role: &str) {
    let properties = json!({
        "ClusterName": settings.cluster_name,
        "PrincipalArn": { "Fn::GetAtt": [role, "Arn"] },
        "Type": "EC2_LINUX",
        "Tags": tags(settings),
    });
    add(resources, &format!("{role}AccessEntry"), "AWS::EKS::AccessEntry", properties);
}

/// The roles of pods.
pub(super) fn pod_identity(resources: &mut Resources, settings: &Settings) -> Result<(), PolicyError> {
    let places = Places::of(settings);
    for role in Role::wanted(settings) {
        let logical = format!("{}Role", camel(role.name));
        let mut arns = Vec::new();
        for name in role.policies {
            let policy = format!("{}Policy", camel(name));
            let properties = json!({
                "ManagedPolicyName": policy_name(&settings.cluster_name, name),
                "PolicyDocument": policies::policy(name, &places)?,
            });
            add(resources, &policy, "AWS::IAM::ManagedPolicy", properties);
            arns.push(json!({ "Ref": policy }));
        }
        let properties = json!({
            "RoleName": role.role_name(&settings.cluster_name),
            "AssumeRolePolicyDocument": policies::policy("pod-identity-trust", &places.clone().for_role(role))?,
            "ManagedPolicyArns": arns,
            "Tags": tags(settings),
        });
        add(resources, &logical, "AWS::IAM::Role", properties);
        for account in role.service_accounts {
            let properties = json!({
                "ClusterName": settings.cluster_name,
                "Namespace": role.namespace,
                "ServiceAccount": account,
                "RoleArn": { "Fn::GetAtt": [logical, "Arn"] },
                "Tags": tags(settings),
            });
            add(
                resources,
                &format!("{}Association", camel(account)),
                "AWS::EKS::PodIdentityAssociation",
                properties,
            );
        }
    }
    Ok(())
}

/// What Karpenter needs beside its role: one for its nodes, and the queue that tells of interruptions.
pub(super) fn karpenter(resources: &mut Resources, settings: &Settings) -> Result<(), PolicyError> {
    let cluster = &settings.cluster_name;
    node_role(resources, settings, "KarpenterNodeRole", &karpenter_node_role(cluster))?;
    access_entry(resources, settings, "KarpenterNodeRole");
    let queue = json!({
        "QueueName": cluster,
        "MessageRetentionPeriod": 300,
        "SqsManagedSseEnabled": true,
        "Tags": tags(settings),
    });
    add(resources, "KarpenterQueue", "AWS::SQS::Queue", queue);
    let policy = json!({
        "Queues": [{ "Ref": "KarpenterQueue" }],
        "PolicyDocument": policies::policy("karpenter-queue", &Places::of(settings))?,
    });
    add(resources, "KarpenterQueuePolicy", "AWS::SQS::QueuePolicy", policy);
    let arn = json!({ "Fn::GetAtt": ["KarpenterQueue", "Arn"] });
    for (name, source, detail) in parts::EVENTS {
        let rule = json!({
            "Name": parts::rule_name(cluster, name),
            "EventPattern": { "source": [source], "detail-type": [detail] },
            "Targets": [{ "Id": "queue", "Arn": arn }],
        });
        add(resources, &format!("KarpenterRule{}", camel(name)), "AWS::Events::Rule", rule);
    }
    Ok(())
}
