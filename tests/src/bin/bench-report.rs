//! `bench-report [ROUNDS [SECONDS]]`: from a fault to the condition that a watch of the API server shows, with the release daemonset
//! (`GPUNODE_DAEMONSET`), the real etcd and kube-apiserver, and a machine of 8 GPUs and 32 EFA whose devices are fakes.
//! Before that what the daemonset costs while nothing happens, with its own heartbeat, for so many seconds (60; 600 for two
//! heartbeats and what grows slowly). Seven rounds are more than 200 faults of each kind but of cards that stall, which are
//! asked every ten seconds: 8 a round.
//!
//! Faults are further apart than the second within which changes go together, so each is the first of its write.
#![allow(clippy::expect_used, reason = "a bench whose machine cannot be built has failed")]
#![allow(clippy::cast_precision_loss, reason = "counts of a bench are small")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use gpunode_tests::agent::Started;
use gpunode_tests::kube::Cluster;
use gpunode_tests::kube::daemonset::{Node, end};
use nix::sys::stat::Mode;
use nix::time::{ClockId, clock_gettime};
use serde_json::Value;

/// More than the second within which changes go together, and without a divisor that a period has.
const APART: Duration = Duration::from_millis(1331);
const PLENTY: Duration = Duration::from_secs(30);
const BY_KERNEL: [u32; 8] = [48, 64, 74, 95, 109, 110, 120, 143];
const BY_NVML: [u32; 4] = [46, 62, 79, 119];
/// How long the daemonset is left alone, in seconds, where nobody says it.
const IDLE: u64 = 60;
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_secs(5);

/// What a watch showed, and when.
type Seen = (Instant, Value);

fn main() {
    let number = |at: usize| std::env::args().nth(at).and_then(|text| text.parse::<u64>().ok());
    let (rounds, idle) = (number(1).unwrap_or(4), Duration::from_secs(number(2).unwrap_or(IDLE)));
    let cluster = Cluster::start().expect("an API server");
    cluster.deploy("base").expect("the manifests");
    let bench = Bench::new(&cluster, "bench-idle", &[]);
    bench.idle(&cluster, idle);
    end(bench.program);
    let mut all = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    for round in 0..rounds {
        let mut bench = Bench::new(&cluster, &format!("bench-{round}"), &["--heartbeat", "10"]);
        let [kernel, nvml, stalls, counters] = &mut all;
        nvml.extend(bench.nvml());
        kernel.extend(bench.kernel());
        stalls.extend(bench.stalls());
        counters.extend(bench.counters());
        end(bench.program);
    }
    let kinds =
        ["a line of the kernel", "an event of NVML", "an EFA card that stalls", "an EFA device's counter"];
    for (from, times) in kinds.iter().zip(all) {
        print(from, times);
    }
}

fn print(from: &str, mut all: Vec<Duration>) {
    all.sort_unstable();
    let at = |percent: usize| all.get((all.len() * percent / 100).min(all.len().saturating_sub(1)));
    let ms = |percent| at(percent).map_or(f64::NAN, |time: &Duration| time.as_secs_f64() * 1e3);
    let (count, late) = (all.len(), all.iter().filter(|time| **time >= PLENTY).count());
    println!(
        "from {from} to the condition in a watch, {count} times: p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms, never {late}",
        ms(50),
        ms(99),
        ms(100)
    );
}

struct Bench {
    node: Node,
    program: Started,
    log: File,
    seen: Receiver<Seen>,
    /// What the fake NVML was told so far.
    events: String,
}

impl Bench {
    fn new(cluster: &Cluster, name: &str, more: &[&str]) -> Self {
        let node = Node::new(cluster, name);
        let path = node.machine.tree.path().join("dev/kmsg");
        std::fs::remove_file(&path).expect("the tree can be written");
        // A FIFO wakes its reader, as the device does and a file does not.
        nix::unistd::mkfifo(&path, Mode::from_bits_truncate(0o600)).expect("a FIFO");
        let log = OpenOptions::new().read(true).write(true).open(&path).expect("a FIFO");
        let watch = cluster.admin().and_then(|admin| admin.watch("/api/v1/nodes")).expect("a watch");
        let (sender, seen) = channel();
        let ours = name.to_owned();
        std::thread::spawn(move || {
            for event in watch.filter(|event| event["object"]["metadata"]["name"] == ours.as_str()) {
                let _ = sender.send((Instant::now(), event));
            }
        });
        let program = node.start(more);
        let began = Instant::now();
        node.wait("any condition", |node| !node.condition("GPUHealthy").0.is_empty());
        println!("{name}: first condition {:.0} ms after the start", began.elapsed().as_secs_f64() * 1e3);
        node.until("GPUHealthy", "True", "");
        node.until("EFAHealthy", "True", "");
        Self { node, program, log, seen, events: String::new() }
    }

