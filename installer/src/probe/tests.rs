use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::devices::Offers;
use crate::doctor::Level;

fn options() -> Options {
    Options {
        namespace: "default".to_owned(),
        gpu_image: "small".to_owned(),
        efa_image: "large".to_owned(),
        deadline: Duration::from_secs(60),
        owner: "us-west-2/research/gpu-compute".to_owned(),
    }
}

fn told(pod: &Value) -> (Level, String) {
    let probe = Probe::new(Hardware::Gpu, "node-a", 8, Way::Limits);
    let found = finding(&probe, &state(pod), Some(Duration::from_secs(60)));
    (found.level, found.what)
}

fn ended(phase: &str, terminated: &Value) -> Value {
    json!({ "status": { "phase": phase, "containerStatuses": [{ "state": { "terminated": terminated } }] } })
}

#[test]
fn only_what_a_pod_said_is_taken_for_what_it_found() {
    let (level, what) =
        told(&ended("Succeeded", &json!({ "exitCode": 0, "message": "GPU 0: H200\nGPU 1: H200\n" })));
    assert_eq!(
        (level, what.as_str()),
        (Level::Ok, "nvidia-smi -L with 8 nvidia.com/gpu: GPU 0: H200; GPU 1: H200")
    );
    let missed =
        json!({ "exitCode": 1, "reason": "Error", "message": "Unable to determine the device handle" });
    let (level, what) = told(&ended("Failed", &missed));
    assert!(level == Level::Error && what.contains("exit code 1: Error: Unable to determine"), "{what}");
    let not_made = json!({ "exitCode": 128, "reason": "StartError", "message": "unresolvable CDI devices" });
    assert!(
        told(&ended("Failed", &not_made))
            .1
            .contains("could not be made: StartError: unresolvable CDI devices")
    );

    let waiting = |reason: &str| json!({ "status": { "phase": "Pending", "containerStatuses": [{ "state": { "waiting": { "reason": reason, "message": "m" } } }] } });
    for (pod, level, said) in [
        (json!({}), Level::Unknown, "no scheduler has looked at it"),
        (waiting("ImagePullBackOff"), Level::Unknown, "did not start within 60 s: ImagePullBackOff: m"),
        (waiting("CreateContainerError"), Level::Error, "could not be made: CreateContainerError: m"),
        (json!({ "status": { "phase": "Running" } }), Level::Error, "did not end within 60 s"),
        (
            json!({ "status": { "phase": "Failed", "reason": "Evicted", "message": "m" } }),
            Level::Unknown,
            "was ended: Evicted: m",
        ),
        (
            json!({ "status": { "phase": "Failed", "reason": "UnexpectedAdmissionError", "message": "no GPU" } }),
            Level::Error,
            "UnexpectedAdmissionError: no GPU",
        ),
        (
            json!({ "status": { "phase": "Failed", "reason": "DeadlineExceeded" } }),
            Level::Unknown,
            "was ended",
        ),
        (
            json!({ "status": { "phase": "Failed", "reason": "DeadlineExceeded",
                "containerStatuses": [{ "state": { "terminated": { "exitCode": 137 } } }] } }),
            Level::Error,
            "it did not end",
        ),
        (
            json!({ "status": { "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "False",
                "reason": "Unschedulable", "message": "Insufficient nvidia.com/gpu" }] } }),
            Level::Unknown,
            "Unschedulable: Insufficient nvidia.com/gpu",
        ),
    ] {
        let found = told(&pod);
        assert!(found.0 == level && found.1.contains(said), "{found:?}, not {said}");
    }
}

fn node(name: &str, gpus: &str) -> Value {
    json!({ "metadata": { "name": name }, "status": { "allocatable": { "nvidia.com/gpu": gpus, "vpc.amazonaws.com/efa": "16" },
        "conditions": [{ "type": "Ready", "status": "True" }] } })
}

