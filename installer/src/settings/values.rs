//! The settings as one typed value.

use gpunode_host::catalog::{self, InstanceType};
use gpunode_host::spec::EfaLayout;
use serde::{Deserialize, Serialize};

use super::choices::{Capacity, DaemonsetDevices, Devices, NodeGroupKind};
use super::form;

/// Every setting, checked. Fields are the names of the file; those in GiB, MiB/s and so on say so in the table.
#[allow(missing_docs, reason = "the table says what each is")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
pub struct Settings {
    pub cluster_name: String,
    pub aws_region: String,
    pub aws_account_id: Option<String>,
    pub kubernetes_version: String,
    pub vpc_id: String,
    pub private_subnet_a: String,
    pub private_subnet_b: Option<String>,
    pub private_subnet_c: Option<String>,
    pub cluster_security_group: Option<String>,
    pub utils_node_group: String,
    pub cluster_endpoint: Option<String>,
    pub cluster_ca: Option<String>,
    pub cluster_cidr: Option<String>,
    pub install_kubernetes: bool,
    pub install_io2_storageclass: bool,
    pub io2_iops: u64,
    pub load_balancer_controller_chart: String,
    pub load_balancer_controller_chart_version: String,
    pub cluster_autoscaler_chart: String,
    pub cluster_autoscaler_chart_version: String,
    pub gpu_devices: Devices,
    pub nvidia_dra_driver_chart: String,
    pub nvidia_dra_driver_chart_version: String,
    pub efa_dra_driver_chart: String,
    pub efa_dra_driver_chart_version: String,
    pub install_karpenter: bool,
    pub karpenter_version: String,
    pub karpenter_chart: String,
    pub install_gpunode_daemonset: bool,
    pub daemonset_image: Option<String>,
    pub daemonset_devices: DaemonsetDevices,
    pub daemonset_taint: bool,
    pub daemonset_flow_control: bool,
    pub install_efs_csi: bool,
    pub install_fsx_csi: bool,
    pub install_s3_csi: bool,
    pub s3_csi_buckets: Vec<String>,
    pub gpu_instance_type: String,
    pub gpu_node_group_name: String,
    pub gpu_node_group_kind: NodeGroupKind,
    pub gpu_min_size: u64,
    pub gpu_desired_size: u64,
    pub gpu_max_size: u64,
    pub gpu_subnet_a: String,
    pub gpu_subnet_b: Option<String>,
    pub gpu_subnet_c: Option<String>,
    pub gpu_zone: Option<String>,
    pub gpu_security_group: Option<String>,
    pub gpu_create_security_group: bool,
    pub gpu_capacity: Capacity,
    pub gpu_capacity_reservation_id: Option<String>,
    pub gpu_placement_group: Option<String>,
    pub gpu_create_placement_group: bool,
    pub gpu_efa_layout: EfaLayout,
    pub gpu_num_enis: Option<u32>,
    pub gpu_root_volume_size: u64,
    pub gpu_data_volume_size: Size,
    pub gpu_data_volume_iops: u64,
    pub gpu_data_volume_throughput: u64,
    pub gpu_imds_hop_limit: u64,
    pub gpu_ami_id: Option<String>,
    pub gpu_root_device: String,
    pub nvidia_driver_version: String,
    pub efa_driver_version: String,
    pub nccl_version: String,
    pub agent_url: Option<String>,
    pub agent_sha256: Option<String>,
    pub eks_repair: bool,
}

/// Size of a volume that may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Size {
    /// There is no volume.
    #[serde(rename = "none")]
    None,
    /// So many GiB.
    #[serde(untagged)]
    Gib(u64),
}

impl Settings {
    /// The row of the instance type; `None` where the catalogue has none, which `load` does not let pass.
    pub fn instance_type(&self) -> Option<InstanceType> {
        catalog::find(&self.gpu_instance_type)
    }

    /// The GPU subnets with the letter of each.
    pub fn gpu_subnets(&self) -> Vec<(char, &str)> {
        let others = [('b', &self.gpu_subnet_b), ('c', &self.gpu_subnet_c)];
        let others = others.into_iter().filter_map(|(letter, id)| Some((letter, id.as_deref()?)));
        std::iter::once(('a', self.gpu_subnet_a.as_str())).chain(others).collect()
    }

    /// The cluster's private subnets.
    pub fn private_subnets(&self) -> Vec<&str> {
        let others = [&self.private_subnet_b, &self.private_subnet_c];
        std::iter::once(self.private_subnet_a.as_str())
            .chain(others.into_iter().flatten().map(String::as_str))
            .collect()
    }

    /// The partition that ARNs of the region name. Source: the partitions of botocore's `endpoints.json`.
    pub fn partition(&self) -> &'static str {
        let prefixes = [
            ("cn-", "aws-cn"),
            ("us-gov-", "aws-us-gov"),
            ("us-isob-", "aws-iso-b"),
            ("us-isof-", "aws-iso-f"),
            ("us-iso-", "aws-iso"),
            ("eu-isoe-", "aws-iso-e"),
            ("eusc-", "aws-eusc"),
        ];
        prefixes
            .iter()
            .find(|(prefix, _)| self.aws_region.starts_with(prefix))
            .map_or("aws", |(_, name)| name)
    }

    /// Whether the cluster's own security group allows EFA's traffic between nodes: EKS's does from 1.33 on (eksctl
    /// makes no group of its own there). It is for managed groups; others may not use it for their nodes alone.
    pub fn cluster_group_allows_efa(&self) -> bool {
        self.gpu_node_group_kind == NodeGroupKind::Managed && self.kubernetes_is_from(33)
    }

    /// Whether the cluster's Kubernetes is 1.`minor` or newer.
    pub(super) fn kubernetes_is_from(&self, minor: u32) -> bool {
        let ours = self.kubernetes_version.strip_prefix("1.").and_then(|ours| ours.parse::<u32>().ok());
        ours.is_some_and(|ours| ours >= minor)
    }

    /// Whether GPUs and EFA interfaces are given by `ResourceClaim`.
    pub fn uses_dra(&self) -> bool {
        self.gpu_devices == Devices::Dra
    }

    /// Whether Karpenter starts GPU nodes. Its support for claims is alpha and off by default, from 1.15 on (Karpenter,
    /// "Utilizing GPUs and EFAs with Dynamic Resource Allocation"); a node whose GPUs nobody gives away would stay empty.
    pub fn karpenter_has_gpus(&self) -> bool {
        self.install_karpenter && !self.uses_dra()
    }

    /// Whether the node classes of this Karpenter can say which interfaces are EFA-only: `networkInterfaces` is there
    /// since 1.11.
    pub fn karpenter_says_interfaces(&self) -> bool {
        self.karpenter_is_from([1, 11, 0])
    }

    /// Whether they can name a placement group: `placementGroupSelector` is in the definitions of 1.14.0, the oldest that were
    /// looked at for it.
    pub fn karpenter_says_placement(&self) -> bool {
        self.karpenter_is_from([1, 14, 0])
    }

    fn karpenter_is_from(&self, least: [u32; 3]) -> bool {
        form::version(&self.karpenter_version).is_some_and(|version| version >= least)
    }
}
