//! What the checks look at, asked of AWS.

use std::collections::BTreeMap;

use aws_sdk_eks::types::Nodegroup;

use super::image::{Image, image};
use super::reservation::{Reservation, reservation};
use super::{Group, scaling_group};
use crate::aws::{Door, Element, Failure, Form, Meaning, failed};
use crate::launch_template::OWNER_TAG;
use crate::settings::{NodeGroupKind, Settings};
use crate::things::gpu_owner;

/// A subnet as EC2 describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// `subnet-…`
    pub id: String,
    /// `vpc-…`
    pub vpc: String,
    /// `us-west-2a`
    pub zone: String,
    /// Addresses that nobody has.
    pub free: u64,
}

/// A security group that the settings name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EfaGroup {
    /// `vpc-…`
    pub vpc: String,
    /// Whether it allows all traffic from itself, and to itself.
    pub itself: (bool, bool),
}

/// What the checks look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Those of the GPU subnets that there are.
    pub subnets: Vec<Subnet>,
    /// Zones that the instance type is offered in.
    pub offered: Vec<String>,
    /// The strategy of the placement group that the settings name, where it is there.
    pub placement: Option<String>,
    /// The security group that the settings name, where it is there.
    pub efa_group: Option<EfaGroup>,
    /// The capacity block or reservation that the settings name, where it is there.
    pub reservation: Option<Reservation>,
    /// The image that the settings name, where it is there and we may see it.
    pub image: Option<Image>,
    /// Nodes that node groups want now, by the group's name: those have their addresses already.
    pub nodes: BTreeMap<String, u64>,
    /// Those of the groups that are there as ones of the other kind: managed, where self-managed ones are to be made, and
    /// the other way round.
    pub other_kind: Vec<String>,
}

/// Asks for all but the nodes, for which the groups must be known: see [`nodes`].
pub async fn facts(door: &Door, settings: &Settings) -> Result<Facts, Failure> {
    let ids: Vec<_> = settings.gpu_subnets().into_iter().map(|(_, id)| id).collect();
    let offered = Form::new("ec2:DescribeInstanceTypeOfferings").with("LocationType", "availability-zone");
    let offered = offered.filter("instance-type", &[&settings.gpu_instance_type]);
    let subnets = subnets(door, &ids).await?;
    let offered = door.ec2.list(offered, "instanceTypeOfferingSet").await?;
    let offered = offered.iter().map(|offer| offer.text("location").to_owned()).collect();
    let mut facts = Facts { subnets, offered, ..Facts::default() };
    if let Some(name) = &settings.gpu_placement_group {
        facts.placement = placement(door, name).await?;
    }
    if let Some(id) = &settings.gpu_security_group {
        let form = Form::new("ec2:DescribeSecurityGroups").filter("group-id", &[id]);
        facts.efa_group = door.ec2.list(form, "securityGroupInfo").await?.first().map(|group| EfaGroup {
            vpc: group.text("vpcId").to_owned(),
            itself: (itself(group, "ipPermissions"), itself(group, "ipPermissionsEgress")),
        });
    }
    if let Some(id) = &settings.gpu_capacity_reservation_id {
        facts.reservation = reservation(door, id).await?;
    }
    if let Some(id) = &settings.gpu_ami_id {
        facts.image = image(door, id).await?;
    }
    Ok(facts)
}

/// The strategy of the placement group `name`, where it is there.
pub(super) async fn placement(door: &Door, name: &str) -> Result<Option<String>, Failure> {
    let form = Form::new("ec2:DescribePlacementGroups").filter("group-name", &[name]);
    let found = door.ec2.list(form, "placementGroupSet").await?;
    Ok(found.first().map(|group| group.text("strategy").to_owned()))
}

/// Those of `ids` that there are.
pub async fn subnets(door: &Door, ids: &[&str]) -> Result<Vec<Subnet>, Failure> {
    let form = Form::new("ec2:DescribeSubnets").filter("subnet-id", ids);
    Ok(door.ec2.list(form, "subnetSet").await?.iter().map(subnet).collect())
}

/// How many nodes each of `groups` wants now, by its name.
pub async fn nodes(
    door: &Door,
    settings: &Settings,
    groups: &[Group],
) -> Result<BTreeMap<String, u64>, Failure> {
    let cluster = &settings.cluster_name;
    let mut nodes = BTreeMap::new();
    for group in groups {
        let wanted = match settings.gpu_node_group_kind {
            NodeGroupKind::Managed => {
                let found = managed(door, cluster, &group.name).await?;
                let wanted =
                    found.and_then(|found| found.scaling_config).and_then(|sizes| sizes.desired_size);
                wanted.and_then(|nodes| u64::try_from(nodes).ok())
            }
            NodeGroupKind::SelfManaged => {
                let found = door.auto_scaling.group(&scaling_group(cluster, &group.name)).await?;
                found.and_then(|found| found.text("DesiredCapacity").parse().ok())
            }
        };
        nodes.insert(group.name.clone(), wanted.unwrap_or_default());
    }
    Ok(nodes)
}

/// Those of `groups` that are there as ones of the other kind. The two would share a template, a role and their nodes'
/// names. An Auto Scaling group of others is in nobody's way: EKS names its own otherwise.
pub async fn there_as_other_kind(
    door: &Door,
    settings: &Settings,
    groups: &[Group],
) -> Result<Vec<String>, Failure> {
    let mut there = Vec::new();
    for group in groups {
        let found = match settings.gpu_node_group_kind {
            NodeGroupKind::SelfManaged => managed(door, &settings.cluster_name, &group.name).await?.is_some(),
            NodeGroupKind::Managed => self_managed(door, settings, &group.name).await?,
        };
        there.extend(found.then(|| group.name.clone()));
    }
    Ok(there)
}

/// Whether there is an Auto Scaling group of this node group, and ours.
async fn self_managed(door: &Door, settings: &Settings, name: &str) -> Result<bool, Failure> {
    let found = door.auto_scaling.group(&scaling_group(&settings.cluster_name, name)).await?;
    let ours = gpu_owner(settings);
    let is_ours = |tag: &Element| tag.text("Key") == OWNER_TAG && tag.text("Value") == ours;
    Ok(found.is_some_and(|group| group.members("Tags").any(is_ours)))
}

async fn managed(door: &Door, cluster: &str, name: &str) -> Result<Option<Nodegroup>, Failure> {
    let request = door.eks.describe_nodegroup().cluster_name(cluster).nodegroup_name(name);
    match request.send().await.map_err(failed("eks:DescribeNodegroup")) {
        Ok(answer) => Ok(answer.nodegroup),
        Err(failure) if failure.meaning == Meaning::Absent => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn subnet(found: &Element) -> Subnet {
    Subnet {
        id: found.text("subnetId").to_owned(),
        vpc: found.text("vpcId").to_owned(),
        zone: found.text("availabilityZone").to_owned(),
        free: found.text("availableIpAddressCount").parse().unwrap_or_default(),
    }
}

/// Whether a security group's rules of one direction allow all traffic with itself.
pub(crate) fn itself(group: &Element, list: &str) -> bool {
    let own = group.text("groupId");
    // `-1` is every protocol.
    group.items(list).any(|rule| {
        rule.text("ipProtocol") == "-1" && rule.items("groups").any(|pair| pair.text("groupId") == own)
    })
}
