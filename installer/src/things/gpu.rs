//! What the GPU node groups of one settings file are made of.

mod own;

use super::catalogue::{CatalogueError, Maker, Row, document};
use super::node_group::{FIXED, NodeGroup, Sizes};
use super::{
    AccessEntry, InstanceProfile, Kind, PlacementGroup, Role, SecurityGroup, Template, Things, tags,
};
use crate::aws::Cluster;
use crate::desired::Graph;
use crate::gpu::{Group, scaling_group};
use crate::launch_template;
use crate::policies::{Places, node_group_role};
use crate::render::{autoscaler, parts};
use crate::settings::{Loaded, NodeGroupKind, Settings};

/// For which groups.
#[derive(Clone, Copy, Debug)]
pub struct GpuThings<'a> {
    /// The settings.
    pub loaded: &'a Loaded,
    /// The cluster as it is.
    pub cluster: &'a Cluster,
    /// The groups.
    pub groups: &'a [Group],
    /// Also what the settings do not ask for (any more) and an earlier run may have made: to be removed or shown.
    pub everything: bool,
}

/// A role, a security group where one is to be made, and for each group its placement group, template and itself; for
/// self-managed ones also what EKS makes by itself for managed ones: an instance profile, and an access entry.
pub fn gpu_things(what: GpuThings<'_>) -> Result<(Things, Graph), CatalogueError> {
    let settings = &what.loaded.settings;
    let mut maker = Maker::new(settings, &what.cluster.account);
    let common = common(&mut maker, what)?;
    for group in what.groups {
        add_group(&mut maker, what, &common, group)?;
    }
    let graph = Graph::new(maker.things.values().map(|thing| thing.resource.clone()))?;
    Ok((maker.things, graph))
}

/// What all groups share.
struct Common {
    role: String,
    role_arn: String,
    /// Of self-managed groups: the name of the instance profile, and the ids of what must be there before nodes are.
    own: Option<(String, Vec<String>)>,
    efa_group: Option<SecurityGroup>,
    /// What templates need.
    shared: Vec<String>,
}

fn common(maker: &mut Maker<'_>, what: GpuThings<'_>) -> Result<Common, CatalogueError> {
    let settings = maker.settings();
    let (owner, name) = (tags::gpu_owner(settings), &settings.gpu_node_group_name);
    let cluster = &settings.cluster_name;
    let role_name = node_group_role(cluster, name);
    let role_arn = maker.iam_arn(&format!("role/{role_name}"));
    let trust = document("ec2-trust", &Places::of(settings), true).map_err(CatalogueError::Policy)?;
    let attached = parts::node_policy_arns(settings).into_iter().collect();
    let role = Role { name: role_name.clone(), trust, attached, owner: owner.clone() };
    let role = maker.role(role, true, &[]);
    let own = what.makes(NodeGroupKind::SelfManaged).then(|| {
        let (name, owner) = (role_name, owner.clone());
        let profile = InstanceProfile { name: name.clone(), role: name.clone(), owner: owner.clone() };
        let row = Row::new("IAM instance profile", profile.desired(), true, Kind::InstanceProfile(profile));
        let mut needs = vec![maker.add(format!("instance-profile/{name}"), row, std::slice::from_ref(&role))];
        let entry = AccessEntry { cluster: cluster.clone(), role_arn: role_arn.clone(), owner };
        let row = Row::new("EKS access entry", AccessEntry::desired(), true, Kind::AccessEntry(entry));
        let row = Row { fixed: vec!["type"], ..row };
        let entry = maker.add(format!("eks-access-entry/{name}"), row, std::slice::from_ref(&role));
        needs.push(entry);
        (name, needs)
    });
    let mut shared = Vec::new();
    let efa_group =
        SecurityGroup { name: format!("{cluster}-{name}-efa"), vpc: settings.vpc_id.clone(), owner };
    if settings.gpu_create_security_group || what.everything {
        let kind = Kind::SecurityGroup(efa_group.clone());
        let row = Row::new("EC2 security group", SecurityGroup::desired(), true, kind);
        shared.push(maker.add(format!("security-group/{}", efa_group.name), row, &[]));
    }
    let efa_group = settings.gpu_create_security_group.then_some(efa_group);
    Ok(Common { role, role_arn, own, efa_group, shared })
}

