use proptest::prelude::*;
use serde_json::json;

use super::*;

/// As the driver of NVIDIA writes it (v0.4).
fn gpus(node: &str, from: usize, count: usize, pool: (i64, u64)) -> Value {
    let device = |at: usize| {
        json!({ "name": format!("gpu-{at}"), "attributes": { "type": { "string": "gpu" },
            "productName": { "string": "NVIDIA H200" }, "resource.kubernetes.io/pcieRoot": { "string": "pci0000:10" } } })
    };
    let devices: Vec<_> = (from..from + count).map(device).collect();
    json!({ "spec": { "driver": "gpu.nvidia.com", "nodeName": node, "devices": devices,
        "pool": { "name": node, "generation": pool.0, "resourceSliceCount": pool.1 } } })
}

/// As DRANET writes it: every interface of the node, of which EFA's are some.
fn interfaces(node: &str, count: usize) -> Value {
    let device = |at: usize, kind: &str| {
        json!({ "name": format!("pci-{at}"), "attributes": { "dra.net/pciDevice": { "string": kind },
            "dra.net/rdma": { "bool": true } } })
    };
    let mut devices: Vec<_> = (0..count).map(|at| device(at, EFA_DEVICE)).collect();
    devices.push(device(99, "Elastic Network Adapter (ENA)"));
    json!({ "spec": { "driver": "dra.net", "nodeName": node, "devices": devices,
        "pool": { "name": node, "generation": 1, "resourceSliceCount": 1 } } })
}

fn node() -> Value {
    json!({ "metadata": { "name": "a" }, "status": { "allocatable": { "nvidia.com/gpu": "8", "vpc.amazonaws.com/efa": "many" } } })
}

fn count(slices: &[Value], hardware: Hardware) -> Offered {
    Offers::Drivers(slices.to_vec()).of(&node(), hardware)
}

fn whole(count: u64) -> Offered {
    Offered { count, ..Offered::default() }
}

#[test]
fn a_plugin_says_a_number_and_a_driver_each_device() {
    assert_eq!(Offers::Plugins.of(&node(), Hardware::Gpu), whole(8));
    assert_eq!(Offers::Plugins.of(&node(), Hardware::Efa), whole(0));
    let all = [gpus("a", 0, 8, (1, 1)), gpus("b", 0, 4, (1, 1)), interfaces("a", 16), interfaces("b", 1)];
    assert_eq!((count(&all, Hardware::Gpu), count(&all, Hardware::Efa)), (whole(8), whole(16)));
    assert_eq!(count(&[], Hardware::Gpu), whole(0));
}

#[test]
fn only_the_newest_generation_of_a_pool_counts_and_it_has_to_be_whole() {
    let old = [gpus("a", 0, 8, (1, 1)), gpus("a", 0, 7, (2, 1))];
    assert_eq!(count(&old, Hardware::Gpu), whole(7));
    let two = [gpus("a", 0, 4, (3, 2)), gpus("a", 4, 4, (3, 2))];
    assert_eq!(count(&two, Hardware::Gpu), whole(8));
    let found = count(&two[..1], Hardware::Gpu);
    assert_eq!(found.trouble.as_deref(), Some("only 1 of the 2 slices of its pool are there"));
    let other = [gpus("a", 0, 8, (1, 1)), gpus("b", 0, 7, (2, 1))];
    assert_eq!(count(&other, Hardware::Gpu), whole(8));
}

#[test]
fn parts_and_taints_are_told() {
    let mut slice = gpus("a", 0, 8, (1, 1));
    slice["spec"]["devices"][7]["attributes"]["type"]["string"] = "mig".into();
    let found = count(&[slice.clone()], Hardware::Gpu);
    assert_eq!((found.count, found.parts), (7, true));
    slice["spec"]["devices"][0]["taints"] = json!([{ "key": "gpunode.io/sick", "effect": "NoSchedule" }]);
    slice["spec"]["devices"][1]["taints"] = json!([{ "key": "any", "effect": "None" }]);
    let found = count(&[slice], Hardware::Gpu);
    assert_eq!((found.count, found.trouble.as_deref()), (6, Some("1 more have a taint that keeps pods off")));
}

#[test]
fn claims_take_devices_once_and_those_of_other_nodes_do_not_count() {
    let offers = Offers::Drivers(vec![gpus("a", 0, 8, (1, 1)), interfaces("a", 4)]);
    let given =
        |driver: &str, pool: &str, device: &str| json!({ "driver": driver, "pool": pool, "device": device });
    let claim =
        |results: Vec<Value>| json!({ "status": { "allocation": { "devices": { "results": results } } } });
    let mut admin = given("gpu.nvidia.com", "a", "gpu-5");
    admin["adminAccess"] = true.into();
    let claims = [
        claim(vec![given("gpu.nvidia.com", "a", "gpu-0"), given("gpu.nvidia.com", "a", "gpu-1")]),
        claim(vec![given("gpu.nvidia.com", "a", "gpu-1"), given("dra.net", "a", "pci-2")]),
        claim(vec![given("gpu.nvidia.com", "b", "gpu-2"), given("gpu.nvidia.com", "a", "gone"), admin]),
        claim(vec![given("dra.net", "a", "pci-99")]),
        json!({ "spec": {} }),
    ];
    let taken = |hardware| offers.taken(&node(), hardware, &[], &claims);
    assert_eq!((taken(Hardware::Gpu), taken(Hardware::Efa)), (2, 1));
}

proptest! {
    /// What is in a slice is the driver's; whatever it is, never more is offered than it has.
    #[test]
    fn garbage_offers_nothing(text in "\\PC{0,40}", generation: i64, slices: u64) {
        let value = json!({ "spec": { "driver": "gpu.nvidia.com", "nodeName": "a", "devices": [{ "name": text, "attributes": { "type": text } }],
            "pool": { "name": text, "generation": generation, "resourceSliceCount": slices } } });
        let offers = Offers::Drivers(vec![value, json!(text), json!([])]);
        prop_assert_eq!(offers.of(&node(), Hardware::Gpu).count, 0);
        prop_assert_eq!(offers.taken(&node(), Hardware::Gpu, &[], &[json!({ "status": text })]), 0);
    }
}
