//! What the GPU node groups of one settings file are made of.

use super::catalogue::{CatalogueError, Maker, Row, document};
use super::node_group::{FIXED, NodeGroup, Sizes};
use super::{Kind, PlacementGroup, Role, SecurityGroup, Template, Things, tags};
use crate::aws::Cluster;
use crate::desired::Graph;
use crate::gpu::Group;
use crate::launch_template;
use crate::policies::{Places, node_group_role};
use crate::render::parts;
use crate::settings::{Loaded, Settings};

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

/// A role, a security group where one is to be made, and for each group its placement group, template and itself.
pub fn gpu_things(what: GpuThings<'_>) -> Result<(Things, Graph), CatalogueError> {
    let settings = &what.loaded.settings;
    let mut maker = Maker::new(settings, &what.cluster.account);
    let (owner, name) = (tags::gpu_owner(settings), &settings.gpu_node_group_name);
    let cluster = &settings.cluster_name;

    let role_name = node_group_role(cluster, name);
    let role_arn = maker.iam_arn(&format!("role/{role_name}"));
    let trust = document("ec2-trust", &Places::of(settings), true).map_err(CatalogueError::Policy)?;
    let attached = parts::node_policy_arns(settings).into_iter().collect();
    let role = maker.role(Role { name: role_name, trust, attached, owner: owner.clone() }, true, &[]);

    let mut shared = Vec::new();
    let efa_group = SecurityGroup {
        name: format!("{cluster}-{name}-efa"),
        vpc: settings.vpc_id.clone(),
        owner: owner.clone(),
    };
    if settings.gpu_create_security_group || what.everything {
        let kind = Kind::SecurityGroup(efa_group.clone());
        let row = Row::new("EC2 security group", SecurityGroup::desired(), true, kind);
        shared.push(maker.add(format!("security-group/{}", efa_group.name), row, &[]));
    }
    let efa_group = settings.gpu_create_security_group.then_some(efa_group);
    for group in what.groups {
        let mut needs = shared.clone();
        let own = format!("{cluster}-{}", group.name);
        if settings.gpu_create_placement_group || what.everything {
            let placement = PlacementGroup { name: own.clone(), owner: owner.clone() };
            let kind = Kind::PlacementGroup(placement);
            let row = Row::new("EC2 placement group", PlacementGroup::desired(), true, kind);
            let row = Row { fixed: vec!["strategy"], ..row };
            needs.push(maker.add(format!("placement-group/{own}"), row, &[]));
        }
        let template = Template {
            launched: template(what, &own)?,
            name: own.clone(),
            efa_group: efa_group.clone(),
            owner: owner.clone(),
        };
        let node_group = node_group(settings, group, &role_arn, template.clone());
        let row =
            Row::new("EC2 launch template", Template::desired(), true, Kind::Template(Box::new(template)));
        let template = maker.add(format!("launch-template/{own}"), row, &needs);
        let kind = Kind::NodeGroup(Box::new(node_group.clone()));
        let row =
            Row { fixed: FIXED.to_vec(), ..Row::new("EKS node group", node_group.desired(), true, kind) };
        maker.add(format!("eks-node-group/{}", group.name), row, &[role.clone(), template]);
    }
    let graph = Graph::new(maker.things.values().map(|thing| thing.resource.clone()))?;
    Ok((maker.things, graph))
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

fn node_group(settings: &Settings, group: &Group, role_arn: &str, template: Template) -> NodeGroup {
    let size = |nodes: u64| i32::try_from(nodes).unwrap_or(i32::MAX);
    NodeGroup {
        cluster: settings.cluster_name.clone(),
        name: group.name.clone(),
        subnets: group.subnets.clone(),
        role_arn: role_arn.to_owned(),
        ami_type: settings.gpu_ami_id.is_none().then(|| parts::ami_type(settings)),
        capacity_type: parts::capacity_type(settings),
        sizes: Sizes {
            min: size(settings.gpu_min_size),
            max: size(settings.gpu_max_size),
            desired: size(settings.gpu_desired_size),
        },
        labels: parts::GROUP_LABELS
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        repair: settings.eks_repair,
        owner: template.owner.clone(),
        template,
    }
}
