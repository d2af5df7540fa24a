//! `bench-monitor [SECONDS]`: what the monitor costs on a machine with 8 GPUs and 32 EFA devices, all of them fakes: its
//! own processor time per second and per look, the probe's beside it, and the memory of both. Prints one line a value.
#![allow(clippy::expect_used, reason = "a bench whose machine cannot be built has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use gpunode_host::health::Nvml;
use gpunode_monitor::Monitor;
use gpunode_tests::health::{Bed, answered, fifo};
use nix::time::{ClockId, clock_gettime};

/// DESIGN, budgets: 0.2 % of one core for the daemonset.
const A_SECOND: Duration = Duration::from_millis(2);
/// A sample of the EFA devices' own counters.
const SAMPLE: Duration = Duration::from_micros(500);
/// DESIGN, budgets: resident memory of the daemonset, and with the probe, in KiB.
const MEMORY: u64 = 8 << 10;
const MEMORY_WITH_PROBE: u64 = 16 << 10;

fn main() -> ExitCode {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(60);
    let kept = [samples(seconds.min(20)), everything(seconds)];
    if kept.iter().all(|kept| *kept) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn everything(seconds: u64) -> bool {
    let bed = Bed::new("p5.48xlarge");
    let _log = fifo(&bed);
    let before = memory("self");
    let mut monitor = Monitor::start(bed.settings()).expect("the monitor starts");
    let mut kept = answered(&mut monitor, true);
    let spent = spend(&mut monitor, seconds);
    kept &= spent <= A_SECOND;
    println!("own processor time per second: {} µs, budget {} µs", spent.as_micros(), A_SECOND.as_micros());
    println!("findings: {}", monitor.health().findings().len());
    if let Nvml::Sweep(sweep) = &monitor.health().known().nvml {
        println!("the probe's processor time per look at 8 GPUs: {} µs", sweep.cpu_us);
    }
    let (own, probes) = (memory("self"), probes());
    println!("threads: {}", fs::read_dir("/proc/self/task").map_or(0, Iterator::count));
    println!("resident memory: {own} KiB ({before} before the monitor), budget {MEMORY} KiB");
    println!("resident memory of the probe: {probes} KiB, budget of both {MEMORY_WITH_PROBE} KiB");
    kept && own <= MEMORY && own + probes <= MEMORY_WITH_PROBE
}

/// What one sample of the EFA devices' own counters costs, all threads included: reading, the way to the state, and the
/// state. Everything else is looked at once and not again, so that what the process spends is the samples'.
fn samples(seconds: u64) -> bool {
    let bed = Bed::new("p5.48xlarge");
    let _log = fifo(&bed);
    let (mut settings, never) = (bed.settings(), Duration::from_secs(24 * 3600));
    let periods = &mut settings.periods;
    (periods.gpus, periods.gpus_slow, periods.devices) = (never, never, never);
    (periods.versions, periods.libfabric, periods.efa_ports) = (never, never, never);
    let mut monitor = Monitor::start(settings).expect("the monitor starts");
    let mut kept = answered(&mut monitor, false);
    let spent = spend(&mut monitor, seconds);
    println!(
        "1 s sample of 32 EFA devices, everything included: {} µs, budget {} µs",
        spent.as_micros(),
        SAMPLE.as_micros()
    );
    kept &= spent <= SAMPLE && monitor.health().findings().is_empty();
    kept
}

/// The processor time of a second, on average of so many; prints each thread's part.
fn spend(monitor: &mut Monitor, seconds: u64) -> Duration {
    let (began, cpu_began, by_thread) = (Instant::now(), cpu(), threads());
    let end = began + Duration::from_secs(seconds.max(1));
    while Instant::now() < end {
        monitor.next(end);
    }
    let per = |spent: Duration| spent / u32::try_from(seconds.max(1)).unwrap_or(u32::MAX);
    let all = per(cpu().saturating_sub(cpu_began));
    for (name, spent) in threads() {
        let before = by_thread.get(&name).copied().unwrap_or_default();
        println!("  of {} µs, {name}: {} µs", all.as_micros(), per(spent.saturating_sub(before)).as_micros());
    }
    all
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
