//! The installer killed at its requests inside a cluster, or with the helm that it started, and beside itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gpunode_tests::aws::Told;
use gpunode_tests::kube::proxy::Fault;
use gpunode_tests::pairs::Pairs;
use serde_json::{Value, json};

use crate::inside::{Inside, NAMES, one_at_a_time};
use crate::kills::{ON, killed_again_and_again};

/// Everything of ours inside the cluster, without what differs from run to run.
pub(crate) fn picture(inside: &Inside) -> BTreeMap<String, Value> {
    let charts = NAMES.map(|name| format!("/api/v1/namespaces/kube-system/configmaps/{name}"));
    let paths = inside.ours().into_iter().chain(charts.into_iter().filter(|path| inside.has(path)));
    let plain = |path: String| {
        let mut object = inside.get(&path);
        object["status"] = Value::Null;
        for name in ["uid", "resourceVersion", "creationTimestamp", "generation"] {
            object["metadata"][name] = Value::Null;
        }
        for name in ["clusterIP", "clusterIPs"] {
            object["spec"].as_object_mut().and_then(|spec| spec.remove(name));
        }
        (path, object)
    };
    let mut all: BTreeMap<_, _> = paths.map(plain).collect();
    all.insert("releases".to_owned(), json!(inside.releases()));
    all
}

/// Nothing is left inside the cluster, nor in the account.
pub(crate) fn is_empty(inside: &Inside) {
    assert_eq!((inside.releases(), inside.ours()), (Vec::<String>::new(), Vec::new()));
    assert_eq!(inside.bed.inventory(), inside.empty);
}

/// Says which things differ, and how, where any does.
pub(crate) fn same(found: &BTreeMap<String, Value>, right: &BTreeMap<String, Value>) {
    let names: BTreeSet<_> = found.keys().chain(right.keys()).collect();
    for name in names {
        assert_eq!(found.get(name), right.get(name), "{name}");
    }
}

#[test]
fn killed_inside_the_cluster_it_goes_on_where_it_ended() {
    let _turn = one_at_a_time();
    let (inside, proxy) = Inside::behind(351);
    let told = inside.run(&["apply", "--yes"], &ON);
    assert_eq!(told.code, Some(0), "{told:?}");
    let right = picture(&inside);
    let (kills, stuck) = killed_again_and_again(&inside, &proxy, "destroy");
    assert!(kills > 8 && stuck > 2, "{kills} {stuck}");
    is_empty(&inside);
    let (kills, stuck) = killed_again_and_again(&inside, &proxy, "apply");
    assert!(kills > 12 && stuck > 2, "{kills} {stuck}");
    same(&picture(&inside), &right);
    // A token for the API server least of all.
    let left: Vec<_> =
        std::fs::read_dir(inside.temporary()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
    inside.is_applied(&ON);
    let told = inside.run(&["destroy", "--yes"], &ON);
    assert_eq!(told.code, Some(0), "{told:?}");
    is_empty(&inside);
}

#[test]
fn two_at_once_inside_a_cluster_end_where_one_does() {
    let _turn = one_at_a_time();
    let (inside, proxy) = Inside::behind(352);
    let told = inside.run(&["apply", "--yes"], &ON);
    assert_eq!(told.code, Some(0), "{told:?}");
    let right = picture(&inside);
    for task in ["destroy", "apply", "destroy"] {
        let (pairs, met) = (Pairs::default(), Arc::new(AtomicUsize::new(0)));
        let meetings = Arc::clone(&met);
        proxy.rule(move |asked| {
            if asked.mutates() && pairs.meet(&format!("{} {}", asked.method, asked.path)) {
                meetings.fetch_add(1, Ordering::SeqCst);
            }
            Fault::None
        });
        let both = [(); 2].map(|()| inside.start(&[task, "--yes"], &ON));
        for child in both {
            let told = Told::from(child.wait_with_output().unwrap());
            assert_eq!(told.code, Some(0), "{task}: {told:?}");
        }
        proxy.heal();
        assert!(met.load(Ordering::SeqCst) > 1, "{task}: the two never met");
        if task == "apply" {
            same(&picture(&inside), &right);
            inside.is_applied(&ON);
        } else {
            is_empty(&inside);
        }
    }
}
