//! The launch template of GPU nodes, as data that renders to what EC2 takes.

mod json;
mod make;
#[cfg(test)]
mod tests;

pub use make::{MakeError, make};

use crate::layout::Interface;

/// A launch template. Names are those of EC2's `RequestLaunchTemplateData`, where nothing else is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchTemplate {
    /// `InstanceType`.
    pub instance_type: String,
    /// `ImageId`; with none a managed node group picks the image.
    pub image: Option<String>,
    /// `NetworkInterfaces`.
    pub interfaces: Vec<Placed>,
    /// `IamInstanceProfile`, by name; managed groups have their own.
    pub instance_profile: Option<String>,
    /// Security groups of every interface; empty leaves it to EKS, which takes the cluster's own.
    pub security_groups: Vec<String>,
    /// `BlockDeviceMappings`.
    pub volumes: Vec<Volume>,
    /// `MetadataOptions.HttpPutResponseHopLimit`; tokens are always required.
    pub imds_hop_limit: u64,
    /// How the instances are bought.
    pub market: Market,
    /// `Placement.GroupName`.
    pub placement_group: Option<String>,
    /// Tags of instances, volumes and interfaces.
    pub tags: Vec<(String, String)>,
    /// User data before base64.
    pub user_data: Vec<u8>,
}

/// An interface, with a subnet of its own in self-managed groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Where on the instance.
    pub interface: Interface,
    /// `SubnetId`; managed groups refuse a template that has one.
    pub subnet: Option<String>,
}

/// An EBS volume, gp3, encrypted, gone with its instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// `DeviceName`.
    pub device: String,
    /// GiB.
    pub size: u64,
    /// Operations per second.
    pub iops: u64,
    /// MiB/s.
    pub throughput: u64,
}

/// How the instances are bought, as far as a template says it. A managed group says spot itself and refuses a
/// template that does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Market {
    /// On demand, or as the node group says.
    Open,
    /// Spot, in a self-managed group.
    Spot,
    /// The capacity block with this id.
    CapacityBlock(String),
    /// The on-demand reservation with this id, and nothing beside it.
    Reservation(String),
}

/// Where the image that EKS or Karpenter picks has its root: Amazon Linux 2023.
pub const ROOT_DEVICE: &str = "/dev/xvda";
/// Where the data volume is attached. The agent finds it by this name in the controller's vendor area.
pub const DATA_DEVICE: &str = "/dev/sdf";
/// Tag of what the installer made, with the cluster's name: nothing without it is ever changed or removed.
pub const OWNER_TAG: &str = "gpunode.io/cluster";
