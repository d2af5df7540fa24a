//! What the EC2 instance metadata service says about this instance.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Who this instance is. Source: `dynamic/instance-identity/document` and `meta-data/` leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// `i-…`
    pub instance_id: String,
    /// For example `p5en.48xlarge`.
    pub instance_type: String,
    /// `ami-…`; empty where IMDS does not say.
    pub image_id: String,
    /// For example `us-west-2`; empty where IMDS does not say.
    pub region: String,
    /// For example `us-west-2c`. EFA traffic does not leave it.
    pub availability_zone: String,
    /// For example `usw2-az3`, the same for every account; absent on old instances.
    pub availability_zone_id: Option<String>,
    /// Twelve digits; empty where IMDS does not say.
    pub account_id: String,
    /// `x86_64` or `arm64`; empty where IMDS does not say.
    pub architecture: String,
    /// The primary private IPv4 address; absent in IPv6-only subnets.
    pub private_ip: Option<String>,
    /// `on-demand`, `spot`, `scheduled` or `capacity-block`.
    pub life_cycle: Option<String>,
    /// The placement group's name, when there is one.
    pub placement_group: Option<String>,
}

/// One elastic network interface as the instance sees it. IMDS does not say whether it is `interface`, `efa` or
/// `efa-only`; an interface without any address is taken for EFA-only (as the VPC CNI does).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Eni {
    /// Lower-case, colon-separated.
    pub mac: String,
    /// `eni-…`
    pub eni_id: String,
    /// Device index on its network card.
    pub device_index: u32,
    /// Network card index; 0 where IMDS does not say.
    pub network_card: u32,
    /// `subnet-…`; empty where IMDS does not say.
    pub subnet_id: String,
    /// IPv4 addresses; empty for EFA-only interfaces.
    pub ipv4: Vec<String>,
    /// IPv6 addresses.
    pub ipv6: Vec<String>,
}

impl Eni {
    /// Whether the interface carries no address, which in EC2 only EFA-only interfaces do.
    pub fn has_no_address(&self) -> bool {
        self.ipv4.is_empty() && self.ipv6.is_empty()
    }
}

/// Everything the agent asks IMDS for, user data aside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Who this instance is.
    pub identity: Identity,
    /// By network card, then device index.
    pub enis: Vec<Eni>,
    /// Virtual name (`ami`, `root`, `ebs1`) to the device name that was asked for at launch. Instance-store
    /// disks are not listed here on Nitro.
    pub block_devices: BTreeMap<String, String>,
    /// Instance tags; `None` where tags in metadata are off, as they must be on EKS (cluster tags contain `/`).
    pub tags: Option<BTreeMap<String, String>>,
}
