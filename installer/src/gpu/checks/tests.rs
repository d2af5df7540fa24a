use proptest::prelude::*;

use super::*;
use crate::gpu::{EfaGroup, Image, Subnet, candidates, groups};
use crate::settings::{File, load};

fn settings(more: &str) -> Settings {
    let least = "CLUSTER_NAME=research\nAWS_REGION=us-west-2\nVPC_ID=vpc-0123456789abcdef0\n\
                 PRIVATE_SUBNET_A=subnet-00000000\n";
    let text = format!("{least}{more}");
    load(Some(File { path: ".env", text: &text }), &[]).unwrap().settings
}

fn subnet(id: &str, zone: char, free: u64) -> Subnet {
    let (vpc, zone) = ("vpc-0123456789abcdef0".to_owned(), format!("us-west-2{zone}"));
    Subnet { id: id.to_owned(), vpc, zone, free }
}

fn facts(subnets: &[Subnet]) -> Facts {
    let offered = ["us-west-2a", "us-west-2b"].map(str::to_owned).to_vec();
    Facts { subnets: subnets.to_vec(), offered, ..Facts::default() }
}

fn told(settings: &Settings, facts: &Facts) -> Vec<String> {
    let groups = groups(settings, &facts.subnets, true).unwrap();
    check(settings, facts, &groups).iter().map(ToString::to_string).collect()
}

const TWO: &str = "GPU_SUBNET_A=subnet-00000001\nGPU_SUBNET_B=subnet-00000002\n";

#[test]
fn a_group_for_each_zone_and_one_where_there_is_one() {
    let one_zone = [subnet("subnet-00000001", 'a', 9), subnet("subnet-00000002", 'a', 9)];
    let found = groups(&settings(TWO), &one_zone, false).unwrap();
    assert_eq!((found.len(), found[0].name.as_str(), found[0].subnets.len()), (1, "gpu-compute", 2));
    let two_zones = [subnet("subnet-00000001", 'a', 9), subnet("subnet-00000002", 'b', 9)];
    assert!(groups(&settings(TWO), &two_zones, false).unwrap_err().to_string().contains("--per-az"));
    let found = groups(&settings(TWO), &two_zones, true).unwrap();
    let names: Vec<_> = found.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["gpu-compute-a", "gpu-compute-b"]);
    let all = candidates(&settings(TWO));
    assert!(found.iter().all(|group| all.iter().any(|candidate| candidate.name == group.name)));
}

#[test]
fn nodes_that_are_there_have_their_addresses() {
    let mut facts = facts(&[subnet("subnet-00000001", 'a', 3)]);
    let settings = settings("GPU_SUBNET_A=subnet-00000001\n");
    assert!(
        told(&settings, &facts)[0]
            .contains("may grow by 10 nodes of 1 addresses each, and there is room for 3")
    );
    facts.nodes.insert("gpu-compute".to_owned(), 7);
    assert!(told(&settings, &facts).is_empty());
}

/// Each node takes all its addresses from one subnet: what is left over in two makes no node.
#[test]
fn addresses_of_two_subnets_make_no_node_together() {
    let more = format!("{TWO}GPU_EFA_LAYOUT=combined\nGPU_MAX_SIZE=2\n");
    let with = |free| facts(&[subnet("subnet-00000001", 'a', free), subnet("subnet-00000002", 'a', free)]);
    assert_eq!(told(&settings(&more), &with(16)).len(), 0);
    assert!(told(&settings(&more), &with(15))[0].contains("16 addresses each, and there is room for 0"));
}

#[test]
fn groups_that_are_named_must_do() {
    let more = "GPU_SUBNET_A=subnet-00000001\nGPU_PLACEMENT_GROUP=near\nGPU_SECURITY_GROUP=sg-00000001\n\
                CLUSTER_SECURITY_GROUP=sg-00000002\n";
    let settings = settings(more);
    let mut facts = facts(&[subnet("subnet-00000001", 'a', 100)]);
    assert_eq!(told(&settings, &facts).len(), 2);
    facts.placement = Some("spread".to_owned());
    facts.efa_group = Some(EfaGroup { vpc: settings.vpc_id.clone(), itself: (true, false) });
    let problems = told(&settings, &facts);
    assert!(
        problems[0].contains("does not allow all traffic") && problems[1].contains("strategy spread"),
        "{problems:?}"
    );
    facts.placement = Some("cluster".to_owned());
    facts.efa_group = Some(EfaGroup { vpc: settings.vpc_id.clone(), itself: (true, true) });
    assert_eq!(told(&settings, &facts).len(), 0);
}

proptest! {
    #[test]
    fn whatever_aws_says_is_judged(free in prop::collection::vec(any::<u64>(), 0..4), zones in "[a-c]{4}", nodes: u64, max in 1..1000_u64) {
        let ids = ["subnet-00000001", "subnet-00000002", "subnet-00000009"];
        let subnets: Vec<_> =
            ids.iter().zip(zones.chars()).zip(free).map(|((id, zone), free)| subnet(id, zone, free / 2)).collect();
        let mut facts = facts(&subnets);
        facts.nodes.insert("gpu-compute".to_owned(), nodes);
        told(&settings(&format!("{TWO}GPU_MAX_SIZE={max}\n")), &facts);
    }
}

#[test]
fn an_image_of_ones_own_must_fit_type_and_volumes() {
    let own = "GPU_SUBNET_A=subnet-00000001\nGPU_AMI_ID=ami-00000001\nCLUSTER_ENDPOINT=https://x\nCLUSTER_CA=eA==\n\
               CLUSTER_CIDR=172.20.0.0/16\n";
    let fitting = Image {
        state: "available".into(),
        architecture: "x86_64".into(),
        root: "/dev/xvda".into(),
        root_size: 20,
    };
    let with = |more: &str, image: Option<&Image>| {
        let facts = Facts { image: image.cloned(), ..facts(&[subnet("subnet-00000001", 'a', 99)]) };
        told(&settings(&format!("{own}{more}")), &facts)
    };
    assert_eq!(with("", Some(&fitting)), [""; 0]);
    assert_eq!(
        with("", None),
        ["GPU_AMI_ID: there is no image ami-00000001 in us-west-2 that these credentials see"]
    );
    let graviton = Image { architecture: "arm64".into(), ..fitting.clone() };
    assert_eq!(
        with("", Some(&graviton)),
        ["GPU_AMI_ID: ami-00000001 is for arm64, and p5en.48xlarge is x86_64"]
    );
    assert_eq!(with("GPU_INSTANCE_TYPE=g5g.xlarge\n", Some(&graviton)), [""; 0]);
    let ubuntu = Image { root: "/dev/sda1".into(), ..fitting.clone() };
    assert_eq!(
        with("", Some(&ubuntu)),
        ["GPU_ROOT_DEVICE: ami-00000001 has its root on /dev/sda1: GPU_ROOT_DEVICE=/dev/sda1 is meant"]
    );
    assert_eq!(with("GPU_ROOT_DEVICE=/dev/sda1\n", Some(&ubuntu)), [""; 0]);
    let large = Image { root_size: 500, state: "pending".into(), ..fitting };
    assert_eq!(
        with("", Some(&large)),
        [
            "GPU_AMI_ID: ami-00000001 is pending: no instance starts from it",
            "GPU_ROOT_VOLUME_SIZE: ami-00000001 needs 500 GiB: EC2 starts it on no smaller root volume"
        ]
    );
}