    /// What it costs while nothing happens.
    fn idle(&self, cluster: &Cluster, time: Duration) {
        // What follows the start is over.
        std::thread::sleep(Duration::from_secs(15));
        let name = &self.node.reporter.node;
        let audit = cluster.audit().expect("the audit log");
        let before = audit.of_node(name).count();
        let cpu = || {
            processes(self.program.pid()).into_iter().map(|it| (it.name, it.cpu)).collect::<BTreeMap<_, _>>()
        };
        let (cpu_before, began) = (cpu(), Instant::now());
        let mut largest: BTreeMap<String, (u64, usize)> = BTreeMap::new();
        while began.elapsed() < time {
            std::thread::sleep(LOOK.min(time.saturating_sub(began.elapsed())));
            for one in processes(self.program.pid()) {
                let most = largest.entry(one.name).or_default();
                *most = (most.0.max(one.resident), most.1.max(one.files));
            }
        }
        let (cpu, took) = (cpu(), began.elapsed().as_secs_f64());
        let audit = cluster.audit().expect("the audit log");
        let new: Vec<_> = audit.of_node(name).skip(before).collect();
        let reads = new.iter().filter(|it| !["patch", "create"].contains(&it.verb.as_str())).count();
        let bytes: usize = new.iter().map(|it| it.bytes).sum();
        let hour = 3600.0 / took;
        println!(
            "healthy for {took:.0} s: {} requests, {reads} of them reads, {bytes} bytes of bodies",
            new.len()
        );
        println!(
            "that is {:.1} requests and {:.0} bytes an hour",
            new.len() as f64 * hour,
            bytes as f64 * hour
        );
        for (name, (resident, files)) in largest {
            let used = |at: &BTreeMap<_, f64>| at.get(&name).copied().unwrap_or_default();
            let share = 100.0 * (used(&cpu) - used(&cpu_before)) / took;
            println!("{name}: at most {resident} KiB resident, {files} open files, {share:.3} % of one core");
        }
    }

    fn kernel(&mut self) -> Vec<Duration> {
        let faults = BY_KERNEL.into_iter().flat_map(|code| (0..8).map(move |gpu| (code, gpu)));
        let one = |(code, gpu)| {
            let address = self.node.machine.tree.gpu(gpu).address().to_owned();
            let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).expect("a clock"));
            let slot = address.trim_end_matches(".0");
            let line = format!("4,1,{},-;NVRM: Xid (PCI:{slot}): {code}, words\n", now.as_micros());
            let log = &mut self.log;
            timed(&self.seen, "GPUHealthy", || {
                log.write_all(line.as_bytes()).expect("the FIFO can be written");
            })
        };
        faults.map(one).collect()
    }

    fn nvml(&mut self) -> Vec<Duration> {
        let faults = BY_NVML.into_iter().flat_map(|code| (0..8).map(move |gpu| (code, gpu)));
        let one = |(code, gpu)| {
            let event = format!("[[events]]\ngpu = {gpu}\nkind = 8\ndata = {code}\n");
            self.events.write_str(&event).expect("a string can be written");
            let (machine, events) = (&self.node.machine, &self.events);
            timed(&self.seen, "GPUHealthy", || machine.play_text(events))
        };
        faults.map(one).collect()
    }

    fn counters(&self) -> Vec<Duration> {
        let one = |at: usize| {
            let device = self.node.machine.tree.efa(at * 13 % 32);
            let fault = || device.set_counter("no_completion_cmds", 1).expect("the tree can be written");
            timed(&self.seen, "EFAHealthy", fault)
        };
        (0..32).map(one).collect()
    }

    /// Cards that do not answer for a port's counters. Of these counters themselves none makes a condition false at once.
    fn stalls(&self) -> Vec<Duration> {
        let one = |at: usize| {
            let device = self.node.machine.tree.efa(at * 13 % 32);
            let fault = || device.stall_port().expect("the tree can be written");
            let took = timed(&self.seen, "EFAHealthy", fault);
            device.release_port().expect("the tree can be written");
            took
        };
        (0..8).map(one).collect()
    }
}

/// How long after `fault` the watch shows another condition; [`PLENTY`] where it does not.
fn timed(seen: &Receiver<Seen>, kind: &str, fault: impl FnOnce()) -> Duration {
    std::thread::sleep(APART);
    // A heartbeat may have come meanwhile: what stands now is what was shown last.
    let last = seen.try_iter().last().map(|(_, event)| words(&event, kind));
    let said = Instant::now();
    fault();
    let mut before = last;
    while let Ok((at, event)) = seen.recv_timeout(PLENTY.saturating_sub(said.elapsed())) {
        let now = words(&event, kind);
        let is_new = before.as_ref().is_none_or(|before| *before != now);
        // Without anything shown before, the first that is false is it.
        if is_new && now.contains("False") {
            return at.duration_since(said);
        }
        before = Some(now);
    }
    PLENTY
}

/// Status, reason and message of a condition.
fn words(event: &Value, kind: &str) -> String {
    let all = event["object"]["status"]["conditions"].as_array().into_iter().flatten();
    let found = all.into_iter().find(|it| it["type"] == kind);
    found.map(|it| format!("{} {} {}", it["status"], it["reason"], it["message"])).unwrap_or_default()
}

/// One process of the daemonset.
struct Process {
    name: String,
    resident: u64,
    files: usize,
    /// Seconds.
    cpu: f64,
}

/// The program and what it has started.
fn processes(pid: u32) -> Vec<Process> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let all = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut pids: Vec<String> = children.split_whitespace().map(str::to_owned).collect();
    for task in all {
        let of_task = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        pids.extend(of_task.split_whitespace().map(str::to_owned));
    }
    pids.push(pid.to_string());
    pids.sort();
    pids.dedup();
    pids.iter().filter_map(|pid| process(pid)).collect()
}

fn process(pid: &str) -> Option<Process> {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).ok();
    let status = read("status")?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let resident = field("VmRSS:")?.split_whitespace().next()?.parse().ok()?;
    let stat = read("stat")?;
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // utime and stime, in hundredths of a second (proc(5)).
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
    Some(Process { name: field("Name:")?.to_owned(), resident, files, cpu: ticks / 100.0 })
}
