use gpunode_host::catalog;
use gpunode_host::user_data;
use serde_json::Value;

use super::*;
use crate::settings::{self, File, Loaded};

fn loaded(more: &str) -> Loaded {
    let text = format!(
        "CLUSTER_NAME=research\nAWS_REGION=us-west-2\nVPC_ID=vpc-0123456789abcdef0\n\
         PRIVATE_SUBNET_A=subnet-0123456789abcdef0\n{more}"
    );
    settings::load(Some(File { path: ".env", text: &text }), &[]).unwrap_or_else(|errors| panic!("{errors}"))
}

const SELF_MANAGED: &str = "GPU_NODE_GROUP_KIND=self-managed\nGPU_SECURITY_GROUP=sg-01234567\nCLUSTER_SECURITY_GROUP=sg-01234568\nGPU_AMI_ID=ami-01234567\n\
                            CLUSTER_ENDPOINT=https://x\nCLUSTER_CA=YWJj\nCLUSTER_CIDR=10.100.0.0/16\n";

fn data(more: &str) -> Value {
    make(&loaded(more)).unwrap().data()
}

#[test]
fn what_a_managed_group_refuses_is_never_in_it() {
    for kind in catalog::names() {
        for capacity in ["on-demand", "spot"] {
            let text =
                format!("GPU_INSTANCE_TYPE={kind}\nGPU_CAPACITY={capacity}\nGPU_SUBNET_B=subnet-01234567\n");
            let environment = [];
            let base = "CLUSTER_NAME=c\nAWS_REGION=us-west-2\nVPC_ID=vpc-01234567\nPRIVATE_SUBNET_A=subnet-01234560\n";
            let text = format!("{base}{text}");
            // Not every type is sold in every way.
            let Ok(loaded) = settings::load(Some(File { path: ".env", text: &text }), &environment) else {
                continue;
            };
            let data = make(&loaded).unwrap().data();
            // EKS User Guide, `nodes/launch-templates.adoc`.
            for field in [
                "IamInstanceProfile",
                "InstanceMarketOptions",
                "HibernationOptions",
                "InstanceInitiatedShutdownBehavior",
            ] {
                assert!(data.get(field).is_none(), "{kind}: {field}");
            }
            let interfaces = data["NetworkInterfaces"].as_array().unwrap();
            assert!(interfaces.iter().all(|interface| interface.get("SubnetId").is_none()), "{kind}");
            assert!(data.get("SecurityGroupIds").is_none(), "{kind}: groups are the interfaces'");
        }
    }
}

#[test]
fn an_interface_without_address_has_no_address_field() {
    for layout in ["efa-only", "combined"] {
        let data = data(&format!("GPU_EFA_LAYOUT={layout}\n"));
        for interface in data["NetworkInterfaces"].as_array().unwrap() {
            let address = interface.get("AssociatePublicIpAddress");
            match interface["InterfaceType"].as_str().unwrap() {
                "efa-only" => assert!(address.is_none(), "{interface}"),
                _ => assert_eq!(address, Some(&Value::Bool(false)), "{interface}"),
            }
        }
    }
}

#[test]
fn the_metadata_service_wants_tokens_and_the_hop_limit_is_said() {
    let options = &data("GPU_IMDS_HOP_LIMIT=2\n")["MetadataOptions"];
    assert_eq!(options["HttpTokens"], "required");
    assert_eq!(options["HttpPutResponseHopLimit"], 2);
    assert_eq!(data("")["MetadataOptions"]["HttpPutResponseHopLimit"], 1);
    assert_eq!(options["InstanceMetadataTags"], "disabled");
}

#[test]
fn volumes_are_the_settings() {
    let data = data("");
    let ebs = |place: usize| data["BlockDeviceMappings"][place]["Ebs"].clone();
    assert_eq!((ebs(0)["VolumeSize"].clone(), ebs(0)["VolumeType"].clone()), (200.into(), "gp3".into()));
    let (size, iops, throughput) = (&ebs(1)["VolumeSize"], &ebs(1)["Iops"], &ebs(1)["Throughput"]);
    assert_eq!((size, iops, throughput), (&1000.into(), &16_000.into(), &1000.into()));
    let without = self::data("GPU_DATA_VOLUME_SIZE=none\n");
    assert_eq!(without["BlockDeviceMappings"].as_array().unwrap().len(), 1);
}

