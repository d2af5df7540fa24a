//! `bench-monitor [SECONDS]`: what the monitor costs on a machine with 8 GPUs and 32 EFA devices, all of them fakes: its
//! own processor time per second and per look, the probe's beside it, and the memory of both. Prints one line a value.
#![allow(clippy::expect_used, reason = "a bench whose machine cannot be built has failed")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use gpunode_host::health::{Change, Nvml, Source};
use gpunode_monitor::{Monitor, State};
use gpunode_tests::health::Bed;
use nix::time::{ClockId, clock_gettime};

/// DESIGN, budgets: 0.2 % of one core for the daemonset.
const A_SECOND: Duration = Duration::from_millis(2);
/// From a line of the kernel to its finding.
const LATENCY: Duration = Duration::from_millis(100);
/// DESIGN, budgets: resident memory of the daemonset, and with the probe, in KiB.
const MEMORY: u64 = 8 << 10;
const MEMORY_WITH_PROBE: u64 = 16 << 10;

fn main() -> ExitCode {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(60);
    let bed = Bed::new("p5.48xlarge");
    let mut log = fifo(&bed);
    let before = memory("self");
    let mut monitor = Monitor::start(bed.settings()).expect("the monitor starts");
    wait(&mut monitor);
    let (began, cpu_began, by_thread) = (Instant::now(), cpu(), threads());
    let mut messages = 0_u32;
    while began.elapsed() < Duration::from_secs(seconds) {
        monitor.next(began + Duration::from_secs(seconds));
        messages += 1;
    }
    let spent = cpu().saturating_sub(cpu_began) / u32::try_from(seconds.max(1)).unwrap_or(1);
    println!(
        "turns of the caller: {messages} in {seconds} s; findings: {}",
        monitor.health().findings().len()
    );
    let mut kept = spent <= A_SECOND;
    println!("own processor time per second: {} µs, budget {} µs", spent.as_micros(), A_SECOND.as_micros());
    for (name, spent) in threads() {
        let before = by_thread.get(&name).copied().unwrap_or_default();
        println!(
            "  of it {name}: {} µs",
            spent.saturating_sub(before).as_micros() / u128::from(seconds.max(1))
        );
    }
    if let Nvml::Sweep(sweep) = &monitor.health().known().nvml {
        println!("the probe's processor time per look at 8 GPUs: {} µs", sweep.cpu_us);
    }
    let (own, probes) = (memory("self"), probes());
    println!("threads: {}", fs::read_dir("/proc/self/task").map_or(0, Iterator::count));
    println!("resident memory: {own} KiB ({before} before the monitor), budget {MEMORY} KiB");
    println!("resident memory of the probe: {probes} KiB, budget of both {MEMORY_WITH_PROBE} KiB");
    kept &= own <= MEMORY && own + probes <= MEMORY_WITH_PROBE;
    kept &= latency(&bed, &mut monitor, &mut log);
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A FIFO in place of the kernel log: like the device, and unlike a file, it wakes who waits for it.
fn fifo(bed: &Bed) -> File {
    let path = bed.root.at("/dev/kmsg");
    fs::remove_file(&path).expect("the stand-in is there");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO can be made");
    File::options().read(true).write(true).open(path).expect("the FIFO can be opened")
}

/// From a line of the kernel to the finding, for each of 96 fatal XIDs.
fn latency(bed: &Bed, monitor: &mut Monitor, log: &mut File) -> bool {
    let mut all = Vec::new();
    for code in [46, 48, 62, 64, 74, 79, 95, 109, 110, 119, 120, 143] {
        for number in 0..8 {
            let address = bed.tree.gpu(number).address().trim_end_matches(".0").to_owned();
            let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).expect("a clock"));
            let line =
                format!("4,{},{},-;NVRM: Xid (PCI:{address}): {code}, words\n", all.len(), now.as_micros());
            let (said, wanted) = (Instant::now(), format!("Xid{code}"));
            log.write_all(line.as_bytes()).expect("the FIFO can be written");
            let subject = bed.tree.gpu(number).address().to_owned();
            let is_it = |change: &Change| match change {
                Change::Appeared(finding) => finding.code == wanted && finding.subject.id() == subject,
                Change::Altered(_) | Change::Gone(_) => false,
            };
            let found = |monitor: &mut Monitor| monitor.take_changes().iter().any(is_it);
            while !found(monitor) && said.elapsed() < Duration::from_secs(10) {
                monitor.next(Instant::now() + Duration::from_secs(1));
            }
            all.push(said.elapsed());
        }
    }
    all.sort_unstable();
    let (middle, late) = (all[all.len() / 2], all[all.len() * 99 / 100]);
    println!(
        "from a line of the kernel to its finding: p50 {} µs, p99 {} µs, budget {} µs",
        middle.as_micros(),
        late.as_micros(),
        LATENCY.as_micros()
    );
    late <= LATENCY
}

/// Until every source has answered, ports included.
fn wait(monitor: &mut Monitor) {
    let end = Instant::now() + Duration::from_secs(60);
    let waits = |monitor: &Monitor| {
        let pending = monitor.sources().pending().any(|source| *source != Source::Use);
        pending || monitor.sources().get(&Source::GpuEvents) != Some(&State::Answered)
    };
    while waits(monitor) && Instant::now() < end {
        monitor.next(Instant::now() + Duration::from_secs(1));
    }
}

/// Processor time of all threads of this process.
fn cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// Processor time of the threads of each name so far.
fn threads() -> BTreeMap<String, Duration> {
    let mut all: BTreeMap<String, Duration> = BTreeMap::new();
    for task in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let text = |file: &str| fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let spent = text("schedstat").split_whitespace().next().and_then(|nanos| nanos.parse().ok());
        *all.entry(text("comm").trim().to_owned()).or_default() += Duration::from_nanos(spent.unwrap_or(0));
    }
    all
}

/// KiB.
fn memory(process: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// The memory of this process's children.
fn probes() -> u64 {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let children = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    children.flat_map(|pids| pids.split_whitespace().map(memory).collect::<Vec<_>>()).sum()
}
