//! The cluster, which exists already.

use gpunode_host::spec::form::aws;

use super::Preset::{Is, None, Required};
use super::{Setting, setting, text};
use crate::settings::form;

pub(super) const SETTINGS: &[Setting] = &[
    setting("CLUSTER_NAME", text(&aws::CLUSTER), Required, "Name of the EKS cluster."),
    setting("AWS_REGION", text(&aws::REGION), Required, "Region of the cluster."),
    setting("AWS_ACCOUNT_ID", text(&form::ACCOUNT), None, "Account of the cluster; IAM policies name it."),
    setting(
        "KUBERNETES_VERSION",
        text(&form::KUBERNETES_VERSION),
        Is("1.34"),
        "Version of the cluster's control plane.",
    ),
    setting("VPC_ID", text(&form::VPC), Required, "VPC of the cluster."),
    setting("PRIVATE_SUBNET_A", text(&form::SUBNET), Required, "Private subnet of the cluster."),
    setting("PRIVATE_SUBNET_B", text(&form::SUBNET), None, "Another one, where there is one."),
    setting("PRIVATE_SUBNET_C", text(&form::SUBNET), None, "And another one."),
    setting(
        "CLUSTER_SECURITY_GROUP",
        text(&form::SECURITY_GROUP),
        None,
        "The cluster's own security group. Launch templates that name security groups must name it too.",
    ),
    setting(
        "UTILS_NODE_GROUP",
        text(&form::NODE_GROUP),
        Is("eks-utils"),
        "Managed node group that cluster services such as the metrics server run on.",
    ),
    setting(
        "CLUSTER_ENDPOINT",
        text(&form::HTTPS_URL),
        None,
        "URL of the API server; only with GPU_AMI_ID, for nodeadm.",
    ),
    setting(
        "CLUSTER_CA",
        text(&form::BASE64),
        None,
        "The API server's certificate authority in base64; only with GPU_AMI_ID, for nodeadm.",
    ),
    setting(
        "CLUSTER_CIDR",
        text(&form::CIDR),
        None,
        "The cluster's service addresses; only with GPU_AMI_ID, for nodeadm.",
    ),
];