#[test]
fn each_way_to_buy_says_what_ec2_wants() {
    let reserved = "GPU_CAPACITY_RESERVATION_ID=cr-0123456789abcdef0\nGPU_CAPACITY";
    let block = data(&format!("{reserved}=capacity-block\n"));
    assert_eq!(block["InstanceMarketOptions"]["MarketType"], "capacity-block");
    let target = &block["CapacityReservationSpecification"]["CapacityReservationTarget"];
    assert_eq!(target["CapacityReservationId"], "cr-0123456789abcdef0");
    let reservation = data(&format!("{reserved}=reservation\n"));
    assert!(reservation.get("InstanceMarketOptions").is_none());
    assert_eq!(&reservation["CapacityReservationSpecification"]["CapacityReservationTarget"], target);
    let spot = data(&format!("{SELF_MANAGED}GPU_CAPACITY=spot\n"));
    assert_eq!(spot["InstanceMarketOptions"]["MarketType"], "spot");
}

#[test]
fn a_self_managed_node_has_its_interfaces_in_the_subnets_of_the_classic_design() {
    let data = data(&format!(
        "{SELF_MANAGED}GPU_EFA_LAYOUT=combined\nGPU_SUBNET_A=subnet-0000000a\nGPU_SUBNET_B=subnet-0000000b\n\
         GPU_SUBNET_C=subnet-0000000c\nGPU_ZONE=us-west-2a\n"
    ));
    let subnets: String = data["NetworkInterfaces"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|interface| interface["SubnetId"].as_str()?.chars().last())
        .collect();
    assert_eq!(subnets, "abbbbbbbcccccccc");
    assert_eq!(data["ImageId"], "ami-01234567");
}

#[test]
fn own_groups_bring_the_cluster_s() {
    let groups = "CLUSTER_SECURITY_GROUP=sg-00000001\nGPU_SECURITY_GROUP=sg-00000002\n";
    let data = data(groups);
    for interface in data["NetworkInterfaces"].as_array().unwrap() {
        assert_eq!(interface["Groups"], serde_json::json!(["sg-00000001", "sg-00000002"]));
    }
    let left_to_eks = self::data("CLUSTER_SECURITY_GROUP=sg-00000001\n");
    assert!(left_to_eks["NetworkInterfaces"][0].get("Groups").is_none());
}

#[test]
fn the_agent_reads_what_the_user_data_says() {
    for (more, wanted) in [
        ("GPU_NUM_ENIS=8\n", "expectedCount = 8"),
        ("GPUNODE_ON_FAILURE=halt\n", "onFailure = \"halt\""),
        ("GPU_INSTANCE_TYPE=g6.8xlarge\n", "g6.8xlarge"),
        (SELF_MANAGED, "research"),
    ] {
        let template = make(&loaded(more)).unwrap();
        let parts = user_data::parse(&template.user_data).unwrap();
        assert_eq!(parts.len(), 1, "{more}");
        assert!(parts[0].text.contains(wanted), "{more}: {}", parts[0].text);
        let configs = user_data::node_configs(&template.user_data);
        assert_eq!(configs.len(), usize::from(more == SELF_MANAGED), "{more}");
    }
}

#[test]
fn the_data_volume_is_the_agent_s_where_there_is_no_instance_store() {
    // g5g has none; p5en has eight disks.
    let text = |kind: &str| {
        let loaded = loaded(&format!("GPU_INSTANCE_TYPE={kind}\n"));
        String::from_utf8(make(&loaded).unwrap().user_data).unwrap()
    };
    let without = catalog::all().find(|kind| kind.disk_count() == 0).unwrap();
    assert!(text(&without.name).contains("/dev/sdf"), "{}", without.name);
    assert!(!text("p5en.48xlarge").contains("/dev/sdf"));
}

#[test]
fn everything_of_ours_carries_the_owner_s_tag() {
    for specification in data("")["TagSpecifications"].as_array().unwrap() {
        let tags = specification["Tags"].as_array().unwrap();
        assert!(tags.iter().any(|tag| tag["Key"] == OWNER_TAG && tag["Value"] == "research"), "{tags:?}");
    }
}
