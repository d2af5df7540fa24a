//! A CloudFormation template.

mod iam;

use serde_json::{Map, Value, json};

use super::autoscaler;
use super::parts::{self, camel};
use crate::launch_template::{LaunchTemplate, OWNER_TAG};
use crate::policies::PolicyError;
use crate::settings::{NodeGroupKind, Settings};

/// Resources by their logical names.
type Resources = Map<String, Value>;

pub(super) fn template(settings: &Settings, template: &LaunchTemplate) -> Result<Value, PolicyError> {
    let mut resources = Resources::new();
    iam::node_role(
        &mut resources,
        settings,
        "GpuNodeRole",
        &crate::policies::gpu_node_role(&settings.cluster_name),
    )?;
    launch_template(&mut resources, settings, template);
    match settings.gpu_node_group_kind {
        NodeGroupKind::Managed => managed(&mut resources, settings),
        NodeGroupKind::SelfManaged => self_managed(&mut resources, settings),
    }
    for addon in parts::addons(settings) {
        let mut properties = json!({
            "ClusterName": settings.cluster_name,
            "AddonName": addon.name,
            "ResolveConflicts": "OVERWRITE",
            "Tags": tags(settings),
        });
        if let Some(configuration) = addon.configuration {
            properties["ConfigurationValues"] = json!(configuration.to_string());
        }
        add(&mut resources, &format!("Addon{}", camel(addon.name)), "AWS::EKS::Addon", properties);
    }
    iam::pod_identity(&mut resources, settings)?;
    if settings.install_karpenter {
        iam::karpenter(&mut resources, settings)?;
    }
    Ok(json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": format!("GPU nodes and add-ons of the EKS cluster {}", settings.cluster_name),
        "Resources": resources,
    }))
}

fn add(resources: &mut Resources, name: &str, kind: &str, properties: Value) {
    let resource = [("Type".to_owned(), Value::from(kind)), ("Properties".to_owned(), properties)];
    resources.insert(name.to_owned(), Value::Object(resource.into_iter().collect()));
}

/// As a list of keys and values.
fn tags(settings: &Settings) -> Vec<Value> {
    parts::tags(settings).iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

fn launch_template(resources: &mut Resources, settings: &Settings, template: &LaunchTemplate) {
    let mut data = template.data();
    if settings.gpu_node_group_kind == NodeGroupKind::SelfManaged {
        data["IamInstanceProfile"] = json!({ "Arn": { "Fn::GetAtt": ["GpuNodeRoleProfile", "Arn"] } });
    }
    let properties = json!({
        "LaunchTemplateName": format!("{}-{}", settings.cluster_name, settings.gpu_node_group_name),
        "LaunchTemplateData": data,
        "TagSpecifications": [{ "ResourceType": "launch-template", "Tags": tags(settings) }],
    });
    add(resources, "GpuLaunchTemplate", "AWS::EC2::LaunchTemplate", properties);
}

/// What a group says of its template.
fn of_template(id: &str) -> Value {
    let version = json!({ "Fn::GetAtt": ["GpuLaunchTemplate", "LatestVersionNumber"] });
    json!({ id: { "Ref": "GpuLaunchTemplate" }, "Version": version })
}

fn managed(resources: &mut Resources, settings: &Settings) {
    let labels: Map<_, _> =
        parts::GROUP_LABELS.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let mut tags = autoscaler::managed_tags(settings);
    tags.insert(OWNER_TAG.to_owned(), settings.cluster_name.clone());
    for group in parts::node_groups(settings) {
        let mut properties = json!({
            "ClusterName": settings.cluster_name,
            "NodegroupName": group.name,
            "NodeRole": { "Fn::GetAtt": ["GpuNodeRole", "Arn"] },
            "Subnets": group.subnets,
            "CapacityType": parts::capacity_type(settings),
            "ScalingConfig": {
                "MinSize": settings.gpu_min_size,
                "DesiredSize": settings.gpu_desired_size,
                "MaxSize": settings.gpu_max_size,
            },
            "LaunchTemplate": of_template("Id"),
            "Labels": labels.clone(),
            "Taints": [{ "Key": "nvidia.com/gpu", "Value": "true", "Effect": "NO_SCHEDULE" }],
            "NodeRepairConfig": { "Enabled": settings.eks_repair },
            "Tags": tags.clone(),
        });
        // A template with an image of its own decides.
        if settings.gpu_ami_id.is_none() {
            properties["AmiType"] = json!(parts::ami_type(settings));
        }
        add(resources, &format!("NodeGroup{}", camel(&group.name)), "AWS::EKS::Nodegroup", properties);
    }
}

fn self_managed(resources: &mut Resources, settings: &Settings) {
    iam::profile(resources, "GpuNodeRole");
    let mut tags = autoscaler::own_tags(settings);
    tags.insert(OWNER_TAG.to_owned(), settings.cluster_name.clone());
    let tag = |(key, value)| json!({ "Key": key, "Value": value, "PropagateAtLaunch": false });
    let properties = json!({
        "AutoScalingGroupName": settings.gpu_node_group_name,
        "MinSize": settings.gpu_min_size.to_string(),
        "DesiredCapacity": settings.gpu_desired_size.to_string(),
        "MaxSize": settings.gpu_max_size.to_string(),
        "VPCZoneIdentifier": [settings.gpu_subnet_a],
        "LaunchTemplate": of_template("LaunchTemplateId"),
        "Tags": tags.into_iter().map(tag).collect::<Vec<_>>(),
    });
    add(resources, "GpuAutoScalingGroup", "AWS::AutoScaling::AutoScalingGroup", properties);
    iam::access_entry(resources, settings, "GpuNodeRole");
}
