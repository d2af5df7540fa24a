//! The installer killed at each single write to the API server, its own and helm's, before that is carried out or after.
//! Each time the next run makes good what was cut off, and the one after it has nothing to do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use gpunode_tests::binary::thorough;
use gpunode_tests::kube::proxy::{Asked, Fault, Proxy};
use serde_json::{Value, json};

use crate::inside::{Inside, one_at_a_time};
use crate::kills::{ON, Strike, struck, time_goes_by};
use crate::trouble::{is_empty, picture, same};

/// Places at which a run is killed without `GPUNODE_THOROUGH`, of each task.
const SAMPLE: usize = 4;

/// One write of a run: what is made by its list has no name, so they are counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Write {
    method: String,
    path: String,
    /// The how manyth that asks the same, from 0.
    nth: usize,
}

/// How often each write was asked for.
#[derive(Default)]
struct Counted(BTreeMap<(String, String), usize>);

impl Counted {
    fn next(&mut self, asked: &Asked) -> Write {
        let (method, path) = (asked.method.clone(), asked.path.clone());
        let count = self.0.entry((method.clone(), path.clone())).or_default();
        *count += 1;
        Write { method, path, nth: *count - 1 }
    }
}

/// Runs `task` to its end and gives its writes.
fn writes(inside: &Inside, proxy: &Proxy, task: &str) -> Vec<Write> {
    let all = Arc::new(Mutex::new((Counted::default(), Vec::new())));
    let noted = Arc::clone(&all);
    proxy.rule(move |asked| {
        if asked.mutates() {
            let (counted, list) = &mut *noted.lock().unwrap();
            list.push(counted.next(asked));
        }
        Fault::None
    });
    let told = inside.run(&[task, "--yes"], &ON);
    assert_eq!(told.code, Some(0), "{told:?}");
    proxy.heal();
    all.lock().unwrap().1.clone()
}

/// Runs `task`, and kills it with the helm that it started, as when its machine goes down, when it asks for `write`.
fn killed(inside: &Inside, proxy: &Proxy, task: &str, (write, carried_out): &(Write, bool)) {
    let (mut counted, mut dead) = (Counted::default(), false);
    let (place, last) = (write.clone(), *carried_out);
    let told = struck(inside, proxy, task, move |asked| {
        if dead {
            // What was on the way when it was killed.
            return (Fault::Close, Strike::No);
        }
        if counted.next(asked) != place {
            return (Fault::None, Strike::No);
        }
        dead = true;
        (if last { Fault::LoseAnswer } else { Fault::Close }, Strike::WithHelm)
    });
    assert_eq!(told.code, None, "{task} never asked for {write:?}: {told:?}");
    time_goes_by(inside);
}

/// Each write with both ways, or some of them, spread over all.
fn places(writes: &[Write]) -> Vec<(Write, bool)> {
    let both = writes.iter().flat_map(|write| [false, true].map(|way| (write.clone(), way)));
    // An odd step takes either way in turn.
    let step = if thorough() { 1 } else { (2 * writes.len()).div_ceil(SAMPLE) | 1 };
    both.step_by(step).collect()
}

const THEIRS: [(&str, &str); 5] = [
    ("/apis/storage.k8s.io/v1/storageclasses", "mine"),
    ("/api/v1/namespaces/kube-system/configmaps", "theirs"),
    ("/apis/rbac.authorization.k8s.io/v1/clusterroles", "theirs"),
    ("/apis/apps/v1/namespaces/kube-system/daemonsets", "theirs"),
    ("/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings", "theirs"),
];

/// Things of others, beside ours.
fn make_theirs(inside: &Inside) {
    let labels = json!({ "app": "theirs" });
    let pod = json!({ "metadata": { "labels": labels }, "spec": { "containers": [{ "name": "it", "image": "none" }] } });
    let more = [
        json!({ "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "any" }),
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "data": { "a": "b" } }),
        json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": [] }),
        json!({ "apiVersion": "apps/v1", "kind": "DaemonSet",
            "spec": { "selector": { "matchLabels": labels }, "template": pod } }),
        json!({ "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "spec": { "policyName": "none", "validationActions": ["Deny"] } }),
    ];
    for ((list, name), mut object) in THEIRS.into_iter().zip(more) {
        object["metadata"] = json!({ "name": name });
        inside.create(list, &object);
    }
}

/// As they are, with their versions: a write that changes nothing counts, too.
fn theirs(inside: &Inside) -> Vec<Value> {
    THEIRS.iter().map(|(list, name)| inside.get(&format!("{list}/{name}"))).collect()
}

#[test]
fn killed_at_any_write_the_next_run_makes_it_good() {
    let _turn = one_at_a_time();
    let (inside, proxy) = Inside::behind(803);
    make_theirs(&inside);
    let others = theirs(&inside);
    // What stays for ever is there from now on: Karpenter's definitions.
    for task in ["apply", "destroy"] {
        assert_eq!(inside.run(&[task, "--yes"], &ON).code, Some(0));
    }
    let making = writes(&inside, &proxy, "apply");
    inside.is_applied(&ON);
    let right = picture(&inside);
    let removing = writes(&inside, &proxy, "destroy");
    is_empty(&inside);
    assert!(making.len() > 40 && removing.len() > 40, "{making:#?} {removing:#?}");

    let (making, removing) = (places(&making), places(&removing));
    for at in 0..making.len().max(removing.len()) {
        if let Some(place) = making.get(at) {
            killed(&inside, &proxy, "apply", place);
        }
        let told = inside.run(&["apply", "--yes"], &ON);
        assert_eq!(told.code, Some(0), "after {:?}: {told:?}", making.get(at));
        same(&picture(&inside), &right);
        inside.is_applied(&ON);
        if let Some(place) = removing.get(at) {
            killed(&inside, &proxy, "destroy", place);
        }
        let told = inside.run(&["destroy", "--yes"], &ON);
        assert_eq!(told.code, Some(0), "after {:?}: {told:?}", removing.get(at));
        is_empty(&inside);
        assert_eq!(theirs(&inside), others);
    }
    for (list, name) in THEIRS {
        inside.delete(&format!("{list}/{name}"));
    }
}
