use proptest::prelude::*;
use saphyr::{LoadableYamlNode, Yaml};
use serde_json::json;

use super::*;
use crate::settings::{self, File};

pub(super) fn loaded(more: &str) -> Loaded {
    let text = format!(
        "CLUSTER_NAME=research\nAWS_REGION=us-west-2\nVPC_ID=vpc-0123456789abcdef0\nAWS_ACCOUNT_ID=012345678901\n\
         PRIVATE_SUBNET_A=subnet-0000000a\nPRIVATE_SUBNET_B=subnet-0000000b\n{more}"
    );
    settings::load(Some(File { path: ".env", text: &text }), &[]).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn a_managed_group_is_one_for_each_subnet_unless_one_zone_is_said() {
    let names = |more: &str| {
        let settings = loaded(more).settings;
        let groups = parts::node_groups(&settings);
        groups
            .into_iter()
            .map(|group| format!("{} {}", group.name, group.subnets.join(",")))
            .collect::<Vec<_>>()
    };
    assert_eq!(names(""), ["gpu-compute-a subnet-0000000a", "gpu-compute-b subnet-0000000b"]);
    assert_eq!(names("GPU_ZONE=us-west-2a\n"), ["gpu-compute subnet-0000000a,subnet-0000000b"]);
}

#[test]
fn the_same_settings_give_the_same_files_each_path_once() {
    let loaded = loaded("INSTALL_KARPENTER=1\nINSTALL_IO2_STORAGECLASS=1\n");
    let files = render(&loaded, What::All).unwrap();
    assert_eq!(files, render(&loaded, What::All).unwrap());
    let mut paths: Vec<_> = files.iter().map(|file| &file.path).collect();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), files.len());
    for file in &files {
        assert!(!file.text.contains("@IO2") && !file.text.contains("@EFA") && !file.text.contains("@REGION"));
        assert!(file.text.ends_with('\n'), "{}", file.path);
    }
}

#[test]
fn exactly_one_storage_class_is_the_default() {
    let files = render(&loaded("INSTALL_IO2_STORAGECLASS=1\n"), What::Kubernetes).unwrap();
    let defaults = files.iter().filter(|file| file.text.contains("is-default-class: \"true\""));
    assert_eq!(defaults.map(|file| file.path.as_str()).collect::<Vec<_>>(), ["kubernetes/storage-gp3.yaml"]);
}

#[test]
fn with_dra_there_are_values_of_charts_in_place_of_plugins_and_no_gpu_pools() {
    let paths = |more: &str| {
        let files = render(&loaded(&format!("INSTALL_KARPENTER=1\n{more}")), What::Kubernetes).unwrap();
        files.into_iter().map(|file| file.path).collect::<Vec<_>>()
    };
    let (plugins, drivers) = (paths(""), paths("GPU_DEVICES=dra\n"));
    let only = |some: &[String], others: &[String]| -> Vec<String> {
        some.iter().filter(|path| !others.contains(path)).cloned().collect()
    };
    let gone = only(&plugins, &drivers);
    assert_eq!(
        gone,
        [
            "kubernetes/nvidia-device-plugin.yaml",
            "kubernetes/efa-device-plugin.yaml",
            "kubernetes/karpenter-gpu.yaml"
        ]
    );
    let come = only(&drivers, &plugins);
    assert_eq!(come, ["charts/dra-driver-nvidia-gpu.values.yaml", "charts/aws-dranet.values.yaml"]);
}

/// An image of one's own, and what its nodes are told of the cluster.
pub(super) const OWN: &str =
    "GPU_AMI_ID=ami-01234567\nCLUSTER_ENDPOINT=https://x\nCLUSTER_CA=YWJj\nCLUSTER_CIDR=10.100.0.0/16\n";

#[test]
fn eksctl_has_no_form_for_self_managed_groups_and_capacity_blocks() {
    let own = format!(
        "{OWN}GPU_NODE_GROUP_KIND=self-managed\nGPU_ZONE=us-west-2a\nGPU_SECURITY_GROUP=sg-01234567\n\
         CLUSTER_SECURITY_GROUP=sg-01234568\n"
    );
    let bought = |how: &str| {
        format!("GPU_CAPACITY={how}\nGPU_CAPACITY_RESERVATION_ID=cr-0123456789abcdef0\nGPU_ZONE=us-west-2a\n")
    };
    for (settings, form) in [(own, false), (bought("capacity-block"), false), (bought("reservation"), true)] {
        let loaded = loaded(&settings);
        assert_eq!(render(&loaded, What::Eksctl).is_ok(), form, "{settings}");
        let files = render(&loaded, What::All).unwrap();
        assert_eq!(files.iter().any(|file| file.path == "eksctl.yaml"), form, "{settings}");
    }
}

#[test]
fn an_account_is_asked_for_where_policies_are_written() {
    let mut loaded = loaded("");
    loaded.settings.aws_account_id = None;
    assert!(render(&loaded, What::Policies).is_err());
    render(&loaded, What::LaunchTemplate).unwrap();
    render(&loaded, What::Kubernetes).unwrap();
}

/// A value as another parser reads it.
fn read(yaml: &Yaml<'_>) -> Value {
    if let Some(map) = yaml.as_mapping() {
        let pairs = map.iter().map(|(name, value)| (name.as_str().unwrap().to_owned(), read(value)));
        return Value::Object(pairs.collect());
    }
    if let Some(items) = yaml.as_sequence() {
        return Value::Array(items.iter().map(read).collect());
    }
    yaml.as_str()
        .map(|text| json!(text))
        .or_else(|| yaml.as_integer().map(|number| json!(number)))
        .or_else(|| yaml.as_bool().map(|value| json!(value)))
        .unwrap_or(Value::Null)
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        "[ -~]{0,12}".prop_map(Value::from),
        "(\\PC|\n){0,20}".prop_map(Value::from),
        prop::sample::select(vec![
            "yes", "No", "null", "~", "1.0", "0x1", "- a", "a: b", "#", "", "a\n", "\n"
        ])
        .prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z.:/ -]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_as_yaml_is_read_as_what_it_was(value in any_value()) {
        let value = json!({ "value": value });
        let text = yaml::documents(std::slice::from_ref(&value));
        let documents = Yaml::load_from_str(&text);
        prop_assert!(documents.is_ok(), "{}", text);
        prop_assert_eq!(read(&documents.unwrap()[0]), value, "{}", text);
    }
}
