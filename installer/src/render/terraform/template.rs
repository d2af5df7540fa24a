//! The launch template.

use serde_json::{Map, Value, json};

use super::tags;
use crate::launch_template::{LaunchTemplate, Market, Placed, Volume};
use crate::render::hcl::Block;
use crate::settings::{NodeGroupKind, Settings};

pub(super) fn launch_template(settings: &Settings, template: &LaunchTemplate) -> Block {
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
    Block::new("block_device_mappings", &[]).value("device_name", volume.device.as_str()).block(ebs)
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
