use std::error::Error as _;

use gpunode_host::user_data::write::{KARPENTER_ROOM, LIMIT};

use super::*;
use crate::render::tests::{OWN, loaded};

/// The class in Karpenter's file of this name.
fn class(more: &str, name: &str) -> Value {
    let documents = documents(&loaded(&format!("INSTALL_KARPENTER=1\n{more}"))).unwrap();
    let mut objects = documents.into_iter().flat_map(|(_, objects)| objects);
    let is_it = |object: &Value| object["kind"] == "EC2NodeClass" && object["metadata"]["name"] == name;
    objects.find(is_it).unwrap()["spec"].clone()
}

#[test]
fn karpenter_s_gpu_nodes_start_from_the_image_of_one_s_own_and_the_others_do_not() {
    let roots = |spec: &Value| -> Vec<(String, bool)> {
        let volumes = spec["blockDeviceMappings"].as_array().unwrap().iter();
        let each = |volume: &Value| {
            (volume["deviceName"].as_str().unwrap().to_owned(), volume["rootVolume"].as_bool().unwrap())
        };
        volumes.map(each).collect()
    };
    let volumes = |root: &str| vec![(root.to_owned(), true), ("/dev/sdf".to_owned(), false)];
    let amazon = json!([{ "alias": "al2023@latest" }]);
    let plain = class("", "gpu");
    assert_eq!((&plain["amiFamily"], &plain["amiSelectorTerms"]), (&Value::Null, &amazon));
    assert_eq!(roots(&plain), volumes("/dev/xvda"));

    let ubuntu = format!("{OWN}GPU_ROOT_DEVICE=/dev/sda1\n");
    for (more, root) in [(OWN, "/dev/xvda"), (&ubuntu, "/dev/sda1")] {
        let own = class(more, "gpu");
        assert_eq!(own["amiSelectorTerms"], json!([{ "id": "ami-01234567" }]));
        assert_eq!((own["amiFamily"].as_str(), roots(&own)), (Some("AL2023"), volumes(root)));
        // Karpenter appends the NodeConfig to this family's user data, too.
        assert_eq!(own["userData"], plain["userData"]);
        let general = class(more, "general");
        assert_eq!((&general["amiFamily"], &general["amiSelectorTerms"]), (&Value::Null, &amazon));
    }
}

#[test]
fn karpenter_says_interfaces_only_where_it_can() {
    let interfaces = |more: &str| class(more, "gpu")["networkInterfaces"].clone();
    assert_eq!(interfaces("KARPENTER_VERSION=1.10.0\n"), Value::Null);
    let new = interfaces("KARPENTER_VERSION=1.14.0\n");
    let only = new.as_array().unwrap().iter().filter(|interface| interface["interfaceType"] == "efa-only");
    assert_eq!(only.count(), 16);
    assert_eq!(interfaces("KARPENTER_VERSION=1.14.0\nGPU_EFA_LAYOUT=combined\n"), Value::Null);
}

#[test]
fn karpenter_s_gpu_nodes_are_in_the_placement_group_where_it_can_be_said() {
    let group = |more: &str| {
        class(&format!("GPU_PLACEMENT_GROUP=near\n{more}"), "gpu")["placementGroupSelector"].clone()
    };
    assert_eq!(group(""), json!({ "name": "near" }));
    assert_eq!(group("KARPENTER_VERSION=1.13.0\n"), Value::Null);
    assert_eq!(class("", "gpu")["placementGroupSelector"], Value::Null);
}

#[test]
fn a_gpu_node_is_not_taken_from_under_its_pods() {
    let documents = documents(&loaded("INSTALL_KARPENTER=1\n")).unwrap();
    let pools: Vec<_> = documents[1].1.iter().filter(|object| object["kind"] == "NodePool").collect();
    assert_eq!(pools.len(), 2);
    for pool in pools {
        assert_eq!(pool["spec"]["template"]["spec"]["expireAfter"], "Never");
        let disruption = &pool["spec"]["disruption"];
        assert_eq!(disruption["consolidationPolicy"], "WhenEmpty");
        let mut budgets = disruption["budgets"].as_array().unwrap().iter();
        let never = budgets.find(|budget| budget["nodes"] == "0").unwrap();
        assert_eq!(never, &json!({ "nodes": "0", "reasons": ["Drifted", "Underutilized"] }));
    }
}

#[test]
fn karpenter_s_objects_are_known_by_name_also_where_nobody_asks_for_them() {
    let loaded = loaded("INSTALL_KARPENTER=1\n");
    let bare = |object: &Value| json!({ "apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": object["metadata"] });
    let documents = documents(&loaded).unwrap();
    let named = documents.map(|(path, objects)| (path, objects.iter().map(bare).collect::<Vec<_>>()));
    assert_eq!(named, names());
}

/// Karpenter's own NodeConfig has to fit beside ours into what EC2 takes, so the room ends at 12 KiB, and not a byte later.
#[test]
fn user_data_leaves_karpenter_room_for_its_own_part_to_the_byte() {
    let room = LIMIT - KARPENTER_ROOM;
    let of = |filling: usize| {
        // A value has 1024 characters at most.
        let whole = (0..filling / 1000).map(|n| format!("V{n}={}", "x".repeat(1000)));
        let rest = format!("REST={}", "x".repeat(filling % 1000));
        let all: Vec<_> = whole.chain([rest]).collect();
        let mut loaded = loaded("INSTALL_KARPENTER=1\n");
        loaded.node_variables.push(("GPUNODE_NCCL_ENV".to_owned(), all.join(",")));
        loaded
    };
    let size = |loaded: &Loaded| {
        let [_, (_, gpu)] = documents(loaded)?;
        Ok::<_, RenderError>(gpu[0]["spec"]["userData"].as_str().unwrap().len())
    };
    let filling = 11_100;
    let spare = room - size(&of(filling)).unwrap();
    assert_eq!(size(&of(filling + spare)).unwrap(), room);
    let error = size(&of(filling + spare + 1)).unwrap_err();
    let told = error.source().unwrap().to_string();
    assert!(told.contains(&format!("{} bytes, 1 more than the {room}", room + 1)), "{told}");
    // A launch template has room for it: only Karpenter's nodes are in the way.
    launch_template::make(&of(filling + spare + 1)).unwrap();
}
