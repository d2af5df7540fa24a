//! eksctl's ClusterConfig for a cluster that exists: `eksctl create addon`, `create podidentityassociation` and
//! `create nodegroup` take it with `--config-file`.

use serde_json::{Map, Value, json};

use super::{RenderError, autoscaler, parts, yaml};
use crate::launch_template::OWNER_TAG;
use crate::policies::{self, Places, Role};
use crate::settings::{Capacity, NodeGroupKind, Settings};

/// eksctl makes no EFA-only interface, so its node groups take the template of `launch-template.json`.
const HEAD: &str = "\
# eksctl makes no EFA-only interfaces: the node groups take a launch template of ours. Make it, and put its id where
# LAUNCH_TEMPLATE_ID stands:
#   aws ec2 create-launch-template --launch-template-name NAME --launch-template-data file://launch-template.json
";

/// Why there is no form of eksctl's, where there is none. Its node groups take `spot`, and no other way to buy
/// (`pkg/cfn/builder/managed_nodegroup.go`); EKS wants `capacityType` `CAPACITY_BLOCK` said (EKS User Guide, "Create a managed
/// node group with Capacity Blocks for ML").
pub(super) fn refused(settings: &Settings) -> Option<RenderError> {
    if settings.gpu_node_group_kind == NodeGroupKind::SelfManaged {
        return Some(RenderError::EksctlSelfManaged);
    }
    (settings.gpu_capacity == Capacity::CapacityBlock).then_some(RenderError::EksctlCapacityBlock)
}

pub(super) fn text(settings: &Settings) -> Result<String, RenderError> {
    let mut subnets = Map::new();
    for id in
        settings.private_subnets().into_iter().chain(settings.gpu_subnets().into_iter().map(|(_, id)| id))
    {
        subnets.insert(id.to_owned(), json!({ "id": id }));
    }
    let mut vpc = json!({ "id": settings.vpc_id, "subnets": { "private": subnets } });
    if let Some(group) = &settings.cluster_security_group {
        vpc["securityGroup"] = json!(group);
    }
    let config = json!({
        "apiVersion": "eksctl.io/v1alpha5",
        "kind": "ClusterConfig",
        "metadata": {
            "name": settings.cluster_name,
            "region": settings.aws_region,
            "version": settings.kubernetes_version,
            "tags": { OWNER_TAG: settings.cluster_name },
        },
        "vpc": vpc,
        "addons": parts::addons(settings).into_iter().map(addon).collect::<Vec<_>>(),
        "iam": { "podIdentityAssociations": associations(settings)? },
        "managedNodeGroups": node_groups(settings),
    });
    Ok(format!("{HEAD}{}", yaml::documents(&[config])))
}

fn addon(addon: parts::Addon) -> Value {
    let mut value = json!({ "name": addon.name });
    if let Some(configuration) = addon.configuration {
        value["configurationValues"] = json!(configuration.to_string());
    }
    value
}

/// eksctl makes a role for each, with the policies in it.
fn associations(settings: &Settings) -> Result<Vec<Value>, RenderError> {
    let places = Places::of(settings);
    let mut associations = Vec::new();
    for role in Role::wanted(settings) {
        let mut statements = Vec::new();
        for name in role.policies {
            let policy = policies::policy(name, &places)?;
            statements.extend(policy["Statement"].as_array().cloned().unwrap_or_default());
        }
        for (place, account) in role.service_accounts.iter().enumerate() {
            let name = role.role_name(&settings.cluster_name);
            // A role of eksctl's belongs to one association.
            let name = if place == 0 {
                name
            } else {
                format!("{}-{}", name.chars().take(60).collect::<String>(), place + 1)
            };
            associations.push(json!({
                "namespace": role.namespace,
                "serviceAccountName": account,
                "roleName": name,
                "permissionPolicy": { "Version": "2012-10-17", "Statement": statements },
            }));
        }
    }
    Ok(associations)
}

fn node_groups(settings: &Settings) -> Vec<Value> {
    let labels: Map<_, _> =
        parts::GROUP_LABELS.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let mut tags = autoscaler::managed_tags(settings);
    tags.insert(OWNER_TAG.to_owned(), settings.cluster_name.clone());
    let group = |group: parts::NodeGroup<'_>| {
        json!({
            "name": group.name,
            "amiFamily": "AmazonLinux2023",
            "launchTemplate": { "id": "LAUNCH_TEMPLATE_ID" },
            "minSize": settings.gpu_min_size,
            "desiredCapacity": settings.gpu_desired_size,
            "maxSize": settings.gpu_max_size,
            "subnets": group.subnets,
            "privateNetworking": true,
            "spot": settings.gpu_capacity == Capacity::Spot,
            "labels": labels.clone(),
            "taints": [{ "key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule" }],
            "nodeRepairConfig": { "enabled": settings.eks_repair },
            "tags": tags.clone(),
        })
    };
    parts::node_groups(settings).into_iter().map(group).collect()
}
