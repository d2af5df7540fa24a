//! Which nodes `installer gpu verify` looks at.

use serde_json::{Value, json};

use crate::hardware::has;
use crate::inside::{Inside, one_at_a_time};
use crate::node::{NODES, node};

/// Nodes of an Auto Scaling group are known by their instances: they have no label of it.
pub(crate) fn self_managed(inside: &Inside) {
    inside.bed.calls(&json!([
        ["autoscaling", "create_launch_configuration", { "LaunchConfigurationName": "any" }],
        ["autoscaling", "create_auto_scaling_group", { "AutoScalingGroupName": "research-gpu-compute", "MinSize": 2,
            "MaxSize": 2, "LaunchConfigurationName": "any", "AvailabilityZones": ["us-west-2a"] }],
    ]));
    let found = inside.bed.calls(&json!([["autoscaling", "describe_auto_scaling_groups", {}]]));
    let instance =
        found[0]["AutoScalingGroups"][0]["Instances"][0]["InstanceId"].as_str().unwrap().to_owned();
    node(inside, "gpu-own", |node| {
        node["spec"]["providerID"] = format!("aws:///us-west-2a/{instance}").into();
    });
    let own = [
        ("GPU_NODE_GROUP_KIND", "self-managed"),
        ("GPU_AMI_ID", "ami-0123456789abcdef0"),
        ("CLUSTER_ENDPOINT", "https://one"),
        ("CLUSTER_CA", "YQ=="),
        ("CLUSTER_CIDR", "10.0.0.0/16"),
        ("GPU_CREATE_SECURITY_GROUP", "1"),
    ];
    let told = inside.run(&["gpu", "verify", "--no-pods", "--json"], &own);
    assert_eq!(told.code, Some(3), "{told:?}");
    has(&told, "error", "1 of 2 nodes have joined");
    inside.delete(&format!("{NODES}/gpu-own"));
}

#[test]
fn what_is_made_is_verified_where_that_is_asked_for() {
    let _turn = one_at_a_time();
    let inside = Inside::new(342);
    let made = inside.bed.calls(&json!([["ec2", "create_subnet",
        { "VpcId": "vpc-00000000", "CidrBlock": "10.78.0.0/24", "AvailabilityZone": "us-west-2a" }]]));
    let subnet = [("GPU_SUBNET_A", made[0]["Subnet"]["SubnetId"].as_str().unwrap())];
    let create = ["gpu", "create", "--yes", "--json", "--verify", "0"];
    let told = inside.run(&create, &subnet);
    assert_eq!(told.code, Some(5), "{told:?}");
    let documents: Vec<Value> = told.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(documents[0]["outcomes"]["eks-node-group/gpu-compute"]["outcome"], "changed");
    assert_eq!(documents[1]["findings"][0]["level"], "unknown", "{told:?}");
    assert_eq!(inside.run(&["gpu", "delete", "--yes"], &subnet).code, Some(0));
}
