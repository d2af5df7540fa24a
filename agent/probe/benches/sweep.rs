//! What a sweep of eight H100s costs the probe, with the fake NVML: CPU time of all its threads and memory. The fake
//! is part of the probe's process, so its own cost is in the figures; NVIDIA's library costs more.
//!
//! Run with `cargo bench -p gpunode-probe`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../tests/nvml/probe.rs"]
#[allow(dead_code)]
mod probe;

use std::fs;

use probe::{PLENTY, Probe};

/// Sweeps that are measured.
const SWEEPS: u32 = 300;

fn main() {
    // `cargo test --benches` asks for one round only.
    let sweeps = if std::env::args().any(|argument| argument == "--bench") { SWEEPS } else { 1 };
    let mut probe = Probe::start("profile = 'h100'");
    println!("started                   {}", memory(&probe));
    probe.sweep(PLENTY, &[], true).unwrap();
    println!("first sweep (slow, all)   {}", memory(&probe));
    for slow in [false, true] {
        let before = cpu_us(&probe);
        let (mut own, mut took) = (0, 0);
        for _ in 0..sweeps {
            let sweep = probe.sweep(PLENTY, &[], slow).unwrap();
            own += sweep.cpu_us;
            took += sweep.took_us;
        }
        let all = (cpu_us(&probe) - before) / u64::from(sweeps);
        let (own, took) = (own / u64::from(sweeps), took / u64::from(sweeps));
        let kind = if slow { "sweep, slow values too" } else { "sweep" };
        println!("{kind:<25} CPU {all} us, of it in NVML's thread {own} us; took {took} us");
    }
    probe.watch(&[]).unwrap();
    println!("events registered         {}", memory(&probe));
    println!("{sweeps} sweeps of each kind; the budget for 8 GPUs and 32 EFA devices together is 5000 us");
}

/// Microseconds of CPU time of all threads.
fn cpu_us(probe: &Probe) -> u64 {
    let threads = fs::read_dir(format!("/proc/{}/task", probe.child.id())).unwrap();
    let of = |path: std::path::PathBuf| fs::read_to_string(path).unwrap_or_default();
    let nanoseconds = threads.flatten().map(|thread| of(thread.path().join("schedstat")));
    nanoseconds.filter_map(|text| text.split(' ').next()?.parse::<u64>().ok()).sum::<u64>() / 1000
}

fn memory(probe: &Probe) -> String {
    let status = fs::read_to_string(format!("/proc/{}/status", probe.child.id())).unwrap();
    let wanted = ["VmHWM:", "VmRSS:", "RssAnon:", "RssFile:"];
    let lines = status.lines().filter(|line| wanted.iter().any(|name| line.starts_with(name)));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join(", ")
}
