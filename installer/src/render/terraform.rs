//! A Terraform module. It reads the policies and the user data beside it.

mod iam;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::hcl::{self, Block};
use super::{autoscaler, parts};
use crate::launch_template::{LaunchTemplate, Market, OWNER_TAG, Placed, Volume};
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
        launch_template(settings, template),
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

fn launch_template(settings: &Settings, template: &LaunchTemplate) -> Block {
    let mut block = Block::new("resource", &["aws_launch_template", "gpu"])
        .value("name", format!("{}-{}", settings.cluster_name, settings.gpu_node_group_name))
        .value("instance_type", template.instance_type.clone())
        .value("ebs_optimized", true)
        .value("update_default_version", true)
        .raw("user_data", "filebase64(\"${path.module}/user-data.mime\")")
        .value("tags", tags(settings));
    if let Some(image) = &template.image {
        block = block.value("image_id", image.clone());
    }
    if settings.gpu_node_group_kind == NodeGroupKind::SelfManaged {
        let profile =
            Block::new("iam_instance_profile", &[]).raw("name", "aws_iam_instance_profile.gpu_node.name");
        block = block.block(profile);
    }
    block = block.block(
        Block::new("metadata_options", &[])
            .value("http_endpoint", "enabled")
            .value("http_tokens", "required")
            .value("http_put_response_hop_limit", template.imds_hop_limit)
            .value("instance_metadata_tags", "disabled"),
    );
    for volume in &template.volumes {
        block = block.block(self::volume(volume));
    }
    for placed in &template.interfaces {
        block = block.block(interface(template, placed));
    }
    for kind in ["instance", "volume", "network-interface"] {
        let tags: Map<_, _> =
            template.tags.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let tagged = Block::new("tag_specifications", &[]).value("resource_type", kind);
        block = block.block(tagged.value("tags", Value::Object(tags)));
    }
    if let Some(group) = &template.placement_group {
        block = block.block(Block::new("placement", &[]).value("group_name", group.clone()));
    }
    market(block, &template.market)
}

fn market(block: Block, market: &Market) -> Block {
    let kind = |kind: &str| Block::new("instance_market_options", &[]).value("market_type", kind);
    let target = |id: &str| {
        let target = Block::new("capacity_reservation_target", &[]).value("capacity_reservation_id", id);
        Block::new("capacity_reservation_specification", &[]).block(target)
    };
    match market {
        Market::Open => block,
        Market::Spot => block.block(kind("spot")),
        Market::CapacityBlock(id) => block.block(kind("capacity-block")).block(target(id)),
        Market::Reservation(id) => block.block(target(id)),
    }
}

fn volume(volume: &Volume) -> Block {
    let ebs = Block::new("ebs", &[])
        .value("volume_type", "gp3")
        .value("volume_size", volume.size)
        .value("iops", volume.iops)
        .value("throughput", volume.throughput)
        .value("encrypted", true)
        .value("delete_on_termination", true);
    Block::new("block_device_mappings", &[]).value("device_name", volume.device).block(ebs)
}

fn interface(template: &LaunchTemplate, placed: &Placed) -> Block {
    let interface = placed.interface;
    let mut block = Block::new("network_interfaces", &[])
        .value("network_card_index", interface.card)
        .value("device_index", interface.device)
        .value("interface_type", interface.api_type())
        .value("delete_on_termination", true);
    if interface.has_address() {
        block = block.value("associate_public_ip_address", false);
    }
    if !template.security_groups.is_empty() {
        block = block.value("security_groups", template.security_groups.clone());
    }
    if let Some(subnet) = &placed.subnet {
        block = block.value("subnet_id", subnet.clone());
    }
    block
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