#[test]
fn a_pod_takes_what_is_free_of_the_node_with_the_most() {
    let limits = |gpus: &str| json!({ "resources": { "limits": { "nvidia.com/gpu": gpus } } });
    let pod = |gpus: &str, first: &str, phase: &str| json!({ "spec": { "containers": [limits(gpus), limits("1")], "initContainers": [limits(first)] }, "status": { "phase": phase } });
    let room = |node: &Value, pods: &[Value]| super::room(node, pods, &Offers::Plugins, &[]);
    let used = room(
        &node("a", "8"),
        &[pod("2", "1", "Running"), pod("8", "0", "Succeeded"), pod("0", "4", "Pending")],
    );
    assert_eq!(used, Room { name: "a".to_owned(), offered: [8, 16], free: [1, 16] });
    let chosen = choose(vec![used, room(&node("b", "8"), &[]), room(&node("c", "8"), &[])]).unwrap();
    assert_eq!((chosen.name.as_str(), chosen.free), ("b", [8, 16]));
    assert_eq!(choose(Vec::new()), None);
    assert_eq!(room(&node("d", "many"), &[pod("9", "0", "Running")]).free, [0, 16]);

    assert!(takes(&node("a", "8")));
    let mut tainted = node("a", "8");
    tainted["spec"] =
        json!({ "taints": [{ "key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule" }] });
    assert!(takes(&tainted));
    tainted["spec"]["taints"] = json!([{ "key": "gpunode.io/not-ready", "effect": "NoSchedule" }]);
    assert!(!takes(&tainted));
    let mut cordoned = node("a", "8");
    cordoned["spec"] = json!({ "unschedulable": true });
    assert!(!takes(&cordoned) && !takes(&json!({})));
}

#[test]
fn each_pod_has_its_image_its_hardware_and_an_end() {
    for (hardware, image, tool) in
        [(Hardware::Gpu, "small", "nvidia-smi -L"), (Hardware::Efa, "large", "fi_info -p efa")]
    {
        let probe = Probe::new(hardware, "node-a", 4, Way::Limits);
        let pod = object(&probe, &options());
        let container = &pod["spec"]["containers"][0];
        assert_eq!(container["image"], image);
        assert!(container["command"][2].as_str().unwrap().contains(tool) && tool == hardware.tool());
        assert_eq!(container["resources"]["limits"][hardware.resource()], "4");
        assert_eq!(pod["spec"]["activeDeadlineSeconds"], 60);
        assert_ne!(Probe::new(hardware, "node-a", 4, Way::Limits).name, probe.name);
    }
}

#[test]
fn a_pod_with_a_claim_asks_for_no_number() {
    for hardware in Hardware::ALL {
        let probe = Probe::new(hardware, "node-a", 4, Way::Claim);
        let (pod, claim) = (object(&probe, &options()), claim(&probe, &options()).unwrap());
        let container = &pod["spec"]["containers"][0];
        assert_eq!(container["resources"]["limits"], json!({ "memory": "1Gi" }));
        assert_eq!(container["resources"]["claims"][0]["name"], pod["spec"]["resourceClaims"][0]["name"]);
        assert_eq!(pod["spec"]["resourceClaims"][0]["resourceClaimName"], probe.name);
        assert_eq!(
            (&claim["metadata"]["name"], &container["env"][0]["value"]),
            (&json!(probe.name), &json!("4"))
        );
        let request = &claim["spec"]["devices"]["requests"][0]["exactly"];
        assert_eq!((&request["deviceClassName"], &request["count"]), (&json!(hardware.class()), &json!(4)));
        assert_eq!(super::claim(&Probe::new(hardware, "node-a", 4, Way::Limits), &options()), None);
        let late = finding(&probe, &State::Running, Some(Duration::from_secs(1)));
        assert!(late.what.contains(hardware.class()) && late.advice.unwrap().contains(hardware.chart()));
    }
}

proptest! {
    /// Whatever stands in a status, something is said, and only an end that the pod said itself is one.
    #[test]
    fn garbage_is_no_success(
        phase in prop::sample::select(vec!["", "Pending", "Running", "Failed", "Unknown", "succeeded"]),
        text in "\\PC{0,400}",
        code: i64,
        kind in prop::sample::select(vec!["waiting", "running", "terminated", ""]),
    ) {
        let pod = json!({ "status": { "phase": phase, "reason": text, "message": text, "containerStatuses":
            [{ "state": { kind: { "reason": text, "message": text, "exitCode": code } } }], "conditions": text } });
        let (level, what) = told(&pod);
        prop_assert!(level >= Level::Unknown && what.chars().count() < 600, "{level:?} {what}");
    }
}