fn add_group(
    maker: &mut Maker<'_>,
    what: GpuThings<'_>,
    common: &Common,
    group: &Group,
) -> Result<(), CatalogueError> {
    let settings = maker.settings();
    let owner = tags::gpu_owner(settings);
    let mut needs = common.shared.clone();
    let name = scaling_group(&settings.cluster_name, &group.name);
    if settings.gpu_create_placement_group || what.everything {
        let placement = PlacementGroup { name: name.clone(), owner: owner.clone() };
        let kind = Kind::PlacementGroup(placement);
        let row = Row::new("EC2 placement group", PlacementGroup::desired(), true, kind);
        let row = Row { fixed: vec!["strategy"], ..row };
        needs.push(maker.add(format!("placement-group/{name}"), row, &[]));
    }
    let mut launched = template(what, &name)?;
    if settings.gpu_node_group_kind == NodeGroupKind::SelfManaged {
        launched.instance_profile = common.own.as_ref().map(|(profile, _)| profile.clone());
    }
    let template = Template { launched, name: name.clone(), efa_group: common.efa_group.clone(), owner };
    let kind = Kind::Template(Box::new(template.clone()));
    let row = Row::new("EC2 launch template", Template::desired(), true, kind);
    let template_id = maker.add(format!("launch-template/{name}"), row, &needs);
    if what.makes(NodeGroupKind::Managed) {
        let node_group = node_group(settings, group, &common.role_arn, template.clone());
        let (desired, kind) = (node_group.desired(), Kind::NodeGroup(Box::new(node_group)));
        let row = Row { fixed: FIXED.to_vec(), ..Row::new("EKS node group", desired, true, kind) };
        let id = format!("eks-node-group/{}", group.name);
        maker.add(id, row, &[common.role.clone(), template_id.clone()]);
    }
    if let Some((_, needs)) = &common.own {
        let group = own::group(settings, group, template);
        let (desired, kind) = (group.desired(), Kind::ScalingGroup(Box::new(group)));
        let row = Row::new("EC2 Auto Scaling group", desired, true, kind);
        maker.add(format!("auto-scaling-group/{name}"), row, &[&needs[..], &[template_id]].concat());
    }
    Ok(())
}

impl GpuThings<'_> {
    /// Whether there can be groups of this kind.
    fn makes(&self, kind: NodeGroupKind) -> bool {
        self.everything || self.loaded.settings.gpu_node_group_kind == kind
    }
}

/// With the groups that this run makes: the placement group by its name, the security group once its id is known.
fn template(what: GpuThings<'_>, placement: &str) -> Result<launch_template::LaunchTemplate, CatalogueError> {
    let mut loaded = what.loaded.clone();
    let settings = &mut loaded.settings;
    if settings.cluster_security_group.is_none() {
        settings.cluster_security_group.clone_from(&what.cluster.security_group);
    }
    if settings.gpu_create_placement_group {
        settings.gpu_placement_group = Some(placement.to_owned());
    }
    let mut template = launch_template::make(&loaded)?;
    if loaded.settings.gpu_create_security_group {
        // Where the template names a group, EKS adds none of its own.
        template.security_groups = loaded.settings.cluster_security_group.into_iter().collect();
    }
    Ok(template)
}

fn sizes(settings: &Settings) -> Sizes {
    let size = |nodes: u64| i32::try_from(nodes).unwrap_or(i32::MAX);
    Sizes {
        min: size(settings.gpu_min_size),
        max: size(settings.gpu_max_size),
        desired: size(settings.gpu_desired_size),
    }
}

fn node_group(settings: &Settings, group: &Group, role_arn: &str, template: Template) -> NodeGroup {
    NodeGroup {
        cluster: settings.cluster_name.clone(),
        name: group.name.clone(),
        subnets: group.subnets.clone(),
        role_arn: role_arn.to_owned(),
        ami_type: settings.gpu_ami_id.is_none().then(|| parts::ami_type(settings)),
        capacity_type: parts::capacity_type(settings),
        sizes: sizes(settings),
        labels: parts::GROUP_LABELS
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        repair: settings.eks_repair,
        tags: autoscaler::managed_tags(settings),
        owner: template.owner.clone(),
        template,
    }
}
