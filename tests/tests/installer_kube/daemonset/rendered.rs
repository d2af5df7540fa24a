//! What the installer makes of `manifests/` is what helm makes of the chart.

use gpunode_tests::{binary, manifests};
use installer::render::{What, render};
use installer::settings::{self, File};
use serde_json::Value;

/// Every object by kind and name.
fn sorted(mut objects: Vec<Value>) -> Vec<Value> {
    objects.sort_by_key(|object| format!("{} {}", object["kind"], object["metadata"]["name"]));
    objects
}

/// What `render` writes with these settings.
fn ours(more: &str) -> Vec<Value> {
    let text = format!(
        "CLUSTER_NAME=research\nAWS_REGION=us-west-2\nVPC_ID=vpc-01234567\nPRIVATE_SUBNET_A=subnet-01234567\n\
         INSTALL_GPUNODE_DAEMONSET=true\n{more}"
    );
    let loaded = settings::load(Some(File { path: ".env", text: &text }), &[]).unwrap();
    let files = render(&loaded, What::Kubernetes).unwrap();
    let files = files.into_iter().filter(|file| file.path.contains("gpunode-daemonset"));
    sorted(files.flat_map(|file| manifests::objects(&file.text).unwrap()).collect())
}

/// What helm makes of the chart in that place.
fn helms(values: &str) -> Vec<Value> {
    let words = ["--namespace", "kube-system", "--set", values];
    let text = manifests::template(&binary::bed().join("../manifests"), &words).unwrap();
    sorted(manifests::objects(&text).unwrap())
}

#[test]
fn each_setting_comes_to_what_helm_renders_with_the_same_value() {
    let digest = "0a".repeat(32);
    let mut seen = Vec::new();
    for (devices, value) in [("cdi", "cdi"), ("privileged", "privileged"), ("runtime-class", "runtimeClass")]
    {
        for bits in 0..8 {
            let [repair, taint, flow] = [1, 2, 4].map(|bit| bits & bit != 0);
            // Of an image by its digest the chart's own words are made to fit.
            let (image, repository, tag) = if repair {
                (format!("a.example/b@sha256:{digest}"), "a.example/b@sha256", digest.as_str())
            } else {
                ("a.example:5000/b:1.2".to_owned(), "a.example:5000/b", "1.2")
            };
            let settings = format!(
                "DAEMONSET_IMAGE={image}\nDAEMONSET_DEVICES={devices}\nEKS_REPAIR={repair}\nDAEMONSET_TAINT={taint}\n\
                 DAEMONSET_FLOW_CONTROL={flow}\n"
            );
            let values = format!(
                "image.repository={repository},image.tag={tag},devices={value},eksRepair={repair},taint={taint},\
                 flowControl={flow}"
            );
            let (found, right) = (ours(&settings), helms(&values));
            assert_eq!(found.len(), right.len(), "{values}");
            for (found, right) in found.iter().zip(&right) {
                assert_eq!(found, right, "{values}");
            }
            seen.push(found);
        }
    }
    // No two of them are the same.
    assert!(seen.iter().enumerate().all(|(at, one)| !seen[..at].contains(one)));
}
