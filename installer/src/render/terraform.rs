//! A Terraform module. It reads the policies and the user data beside it.

mod iam;
mod template;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::hcl::{self, Block};
use super::{autoscaler, parts};
use crate::launch_template::{LaunchTemplate, OWNER_TAG};
use crate::policies::gpu_node_role;
use crate::settings::{NodeGroupKind, Settings};

const HEAD: &str = "# Made by `installer render terraform`; the settings are the source.\n\n";

pub(super) fn text(settings: &Settings, template: &LaunchTemplate) -> String {
    // 6.0 of the provider is the first whose node groups know CAPACITY_BLOCK and repair; it wants Terraform 1.3.
    let provider = json!({ "source": "hashicorp/aws", "version": ">= 6.0" });
    let mut blocks = vec![
        Block::new("terraform", &[])
            .value("required_version", ">= 1.3")
            .block(Block::new("required_providers", &[]).value("aws", provider)),
        Block::new("provider", &["aws"]).value("region", settings.aws_region.clone()),
        template::launch_template(settings, template),
    ];
    blocks.extend(iam::node_role(settings, "gpu_node", &gpu_node_role(&settings.cluster_name)));
    match settings.gpu_node_group_kind {
        NodeGroupKind::Managed => blocks.extend(managed(settings)),
        NodeGroupKind::SelfManaged => blocks.extend(self_managed(settings)),
    }
    blocks.extend(parts::addons(settings).into_iter().map(|addon| self::addon(settings, addon)));
    blocks.extend(iam::pod_identity(settings));
    if settings.install_karpenter {
        blocks.extend(iam::karpenter(settings));
    }
    format!("{HEAD}{}", hcl::document(&blocks))
}

pub(super) fn tags(settings: &Settings) -> Value {
    marked(settings, BTreeMap::new())
}

/// The mark of what is ours beside other tags.
fn marked(settings: &Settings, tags: BTreeMap<String, String>) -> Value {
    let ours = parts::tags(settings).map(|(name, value)| (name.to_owned(), value.to_owned()));
    json!(ours.into_iter().chain(tags).collect::<BTreeMap<_, _>>())
}

fn managed(settings: &Settings) -> Vec<Block> {
    let labels: Map<_, _> =
        parts::GROUP_LABELS.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let group = |group: parts::NodeGroup<'_>| {
        let mut block = Block::new("resource", &["aws_eks_node_group", &group.name.replace(['.', '-'], "_")])
            .value("cluster_name", settings.cluster_name.clone())
            .value("node_group_name", group.name.clone())
            .raw("node_role_arn", "aws_iam_role.gpu_node.arn")
            .value("subnet_ids", json!(group.subnets))
            .value("capacity_type", parts::capacity_type(settings))
            .value("labels", Value::Object(labels.clone()))
            .value("tags", marked(settings, autoscaler::managed_tags(settings)));
        // A template with an image of its own decides.
        if settings.gpu_ami_id.is_none() {
            block = block.value("ami_type", parts::ami_type(settings));
        }
        let template = Block::new("launch_template", &[])
            .raw("id", "aws_launch_template.gpu.id")
            .raw("version", "aws_launch_template.gpu.latest_version");
        let scaling = Block::new("scaling_config", &[])
            .value("min_size", settings.gpu_min_size)
            .value("desired_size", settings.gpu_desired_size)
            .value("max_size", settings.gpu_max_size);
        let taint = Block::new("taint", &[])
            .value("key", "nvidia.com/gpu")
            .value("value", "true")
            .value("effect", "NO_SCHEDULE");
        let repair = Block::new("node_repair_config", &[]).value("enabled", settings.eks_repair);
        // How many nodes there are is the autoscaler's business from then on.
        let kept = Block::new("lifecycle", &[]).raw("ignore_changes", "[scaling_config[0].desired_size]");
        block
            .raw("depends_on", "[aws_iam_role_policy_attachment.gpu_node]")
            .block(template)
            .block(scaling)
            .block(taint)
            .block(repair)
            .block(kept)
    };
    parts::node_groups(settings).into_iter().map(group).collect()
}

fn self_managed(settings: &Settings) -> Vec<Block> {
    let mut group = Block::new("resource", &["aws_autoscaling_group", "gpu"])
        .value("name", settings.gpu_node_group_name.clone())
        .value("min_size", settings.gpu_min_size)
        .value("desired_capacity", settings.gpu_desired_size)
        .value("max_size", settings.gpu_max_size)
        .value("vpc_zone_identifier", json!([settings.gpu_subnet_a]))
        .block(
            Block::new("launch_template", &[])
                .raw("id", "aws_launch_template.gpu.id")
                .raw("version", "aws_launch_template.gpu.latest_version"),
        );
    let owner = (OWNER_TAG.to_owned(), settings.cluster_name.clone());
    for (name, value) in std::iter::once(owner).chain(autoscaler::own_tags(settings)) {
        let tag = Block::new("tag", &[]).value("key", name).value("value", value);
        group = group.block(tag.value("propagate_at_launch", false));
    }
    vec![
        group.block(Block::new("lifecycle", &[]).raw("ignore_changes", "[desired_capacity]")),
        iam::profile(settings, "gpu_node"),
        iam::access_entry(settings, "gpu_node"),
    ]
}

fn addon(settings: &Settings, addon: parts::Addon) -> Block {
    let block = Block::new("resource", &["aws_eks_addon", &addon.name.replace('-', "_")])
        .value("cluster_name", settings.cluster_name.clone())
        .value("addon_name", addon.name)
        .value("resolve_conflicts_on_create", "OVERWRITE")
        .value("resolve_conflicts_on_update", "PRESERVE")
        .value("tags", tags(settings));
    match addon.configuration {
        Some(configuration) => block.value("configuration_values", configuration.to_string()),
        None => block,
    }
}
