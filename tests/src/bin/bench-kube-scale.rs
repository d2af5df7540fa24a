//! `bench-kube-scale [NODES [OVERLAY]]`: so many release daemonsets (1000), each with a node, a connection and a token of its
//! own, against one API server with the manifests of that overlay (`overlays/flow-control`; `base`) in force. They share one machine in a folder; its boot report turns bad and
//! good again, which each sees at its next turn, at most ten seconds later. Prints how many conditions came right, how
//! late, and what each node cost by the audit log.
#![allow(clippy::expect_used, reason = "a bench whose nodes cannot be made has failed")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use gpunode_tests::agent::{Started, program};
use gpunode_tests::binary;
use gpunode_tests::health::Bed;
use gpunode_tests::kube::{Cluster, Reporter};
use serde_json::{Value, json};

/// Against waiting for ever.
const PLENTY: Duration = Duration::from_secs(300);
const REPORT: &str = "run/gpunode/report.json";

/// A node's name, the status of `NodeBootstrapped`, and when it was seen.
type Seen = (String, String, Instant);

fn main() -> ExitCode {
    let nodes: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1000);
    let cluster = Cluster::start().expect("an API server");
    let overlay = std::env::args().nth(2).unwrap_or_else(|| "overlays/flow-control".to_owned());
    cluster.deploy(&overlay).expect("the manifests");
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
    let mut right = true;
    for (what, verdict, status) in
        [("first True", "ok", "True"), ("sick", "degraded", "False"), ("well again", "ok", "True")]
    {
        let from = Instant::now();
        report(&root, verdict);
        let times = until(&seen, nodes, status, from);
        right &= times.len() == nodes;
        print(what, nodes, &times);
    }
    cost(&cluster, nodes);
    drop(started);
    if right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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

#[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
fn cost(cluster: &Cluster, nodes: usize) {
    let audit = cluster.audit().expect("the audit log");
    let (mut count, mut bytes) = (0_usize, 0_usize);
    let mut refused: BTreeMap<u16, usize> = BTreeMap::new();
    for request in audit.reporters().filter(|request| request.name.starts_with("node-")) {
        count += 1;
        bytes += request.bytes;
        if request.code >= 400 {
            *refused.entry(request.code).or_default() += 1;
        }
    }
    let each = |sum: usize| sum as f64 / nodes as f64;
    println!(
        "per node: {:.2} writes, {:.0} bytes of bodies; refused in all, by status: {refused:?}",
        each(count),
        each(bytes)
    );
}
