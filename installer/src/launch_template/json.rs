//! The EC2 API's form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{LaunchTemplate, Market, Placed, Volume};

/// What is tagged at launch.
const TAGGED: [&str; 3] = ["instance", "volume", "network-interface"];

impl LaunchTemplate {
    /// `LaunchTemplateData` of `CreateLaunchTemplate`. CloudFormation's `AWS::EC2::LaunchTemplate` has the same names.
    pub fn data(&self) -> Value {
        let mut data = json!({
            "InstanceType": self.instance_type,
            "NetworkInterfaces": self.interfaces.iter().map(|placed| self.interface(placed)).collect::<Vec<_>>(),
            "BlockDeviceMappings": self.volumes.iter().map(volume).collect::<Vec<_>>(),
            "EbsOptimized": true,
            // Tags stay off: EKS puts tags with a slash on its nodes, with which EC2 refuses to launch.
            "MetadataOptions": {
                "HttpEndpoint": "enabled",
                "HttpTokens": "required",
                "HttpPutResponseHopLimit": self.imds_hop_limit,
                "InstanceMetadataTags": "disabled",
            },
            "TagSpecifications": TAGGED.map(|kind| json!({ "ResourceType": kind, "Tags": self.tag_list() })),
            "UserData": STANDARD.encode(&self.user_data),
        });
        if let Value::Object(data) = &mut data {
            self.optional(data);
        }
        data
    }

    /// Tags as the API lists them.
    pub fn tag_list(&self) -> Vec<Value> {
        self.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
    }

    fn optional(&self, data: &mut Map<String, Value>) {
        if let Some(image) = &self.image {
            data.insert("ImageId".into(), json!(image));
        }
        if let Some(name) = &self.instance_profile {
            data.insert("IamInstanceProfile".into(), json!({ "Name": name }));
        }
        if let Some(group) = &self.placement_group {
            data.insert("Placement".into(), json!({ "GroupName": group }));
        }
        let target = |id: &str| json!({ "CapacityReservationTarget": { "CapacityReservationId": id } });
        match &self.market {
            Market::Open => {}
            Market::Spot => {
                data.insert("InstanceMarketOptions".into(), json!({ "MarketType": "spot" }));
            }
            Market::CapacityBlock(id) => {
                data.insert("InstanceMarketOptions".into(), json!({ "MarketType": "capacity-block" }));
                data.insert("CapacityReservationSpecification".into(), target(id));
            }
            Market::Reservation(id) => {
                data.insert("CapacityReservationSpecification".into(), target(id));
            }
        }
    }

    fn interface(&self, placed: &Placed) -> Value {
        let interface = placed.interface;
        let mut value = json!({
            "NetworkCardIndex": interface.card,
            "DeviceIndex": interface.device,
            "InterfaceType": interface.api_type(),
            "DeleteOnTermination": true,
        });
        if interface.has_address() {
            // Not left to the subnet: one that hands out public addresses must not decide.
            value["AssociatePublicIpAddress"] = json!(false);
        }
        if !self.security_groups.is_empty() {
            value["Groups"] = json!(self.security_groups);
        }
        if let Some(subnet) = &placed.subnet {
            value["SubnetId"] = json!(subnet);
        }
        value
    }
}

fn volume(volume: &Volume) -> Value {
    json!({
        "DeviceName": volume.device,
        "Ebs": {
            "VolumeType": "gp3",
            "VolumeSize": volume.size,
            "Iops": volume.iops,
            "Throughput": volume.throughput,
            "Encrypted": true,
            "DeleteOnTermination": true,
        },
    })
}
