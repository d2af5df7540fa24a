use std::collections::BTreeSet;
use std::fmt::Write;

use gpunode_host::spec::settings as node;
use gpunode_host::spec::{OnFailure, Source};
use proptest::prelude::*;

use super::*;

/// What must be set, and nothing else.
const LEAST: &str = "CLUSTER_NAME=research\nAWS_REGION=us-west-2\nVPC_ID=vpc-0123456789abcdef0\n\
                     PRIVATE_SUBNET_A=subnet-0123456789abcdef0\n";

fn load_text(text: &str) -> Result<Loaded, Vec<String>> {
    load_with(text, &[])
}

fn load_with(text: &str, environment: &[(&str, &str)]) -> Result<Loaded, Vec<String>> {
    let environment: Vec<_> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    load(Some(File { path: ".env", text }), &environment)
        .map_err(|errors| errors.mistakes.iter().map(ToString::to_string).collect())
}

/// The only mistake of what `more` adds to the least.
fn mistake(more: &str) -> String {
    let mistakes = load_text(&format!("{LEAST}{more}")).expect_err(more);
    assert_eq!(mistakes.len(), 1, "{more}: {mistakes:#?}");
    mistakes[0].clone()
}

#[test]
fn the_least_is_enough_and_the_rest_has_the_documented_defaults() {
    let settings = load_text(LEAST).unwrap().settings;
    assert_eq!(settings.gpu_instance_type, "p5en.48xlarge");
    assert_eq!(settings.gpu_subnets(), [('a', "subnet-0123456789abcdef0")]);
    assert_eq!((settings.gpu_min_size, settings.gpu_desired_size, settings.gpu_max_size), (0, 0, 10));
    assert_eq!((settings.io2_iops, settings.gpu_num_enis), (10_000, None));
    assert_eq!(settings.gpu_data_volume_size, Size::Gib(1000));
    assert_eq!(settings.partition(), "aws");
}

#[test]
fn the_node_s_table_and_this_one_agree() {
    let ours: BTreeSet<_> = all().map(|setting| setting.name).collect();
    for name in node::CLUSTER_VARIABLES {
        assert!(ours.contains(name), "{name}");
    }
    for theirs in node::ALL {
        let Some(name) = theirs.operator_variable else { continue };
        let setting = all().find(|setting| setting.name == name).expect(name);
        assert_eq!(setting.kind.allowed(), theirs.kind.allowed(), "{name}");
        if let (Preset::Is(default), Some(same)) = (setting.default, theirs.default) {
            assert_eq!(default, same, "{name}");
        }
    }
    assert_eq!(ours.len(), all().count(), "a name is there twice");
}

#[test]
fn dra_wants_a_kubernetes_that_serves_it() {
    for old in ["1.30", "1.33"] {
        let said =
            mistake(&format!("GPU_DEVICES=dra\nKUBERNETES_VERSION={old}\nGPU_CREATE_SECURITY_GROUP=1\n"));
        assert!(
            said.contains(&format!("needs Kubernetes 1.34 or later, and KUBERNETES_VERSION is {old}")),
            "{said}"
        );
    }
    assert!(mistake("GPU_DEVICES=DRA\n").contains("device-plugin"));
    let settings = load_text(&format!("{LEAST}GPU_DEVICES=dra\nINSTALL_KARPENTER=1\n")).unwrap().settings;
    assert!(settings.uses_dra() && !settings.karpenter_has_gpus());
    assert!(mistake("EFA_DRA_DRIVER_CHART_VERSION=latest\n").contains("0.4.1"));
    // Without GPU pools of its own Karpenter puts EFA nowhere.
    let b300 = "GPU_INSTANCE_TYPE=p6-b300.48xlarge\nNVIDIA_DRIVER_VERSION=580\nINSTALL_KARPENTER=1\n\
                KARPENTER_VERSION=1.10.0\n";
    assert!(mistake(b300).contains("card 0"));
    assert!(load_text(&format!("{LEAST}{b300}GPU_DEVICES=dra\n")).is_ok());
}

