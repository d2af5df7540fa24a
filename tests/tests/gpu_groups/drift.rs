//! What somebody changes behind the installer's back.

use serde_json::{Value, json};

use crate::site::Site;

/// Changes every thing behind the installer's back.
pub(crate) fn drift(site: &Site) {
    let group = json!([{ "Name": "group-name", "Values": ["research-gpu-compute-efa"] }]);
    let found = site.bed.calls(&json!([["ec2", "describe_security_groups", { "Filters": group }]]));
    let group = found[0]["SecurityGroups"][0].clone();
    let name = "research-gpu-compute";
    let here = json!({ "clusterName": "research", "nodegroupName": "gpu-compute" });
    let with = |more: Value| {
        let mut all = here.as_object().unwrap().clone();
        all.extend(more.as_object().unwrap().clone());
        Value::Object(all)
    };
    let there = site.bed.calls(&json!([["eks", "describe_nodegroup", here]]));
    let arn = &there[0]["nodegroup"]["nodegroupArn"];
    site.bed.calls(&json!([
        ["eks", "untag_resource", { "resourceArn": arn, "tagKeys":
            ["k8s.io/cluster-autoscaler/node-template/resources/vpc.amazonaws.com/efa"] }],
        ["ec2", "revoke_security_group_ingress", { "GroupId": group["GroupId"], "IpPermissions": group["IpPermissions"] }],
        ["ec2", "create_launch_template_version",
            { "LaunchTemplateName": name, "LaunchTemplateData": { "InstanceType": "p5.48xlarge" } }],
        ["ec2", "modify_launch_template", { "LaunchTemplateName": name, "DefaultVersion": "2" }],
        ["eks", "update_nodegroup_config", with(json!({ "scalingConfig": { "minSize": 1, "maxSize": 11, "desiredSize": 1 },
            "labels": { "removeLabels": ["nvidia.com/gpu"] }, "nodeRepairConfig": { "enabled": false },
            "taints": { "removeTaints": [{ "key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE" }] } }))],
        ["eks", "update_nodegroup_config", with(json!({ "scalingConfig": { "minSize": 0, "maxSize": 11, "desiredSize": 0 } }))],
        ["eks", "update_nodegroup_version", with(json!({ "launchTemplate": { "id":
            found_id(site, name), "version": "2" } }))],
    ]));
}

fn found_id(site: &Site, name: &str) -> Value {
    let asked = json!([["ec2", "describe_launch_templates", { "LaunchTemplateNames": [name] }]]);
    site.bed.calls(&asked)[0]["LaunchTemplates"][0]["LaunchTemplateId"].clone()
}
