//! Karpenter's real chart, by the real helm, on a real API server: it knows every value that it is given, and makes of each what
//! is meant.

use std::fs;
use std::path::Path;

use gpunode_tests::kube::karpenter_chart;
use gpunode_tests::manifests;
use serde_json::{Value, json};

use crate::inside::{Inside, one_at_a_time};
use crate::karpenter::ON;

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/kube-system/deployments/karpenter";
const REPAIR: (&str, &str) = ("EKS_REPAIR", "true");
/// Maps whose keys are whatever somebody likes.
const FREE: [&str; 1] = ["nodeSelector"];

/// Puts the real chart where the stand-in is. The release is what writes its version into it.
fn write_real_chart(inside: &Inside) {
    let folder = inside.chart("karpenter");
    fs::remove_dir_all(&folder).unwrap();
    copy(&karpenter_chart().unwrap(), Path::new(&folder));
    let about = format!("{folder}/Chart.yaml");
    let text = fs::read_to_string(&about).unwrap();
    let line =
        |line: &str| if line.starts_with("version:") { "version: 1.14.0" } else { line }.to_owned() + "\n";
    fs::write(&about, text.lines().map(line).collect::<String>()).unwrap();
    inside.write_definitions();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copied = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &copied);
        } else {
            fs::copy(&path, &copied).unwrap();
        }
    }
}

/// Paths of what `given` has and `known` does not.
fn unknown(path: &str, given: &Value, known: &Value) -> Vec<String> {
    let Value::Object(given) = given else { return Vec::new() };
    let each = given.iter().flat_map(|(name, inner)| {
        let path = format!("{path}/{name}");
        match known.get(name) {
            None => vec![path],
            Some(_) if FREE.contains(&name.as_str()) => Vec::new(),
            Some(known) => unknown(&path, inner, known),
        }
    });
    each.collect()
}

fn variable(deployment: &Value, name: &str) -> String {
    let all = &deployment["spec"]["template"]["spec"]["containers"][0]["env"];
    let found = all.as_array().unwrap().iter().find(|variable| variable["name"] == name);
    found.unwrap_or_else(|| panic!("no {name}: {all}"))["value"].as_str().unwrap().to_owned()
}

#[test]
fn each_value_is_known_to_it_and_does_what_is_meant() {
    let _turn = one_at_a_time();
    let inside = Inside::new(861);
    write_real_chart(&inside);
    let repairs = [ON[0], ON[1], REPAIR];
    let told = inside.run(&["apply", "--yes"], &repairs);
    assert_eq!(told.code, Some(0), "{told:?}");

    let given: Value =
        serde_json::from_str(&inside.helm(&["get", "values", "karpenter", "-o", "json"])).unwrap();
    let known = inside.helm(&["show", "values", &inside.chart("karpenter")]);
    let known = manifests::objects(&known).unwrap().remove(0);
    assert_eq!(unknown("", &given, &known), Vec::<String>::new());
    let typo = json!({ "settings": { "interruptionQueueName": "research" } });
    assert_eq!(unknown("", &typo, &known), ["/settings/interruptionQueueName"]);

    let deployment = inside.get(DEPLOYMENT);
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["serviceAccountName"], "karpenter");
    assert!(inside.has("/api/v1/namespaces/kube-system/serviceaccounts/karpenter"));
    assert_eq!(pod["nodeSelector"]["eks.amazonaws.com/nodegroup"], "eks-utils");
    assert_eq!(variable(&deployment, "CLUSTER_NAME"), "research");
    assert_eq!(variable(&deployment, "INTERRUPTION_QUEUE"), "research");
    // EKS's conditions, which gpunode-daemonset writes with EKS_REPAIR, move Karpenter only with this.
    assert!(variable(&deployment, "FEATURE_GATES").split(',').any(|gate| gate == "NodeRepair=true"));
    inside.is_applied(&repairs);

    let told = inside.run(&["apply", "--yes"], &ON);
    assert_eq!(told.code, Some(0), "{told:?}");
    let gates = variable(&inside.get(DEPLOYMENT), "FEATURE_GATES");
    assert!(gates.contains("NodeRepair=false") && gates.contains("ReservedCapacity=true"), "{gates}");
    inside.is_applied(&ON);
    assert_eq!(inside.run(&["destroy", "--yes"], &ON).code, Some(0));
    assert!(!inside.has(DEPLOYMENT));
    assert_eq!((inside.releases(), inside.ours()), (Vec::<String>::new(), Vec::new()));
}