#[test]
fn every_default_reads_and_every_same_stands_before() {
    let mut before = BTreeSet::new();
    for setting in all() {
        match setting.default {
            Preset::Is(text) => drop(setting.kind.read(text).expect(setting.name)),
            Preset::Same(other) => assert!(before.contains(other), "{}", setting.name),
            Preset::Required | Preset::None => {}
        }
        before.insert(setting.name);
    }
}

#[test]
fn the_file_of_init_wants_exactly_what_is_required() {
    let mistakes = load_text(&example()).unwrap_err();
    let required: Vec<_> = all().filter(|setting| setting.default == Preset::Required).collect();
    assert_eq!(mistakes.len(), required.len(), "{mistakes:#?}");
    assert!(mistakes.iter().all(|line| line.contains("must be set")), "{mistakes:#?}");
    // Every line that is commented out can be uncommented as it stands.
    let filled: String = example()
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => rest.to_owned(),
            _ => line.to_owned(),
        })
        .fold(String::new(), |text, line| text + &line + "\n");
    let mut filled = filled;
    for line in LEAST.lines() {
        let name = line.split('=').next().unwrap();
        filled = filled.replace(&format!("\n{name}=\n"), &format!("\n{line}\n"));
    }
    let from_example = load_text(&filled).unwrap().settings;
    assert_eq!(from_example, load_text(LEAST).unwrap().settings);
    assert!(example().lines().all(|line| line.chars().count() <= 110 || !line.starts_with("# ")));
}

#[test]
fn every_setting_wrong_at_once_is_told_once_with_line_value_and_what_is_allowed() {
    let mut text = String::new();
    for setting in all() {
        writeln!(text, "{}='no such value!'", setting.name).unwrap();
    }
    let mistakes = load_text(&text).unwrap_err();
    let lists = all().count();
    assert_eq!(mistakes.len(), lists, "{mistakes:#?}");
    for (place, setting) in all().enumerate() {
        let start = format!(".env:{}: {} = \"no such value!\": ", place + 1, setting.name);
        let line = mistakes.iter().find(|line| line.starts_with(&start)).expect(&start);
        assert!(line.contains(&format!("allowed: {}", setting.kind.allowed())), "{line}");
    }
}

#[test]
fn the_environment_wins_and_both_are_checked() {
    let loaded = load_with(&format!("{LEAST}IO2_IOPS=2000\n"), &[("IO2_IOPS", "3000")]).unwrap();
    assert_eq!(loaded.settings.io2_iops, 3000);
    let source = loaded.provenance.source_of("IO2_IOPS");
    assert_eq!(source, Some(&Source::Env { name: "IO2_IOPS".into() }));
    let mistakes = load_with(&format!("{LEAST}IO2_IOPS=1\n"), &[("IO2_IOPS", "2")]).unwrap_err();
    assert!(mistakes[0].starts_with(".env:5: IO2_IOPS") && mistakes[1].contains("environment IO2_IOPS"));
    let reference = format!("{LEAST}GPU_NODE_GROUP_NAME=${{CLUSTER_NAME}}-gpu\n");
    let loaded = load_with(&reference, &[("CLUSTER_NAME", "other"), ("IO2_IOPS", "")]).unwrap();
    assert_eq!(loaded.settings.gpu_node_group_name, "other-gpu");
    assert_eq!(loaded.settings.io2_iops, 10_000);
}

#[test]
fn a_name_that_is_almost_right_is_told_what_it_should_be() {
    assert!(mistake("GPU_INSTANCE_TPYE=p5.48xlarge\n").ends_with("did you mean GPU_INSTANCE_TYPE?"));
    assert!(mistake("INSTALL_KARPENTR=true\n").ends_with("did you mean INSTALL_KARPENTER?"));
    let far = mistake("COMPLETELY_DIFFERENT_THING=1\n");
    assert!(far.ends_with("unknown setting"), "{far}");
    assert!(mistake("GPU_INSTANCE_TYPE=p5.49xlarge\n").ends_with("did you mean p5.48xlarge?"));
}

