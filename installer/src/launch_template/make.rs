//! From settings to a launch template.

use gpunode_host::spec::EfaLayout;

use super::{DATA_DEVICE, LaunchTemplate, Market, OWNER_TAG, Placed, Volume};
use crate::layout::{self, LayoutError, Subnet, SubnetError};
use crate::settings::{Capacity, Loaded, NodeGroupKind, Settings, Size};
use crate::user_data::{self, UserDataError};

/// Why there can be no template. Settings that `load` accepts bring about the last at most.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// A type without a row.
    #[error("{0}: not in the catalogue")]
    UnknownType(String),
    /// Interfaces that the type does not have.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// Subnets that no instance can be in together.
    #[error(transparent)]
    Subnets(#[from] SubnetError),
    /// User data that cannot be written.
    #[error(transparent)]
    UserData(#[from] UserDataError),
}

/// IOPS and MiB/s that every gp3 volume has at no charge (EBS User Guide, gp3).
const GP3_INCLUDED: (u64, u64) = (3000, 125);

/// The template of the settings' GPU nodes.
pub fn make(loaded: &Loaded) -> Result<LaunchTemplate, MakeError> {
    let settings = &loaded.settings;
    let data = user_data::of(settings, &loaded.node_variables)?;
    // EKS merges a part of its own into plain text only.
    let user_data = data.mime(false).map_err(UserDataError::from)?;
    let groups = [&settings.cluster_security_group, &settings.gpu_security_group];
    // The cluster's group alone is what EKS takes by itself in a managed group.
    let own =
        settings.gpu_security_group.is_some() || settings.gpu_node_group_kind == NodeGroupKind::SelfManaged;
    Ok(LaunchTemplate {
        instance_type: settings.gpu_instance_type.clone(),
        image: settings.gpu_ami_id.clone(),
        interfaces: interfaces(settings)?,
        instance_profile: None,
        security_groups: groups.into_iter().flatten().filter(|_| own).cloned().collect(),
        volumes: volumes(settings),
        imds_hop_limit: settings.gpu_imds_hop_limit,
        market: market(settings),
        placement_group: settings.gpu_placement_group.clone(),
        tags: tags(settings),
        user_data,
    })
}

fn interfaces(settings: &Settings) -> Result<Vec<Placed>, MakeError> {
    let kind =
        settings.instance_type().ok_or_else(|| MakeError::UnknownType(settings.gpu_instance_type.clone()))?;
    let layout: EfaLayout = settings.gpu_efa_layout;
    let interfaces = layout::interfaces(&kind, layout, settings.gpu_num_enis)?;
    let subnets: Vec<_> = match settings.gpu_node_group_kind {
        NodeGroupKind::Managed => vec![None; interfaces.len()],
        NodeGroupKind::SelfManaged => {
            let subnets = own_subnets(settings);
            layout::spread(&subnets, interfaces.len())?.into_iter().map(|id| Some(id.to_owned())).collect()
        }
    };
    let placed = interfaces.into_iter().zip(subnets);
    Ok(placed.map(|(interface, subnet)| Placed { interface, subnet }).collect())
}

/// The zone is what the settings say: that it is so is checked before anything is created.
fn own_subnets(settings: &Settings) -> Vec<Subnet> {
    let zone = settings.gpu_zone.clone().unwrap_or_default();
    settings.gpu_subnets().iter().map(|(_, id)| Subnet { id: (*id).to_owned(), zone: zone.clone() }).collect()
}

fn volumes(settings: &Settings) -> Vec<Volume> {
    let (iops, throughput) = GP3_INCLUDED;
    let root = Volume {
        device: settings.gpu_root_device.clone(),
        size: settings.gpu_root_volume_size,
        iops,
        throughput,
    };
    let data = match settings.gpu_data_volume_size {
        Size::None => None,
        Size::Gib(size) => Some(Volume {
            device: DATA_DEVICE.to_owned(),
            size,
            iops: settings.gpu_data_volume_iops,
            throughput: settings.gpu_data_volume_throughput,
        }),
    };
    std::iter::once(root).chain(data).collect()
}

fn market(settings: &Settings) -> Market {
    let id = settings.gpu_capacity_reservation_id.clone().unwrap_or_default();
    match (settings.gpu_capacity, settings.gpu_node_group_kind) {
        (Capacity::CapacityBlock, _) => Market::CapacityBlock(id),
        (Capacity::Reservation, _) => Market::Reservation(id),
        (Capacity::Spot, NodeGroupKind::SelfManaged) => Market::Spot,
        (Capacity::Spot, NodeGroupKind::Managed) | (Capacity::OnDemand, _) => Market::Open,
    }
}

fn tags(settings: &Settings) -> Vec<(String, String)> {
    let cluster = &settings.cluster_name;
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let mut tags =
        vec![tag("Name", &format!("{cluster}-{}", settings.gpu_node_group_name)), tag(OWNER_TAG, cluster)];
    // Nodes of a managed group get it from EKS.
    if settings.gpu_node_group_kind == NodeGroupKind::SelfManaged {
        tags.push(tag(&format!("kubernetes.io/cluster/{cluster}"), "owned"));
    }
    tags
}
