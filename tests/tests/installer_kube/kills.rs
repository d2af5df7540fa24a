//! The installer killed at each kind of request that changes something inside the cluster, its own and helm's.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gpunode_tests::aws::{Told, Victim};
use gpunode_tests::binary::thorough;
use gpunode_tests::kube::proxy::{Asked, Fault, Proxy};
use serde_json::json;

use crate::inside::Inside;

/// All that is optional inside a cluster.
pub(crate) const ON: [(&str, &str); 7] = [
    ("INSTALL_KARPENTER", "true"),
    ("INSTALL_IO2_STORAGECLASS", "true"),
    ("INSTALL_GPUNODE_DAEMONSET", "true"),
    ("DAEMONSET_IMAGE", "registry.example.com/gpunode-daemonset:0.1.0"),
    ("DAEMONSET_FLOW_CONTROL", "true"),
    ("DAEMONSET_TAINT", "true"),
    ("EKS_REPAIR", "true"),
];
const SECRETS: &str = "/api/v1/namespaces/kube-system/secrets";

/// Kinds of object at whose removal a run is killed also without `GPUNODE_THOROUGH`.
const REMOVED: [&str; 5] = ["deployments", "ec2nodeclasses", "nodepools", "secrets", "storageclasses"];

/// Where a run is killed, and how.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// Method and kind of resource; with `GPUNODE_THOROUGH` the very resource.
    what: String,
    /// It is helm that asks.
    helms: bool,
    /// Helm is killed with the run, as when the machine goes down. Else it is told that the run is over.
    with_helm: bool,
}

/// Where and how runs were killed so far.
#[derive(Default)]
struct Kills {
    /// The method of helm's last request, which is of its record.
    last: &'static str,
    places: BTreeSet<Place>,
    /// This run was killed, and so.
    now: Option<Place>,
}

impl Kills {
    /// What is done with a request, and whether the run is killed before.
    fn judge(&mut self, asked: &Asked) -> (Fault, Option<Place>) {
        let helms = asked.agent.starts_with("Helm/");
        if let Some(place) = &self.now {
            // What was on the way when it was killed.
            return (if helms && !place.with_helm { Fault::None } else { Fault::Close }, None);
        }
        // What is made by its list has no name behind its kind.
        let place = usize::from(asked.method != "POST");
        let kind = asked.path.rsplit('/').nth(place).unwrap_or_default();
        let what = format!("{} {}", asked.method, if thorough() { asked.path.as_str() } else { kind });
        // One code removes all kinds of object; it is enough to end in some.
        if asked.method == "DELETE" && !helms && !thorough() && !REMOVED.contains(&kind) {
            return (Fault::None, None);
        }
        // Told so, it writes down how far it came; at its last request there is nothing left to do.
        let last = (asked.method.as_str(), kind) == (self.last, "secrets");
        let ways = if helms && last { &[true, false][..] } else { &[true] };
        let mut places = ways.iter().map(|way| Place { what: what.clone(), helms, with_helm: *way });
        let Some(place) = places.find(|place| !self.places.contains(place)) else {
            return (Fault::None, None);
        };
        self.places.insert(place.clone());
        self.now = Some(place.clone());
        let fault = match (place.with_helm, self.places.len() % 3) {
            (false, _) => Fault::None,
            (true, 2) => Fault::Close,
            (true, _) => Fault::LoseAnswer,
        };
        (fault, Some(place))
    }
}

/// Runs `task` and kills it where it was not killed before, with its request carried out or not; where there is no such
/// request it comes to its end.
fn killed(inside: &Inside, proxy: &Proxy, task: &str, kills: &Arc<Mutex<Kills>>) -> Told {
    let known = Arc::clone(kills);
    struck(inside, proxy, task, move |asked| {
        let (fault, place) = known.lock().unwrap().judge(asked);
        let strike = match place {
            Some(place) if place.with_helm => Strike::WithHelm,
            Some(_) => Strike::Alone,
            None => Strike::No,
        };
        (fault, strike)
    })
}

/// Whether the run is killed at a request.
pub(crate) enum Strike {
    No,
    Alone,
    /// With the helm that it started, as when its machine goes down.
    WithHelm,
}

/// Runs `task`; each of its writes is judged before it is carried out.
pub(crate) fn struck(
    inside: &Inside,
    proxy: &Proxy,
    task: &str,
    judge: impl FnMut(&Asked) -> (Fault, Strike) + Send + 'static,
) -> Told {
    let (victim, judge) = (Victim::default(), Mutex::new(judge));
    let dying = victim.clone();
    proxy.rule(move |asked| {
        if !asked.mutates() {
            return Fault::None;
        }
        let (fault, strike) = (judge.lock().unwrap())(asked);
        match strike {
            Strike::WithHelm => dying.kill_with_children(),
            Strike::Alone => dying.kill(),
            Strike::No => {}
        }
        fault
    });
    let child = inside.start(&[task, "--yes"], &ON);
    victim.is(child.id());
    let told = Told::from(child.wait_with_output().unwrap());
    // Helm is over, one way or the other.
    quiet(inside);
    proxy.settle();
    proxy.heal();
    told
}

/// Waits for every program that was started with this test's folder as its home: helm, where it was told to end.
pub(crate) fn quiet(inside: &Inside) {
    let home = format!("HOME={}", inside.bed.folder().display());
    let at_work = |folder: std::fs::DirEntry| {
        let variables = std::fs::read(folder.path().join("environ")).unwrap_or_default();
        variables.split(|byte| *byte == 0).any(|pair| pair == home.as_bytes())
    };
    let since = Instant::now();
    while std::fs::read_dir("/proc").unwrap().flatten().any(at_work) {
        assert!(since.elapsed() < Duration::from_secs(60), "helm goes on and on");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A quarter of an hour goes by: helm's records of what is under way are as old.
pub(crate) fn time_goes_by(inside: &Inside) -> usize {
    let records = inside.get(&format!("{SECRETS}?labelSelector=owner%3Dhelm"));
    let under_way = records["items"].as_array().unwrap().iter().filter(|record| {
        let status = record["metadata"]["labels"]["status"].as_str().unwrap();
        status.starts_with("pending-") || status == "uninstalling"
    });
    let old = json!([{ "op": "add", "path": "/metadata/labels/modifiedAt", "value": "1" }]);
    let change = |record: &serde_json::Value| {
        let name = record["metadata"]["name"].as_str().unwrap();
        inside.patch(&format!("{SECRETS}/{name}"), &old);
    };
    under_way.map(change).count()
}

/// Kills `task` at each kind of request, until one run comes to its end. Returns how often it was killed, and how often
/// helm was in the midst of something.
pub(crate) fn killed_again_and_again(inside: &Inside, proxy: &Proxy, task: &str) -> (usize, usize) {
    let last = if task == "apply" { "PUT" } else { "DELETE" };
    let (kills, mut stuck) = (Arc::new(Mutex::new(Kills { last, ..Kills::default() })), 0);
    loop {
        let told = killed(inside, proxy, task, &kills);
        let mut kills = kills.lock().unwrap();
        let Some(place) = kills.now.take() else {
            assert_eq!(told.code, Some(0), "{told:?}");
            return (kills.places.len(), stuck);
        };
        assert_eq!(told.code, None, "it was not killed: {told:?}");
        let under_way = time_goes_by(inside);
        stuck += if place.with_helm { under_way } else { 0 };
    }
}