#[test]
fn node_variables_are_checked_by_the_node_s_rules_at_their_line() {
    let loaded = load_text(&format!("{LEAST}GPUNODE_ON_FAILURE=halt\n")).unwrap();
    assert_eq!(loaded.node.on_failure, OnFailure::Halt);
    assert_eq!(loaded.node_variables, [("GPUNODE_ON_FAILURE".to_owned(), "halt".to_owned())]);
    let wrong = mistake("GPUNODE_ON_FAILURE=maybe\n");
    assert!(wrong.starts_with(".env:5: GPUNODE_ON_FAILURE (onFailure) = \"maybe\""), "{wrong}");
    let unknown = mistake("GPUNODE_ONFAILURE=halt\n");
    assert!(
        unknown.contains(".env:5:") && unknown.ends_with("did you mean GPUNODE_ON_FAILURE?"),
        "{unknown}"
    );
}

#[test]
fn settings_that_do_not_fit_each_other_are_told() {
    for (more, parts) in [
        ("GPU_MIN_SIZE=2\n", &["GPU_DESIRED_SIZE = 0", "below GPU_MIN_SIZE = 2"][..]),
        ("GPU_DESIRED_SIZE=11\n", &["above GPU_MAX_SIZE = 10"]),
        ("GPU_NUM_ENIS=17\n", &["p5en.48xlarge has 16 EFA interfaces", "allowed: 0 to 16"]),
        ("GPU_DATA_VOLUME_SIZE=32\nGPU_DATA_VOLUME_IOPS=16001\n", &["500 for each of 32 GiB"]),
        ("GPU_DATA_VOLUME_IOPS=3000\n", &["more than a quarter", "allowed: 125 to 750"]),
        ("GPU_SUBNET_B=${PRIVATE_SUBNET_A}\n", &["are the same"]),
        ("GPU_ZONE=us-east-1a\n", &["not in AWS_REGION"]),
        ("GPU_INSTANCE_TYPE=p99.48xlarge\n", &["not in the catalogue", "p5en.48xlarge, "]),
        (
            "GPU_INSTANCE_TYPE=g5.48xlarge\nGPU_CAPACITY=capacity-block\nGPU_CAPACITY_RESERVATION_ID=cr-01234567\n",
            &["not sold so"],
        ),
        ("GPU_CAPACITY=capacity-block\n", &["GPU_CAPACITY_RESERVATION_ID: must be set"]),
        ("GPU_CAPACITY_RESERVATION_ID=cr-01234567\n", &["means nothing"]),
        ("GPU_SECURITY_GROUP=sg-01234567\n", &["CLUSTER_SECURITY_GROUP"]),
        (
            "GPU_NODE_GROUP_KIND=self-managed\nGPU_SECURITY_GROUP=sg-01234567\nCLUSTER_SECURITY_GROUP=sg-01234568\n",
            &["GPU_AMI_ID: must be set"],
        ),
        ("KUBERNETES_VERSION=1.32\n", &["GPU_SECURITY_GROUP: must be set"]),
        ("GPU_CREATE_PLACEMENT_GROUP=1\nGPU_PLACEMENT_GROUP=near\n", &["beside GPU_PLACEMENT_GROUP"]),
        (
            "GPU_CREATE_SECURITY_GROUP=1\nGPU_SECURITY_GROUP=sg-01234567\nCLUSTER_SECURITY_GROUP=sg-01234568\n",
            &["beside GPU_SECURITY_GROUP"],
        ),
        (
            "GPU_CREATE_PLACEMENT_GROUP=1\nGPU_CAPACITY=capacity-block\nGPU_CAPACITY_RESERVATION_ID=cr-01234567\n",
            &["capacity blocks bring their own"],
        ),
        ("GPU_AMI_ID=ami-01234567\n", &["needs CLUSTER_ENDPOINT, CLUSTER_CA, CLUSTER_CIDR"]),
        ("GPU_INSTANCE_TYPE=p6-b200.48xlarge\n", &["NVIDIA_DRIVER_VERSION", "550", "570 or newer"]),
        ("GPU_INSTANCE_TYPE=p3dn.24xlarge\nNVIDIA_DRIVER_VERSION=590\n", &["580 or older"]),
        ("AGENT_URL=https://example.com/agent\n", &["together"]),
        ("S3_CSI_BUCKETS=data\n", &["without INSTALL_S3_CSI"]),
        (
            "INSTALL_GPUNODE_DAEMONSET=1\n",
            &[
                "DAEMONSET_IMAGE: must be set with INSTALL_GPUNODE_DAEMONSET",
                "allowed: a repository with a tag",
            ],
        ),
        (
            "INSTALL_GPUNODE_DAEMONSET=1\nDAEMONSET_IMAGE=a:1\nKUBERNETES_VERSION=1.31\nGPU_NUM_ENIS=0\n",
            &["INSTALL_GPUNODE_DAEMONSET = true: needs Kubernetes 1.32, and KUBERNETES_VERSION is 1.31"],
        ),
        (
            "INSTALL_KARPENTER=1\nKARPENTER_VERSION=1.10.0\nGPU_INSTANCE_TYPE=p6-b300.48xlarge\nNVIDIA_DRIVER_VERSION=580\n",
            &["network card 0 of p6-b300.48xlarge takes no EFA", "1.11.0 or newer"],
        ),
    ] {
        let told = mistake(more);
        for part in parts {
            assert!(told.contains(part), "{more}: {told}");
        }
    }
}

