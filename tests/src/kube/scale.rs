//! A fleet: so many release daemonsets, each with a node, a connection and a token of its own, against one API server. They
//! share one machine in a folder; its boot report turns bad and good again, which each sees at its next turn, at most ten
//! seconds later.
#![allow(clippy::expect_used, reason = "nodes that cannot be made are a failure of whoever wants them")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Cluster, Reporter};
use crate::agent::{Started, program};
use crate::binary;
use crate::health::Bed;

/// Against waiting for ever.
const PLENTY: Duration = Duration::from_secs(300);
const REPORT: &str = "run/gpunode/report.json";

/// A node's name, the status of `NodeBootstrapped`, and when it was seen.
type Seen = (String, String, Instant);

/// What became of a fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Nodes whose condition came right at every turn.
    pub right: usize,
    /// Requests that change something, a node.
    pub writes: f64,
    /// Bytes of their bodies, a node.
    pub bytes: f64,
    /// Answers from 400 on, by status.
    pub refused: BTreeMap<u16, usize>,
}

/// Starts `nodes` daemonsets with the manifests of this overlay (`base`; `overlays/flow-control`), lets all turn sick at once
/// and well again, and prints how late each turn was seen and what a node cost, by the audit log.
///
/// # Panics
/// When the API server or the nodes cannot be made.
pub fn play(nodes: usize, overlay: &str) -> Outcome {
    let cluster = Cluster::start().expect("an API server");
    cluster.deploy(overlay).expect("the manifests");
    let bed = Bed::plain();
    let root = bed.root.path().to_owned();
    std::fs::create_dir_all(root.join("run/gpunode")).expect("the tree can be written");
    report(&root, "ok");

    let began = Instant::now();
    let names: Vec<_> = (0..nodes).map(|number| format!("node-{number:04}")).collect();
    let reporters: Vec<_> = names
        .iter()
        .map(|name| {
            cluster.node(name).expect("a node");
            cluster.reporter(name).expect("a pod with a token")
        })
        .collect();
    println!("{nodes} nodes and tokens: {:.0} s", began.elapsed().as_secs_f64());

    let seen = watch(&cluster);
    let started: Vec<_> = reporters.iter().map(|reporter| start(&root, &cluster, reporter)).collect();
    let mut right = nodes;
    for (what, verdict, status) in
        [("first True", "ok", "True"), ("sick", "degraded", "False"), ("well again", "ok", "True")]
    {
        let from = Instant::now();
        report(&root, verdict);
        let times = until(&seen, nodes, status, from);
        right = right.min(times.len());
        print(what, nodes, &times);
    }
    let outcome = cost(&cluster, nodes, right);
    drop(started);
    outcome
}

/// The agent's report, put into its place as a whole.
fn report(root: &Path, verdict: &str) {
    let finding =
        json!({"code": "EfaMissing", "severity": "error", "subject": "efa", "message": "31 of 32 are there"});
    let findings = if verdict == "ok" { json!([]) } else { json!([finding]) };
    let text =
        json!({"schema": "gpunode.io/boot-report/v1", "verdict": verdict, "steps": [{"findings": findings}]});
    let next = root.join(REPORT).with_extension("next");
    std::fs::write(&next, text.to_string()).expect("the tree can be written");
    std::fs::rename(next, root.join(REPORT)).expect("the tree can be written");
}

fn start(root: &Path, cluster: &Cluster, reporter: &Reporter) -> Started {
    let state = cluster.folder().join(format!("{}.state", reporter.node));
    std::fs::create_dir_all(&state).expect("a folder");
    // None outlives this program, however it ends.
    let mut command: Command = program("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(binary::daemonset()).arg("--root").arg(root);
    command.arg("--kubeconfig").arg(&reporter.kubeconfig).arg("--state-dir").arg(state);
    command.args(["--node-name", &reporter.node, "--listen", "127.0.0.1:0", "--json"]);
    // Nobody listens there: discard (RFC 863).
    command.env("GPUNODE_IMDS_ENDPOINT", "http://127.0.0.1:9");
    Started::new(command.stdout(Stdio::null()).stderr(Stdio::null()))
}

/// Every status from now on. The API server ends watches when it must; then the list tells what was missed.
fn watch(cluster: &Cluster) -> Receiver<Seen> {
    const NODES: &str = "/api/v1/nodes";
    let admin = cluster.admin().expect("a client");
    let (sender, seen) = channel();
    std::thread::spawn(move || {
        // The program's end closes the channel, or the API server goes first.
        while let Ok(watch) = admin.watch(NODES) {
            let list = admin.get(NODES).map(|answer| answer.body).unwrap_or_default();
            let listed = list["items"].as_array().into_iter().flatten().cloned();
            let changes = watch.map(|mut event| event["object"].take());
            for seen in listed.chain(changes).filter_map(|object| status(&object)) {
                if sender.send(seen).is_err() {
                    return;
                }
            }
        }
    });
    seen
}

fn status(object: &Value) -> Option<Seen> {
    let found =
        object["status"]["conditions"].as_array()?.iter().find(|it| it["type"] == "NodeBootstrapped")?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Some((text(&object["metadata"]["name"])?, text(&found["status"])?, Instant::now()))
}

/// How late each node has this status; those that never have it are left out.
fn until(seen: &Receiver<Seen>, nodes: usize, status: &str, from: Instant) -> Vec<Duration> {
    let mut times = BTreeMap::new();
    while times.len() < nodes {
        match seen.recv_timeout(PLENTY.saturating_sub(from.elapsed())) {
            Ok((name, now, at)) if now == status => {
                times.entry(name).or_insert_with(|| at.saturating_duration_since(from));
            }
            Ok((name, ..)) => drop(times.remove(&name)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    let mut times: Vec<_> = times.into_values().collect();
    times.sort_unstable();
    times
}

fn print(what: &str, nodes: usize, times: &[Duration]) {
    let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
    let seconds = |percent| at(percent).map_or(f64::NAN, Duration::as_secs_f64);
    println!(
        "{what}: {} of {nodes} conditions right; p50 {:.2} s, p99 {:.2} s, max {:.2} s",
        times.len(),
        seconds(50),
        seconds(99),
        seconds(100)
    );
}

#[expect(clippy::cast_precision_loss, reason = "counts of nodes")]
fn cost(cluster: &Cluster, nodes: usize, right: usize) -> Outcome {
    let audit = cluster.audit().expect("the audit log");
    let (mut count, mut sum) = (0_usize, 0_usize);
    let mut refused: BTreeMap<u16, usize> = BTreeMap::new();
    for request in audit.reporters().filter(|request| request.name.starts_with("node-")) {
        count += 1;
        sum += request.bytes;
        if request.code >= 400 {
            *refused.entry(request.code).or_default() += 1;
        }
    }
    let [writes, bytes] = [count, sum].map(|sum| sum as f64 / nodes as f64);
    println!(
        "per node: {writes:.2} writes, {bytes:.0} bytes of bodies; refused in all, by status: {refused:?}"
    );
    Outcome { right, writes, bytes, refused }
}