#[test]
fn karpenter_must_know_the_cluster_s_kubernetes() {
    let with = |kubernetes: &str, karpenter: &str| {
        format!(
            "INSTALL_KARPENTER=1\nKUBERNETES_VERSION=1.{kubernetes}\nKARPENTER_VERSION={karpenter}\nGPU_NUM_ENIS=0\n"
        )
    };
    for (kubernetes, last, least) in [
        ("31", "1.0.4", "1.0.5"),
        ("32", "1.1.99", "1.2.0"),
        ("33", "1.4.9", "1.5.0"),
        ("34", "1.6.5", "1.6.6"),
        ("35", "1.8.9", "1.9.0"),
        ("37", "1.8.9", "1.9.0"),
    ] {
        let said = mistake(&with(kubernetes, last));
        for part in [
            &format!("KARPENTER_VERSION = \"{last}\""),
            &format!("does not start on Kubernetes 1.{kubernetes}"),
            &format!("{least} or newer"),
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        load_text(&format!("{LEAST}{}", with(kubernetes, least))).unwrap();
    }
    load_text(&format!("{LEAST}{}", with("30", "1.0.0"))).unwrap();
    // Nobody installs it, and the default is right for the default.
    load_text(&format!("{LEAST}KARPENTER_VERSION=1.1.0\n")).unwrap();
    load_text(&format!("{LEAST}INSTALL_KARPENTER=1\n")).unwrap();
}

#[test]
fn a_security_group_that_is_made_is_one() {
    load_text(&format!("{LEAST}KUBERNETES_VERSION=1.32\nGPU_CREATE_SECURITY_GROUP=1\n")).unwrap();
}

#[test]
fn the_interfaces_of_a_self_managed_node_need_one_zone() {
    let text = format!(
        "{LEAST}GPU_NODE_GROUP_KIND=self-managed\nGPU_SECURITY_GROUP=sg-01234567\nCLUSTER_SECURITY_GROUP=sg-01234568\nGPU_AMI_ID=ami-01234567\nCLUSTER_ENDPOINT=https://x\n\
         CLUSTER_CA=YWJj\nCLUSTER_CIDR=10.100.0.0/16\nGPU_SUBNET_B=subnet-01234567\n"
    );
    let mistakes = load_text(&text).unwrap_err();
    assert!(mistakes.len() == 1 && mistakes[0].contains("all interfaces of an instance are in one zone"));
    load_text(&format!("{text}GPU_ZONE=us-west-2b\n")).unwrap();
}

#[test]
fn a_rule_about_a_value_that_is_wrong_by_itself_says_nothing() {
    let only = mistake("GPU_INSTANCE_TYPE='no type'\nGPU_NUM_ENIS=64\n");
    assert!(only.contains("GPU_INSTANCE_TYPE"), "{only}");
}

#[test]
fn booleans_have_three_spellings_and_no_fourth() {
    for (word, value) in
        [("true", true), ("1", true), ("yes", true), ("false", false), ("0", false), ("no", false)]
    {
        let text = format!("{LEAST}INSTALL_EFS_CSI={word}\n");
        assert_eq!(load_text(&text).unwrap().settings.install_efs_csi, value);
    }
    for word in ["True", "on", "2", "YES"] {
        assert!(mistake(&format!("INSTALL_EFS_CSI={word}\n")).contains("not a boolean"), "{word}");
    }
}

#[test]
fn forms_take_what_aws_gives_and_nothing_near_it() {
    let kind = |name: &str| all().find(|setting| setting.name == name).unwrap().kind;
    let takes = |name: &str, text: &str| kind(name).read(text).is_ok();
    for (name, right, wrong) in [
        ("PRIVATE_SUBNET_A", "subnet-01234567", "subnet-0123456g"),
        ("VPC_ID", "vpc-0123456789abcdef0", "subnet-0123456789abcdef0"),
        ("KUBERNETES_VERSION", "1.35", "1.29"),
        ("KARPENTER_VERSION", "1.14.2", "0.37.0"),
        ("GPU_ZONE", "us-gov-west-1a", "us-west-2"),
        ("S3_CSI_BUCKETS", "a-bucket,b.c.d", "Bucket"),
        ("CLUSTER_CIDR", "fd00::/108", "10.0.0.0/33"),
        ("AGENT_URL", "https://h/a?b=c&d", "https://h/a'b"),
        ("GPU_DATA_VOLUME_SIZE", "none", "0"),
        ("GPU_ROOT_VOLUME_SIZE", "200", "199"),
        ("IO2_IOPS", "1000", "999"),
        ("IO2_IOPS", "64000", "64001"),
        ("AWS_ACCOUNT_ID", "012345678901", "12345678901"),
    ] {
        assert!(takes(name, right), "{name}={right}");
        assert!(!takes(name, wrong), "{name}={wrong}");
    }
}

#[test]
fn an_image_has_a_repository_and_a_tag_or_a_digest() {
    let kind = all().find(|setting| setting.name == "DAEMONSET_IMAGE").unwrap().kind;
    let digest = format!("sha256:{}", "0a".repeat(32));
    for right in [
        "gpunode-daemonset:0.1.0",
        "012345678901.dkr.ecr.us-west-2.amazonaws.com/gpu/node_daemonset:v1",
        "localhost:5000/a:latest",
        "Registry.example.com:443/a/b--c/d__e.f:A_1",
        &format!("registry.example.com/a@{digest}"),
        &format!("a/b:1@{digest}"),
    ] {
        assert!(kind.read(right).is_ok(), "{right}");
    }
    for wrong in [
        "gpunode-daemonset",
        "registry.example.com:5000/a",
        "Upper/a:1",
        "a:",
        "a:-1",
        "a:1 2",
        "https://registry.example.com/a:1",
        "/a:1",
        "a//b:1",
        "a/-b:1",
        "a..b:1",
        "registry.example.com:port/a:1",
        "a@sha256:0a",
        &format!("a@sha512:{}", "0a".repeat(32)),
        &format!("@{digest}"),
        &format!("a:{}", "1".repeat(129)),
    ] {
        assert!(kind.read(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn whatever_stands_in_the_file_ends_in_settings_or_mistakes(
        lines in prop::collection::vec((0..all().count(), "[a-z0-9.$,'-]{0,12}"), 0..12),
        junk in "\\PC{0,40}",
    ) {
        let mut text = LEAST.to_owned();
        for (place, value) in lines {
            writeln!(text, "{}={value}", all().nth(place).unwrap().name).unwrap();
        }
        text += &junk;
        match load(Some(File { path: ".env", text: &text }), &[]) {
            Ok(loaded) => prop_assert_eq!(loaded.provenance.rows.len(), all().count()),
            Err(errors) => prop_assert!(!errors.mistakes.is_empty()),
        }
    }
}
