//! `bench-latency`: how long it takes from a fault to its finding, through the monitor with its own periods, on a machine
//! with 8 GPUs and 32 EFA devices, all of them fakes. Prints one line a kind of fault.
#![allow(clippy::expect_used, reason = "a bench whose machine cannot be built has failed")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use gpunode_host::health::Change;
use gpunode_monitor::Monitor;
use gpunode_tests::health::{Bed, answered, fifo};
use nix::time::{ClockId, clock_gettime};

/// From a line of the kernel, or an event of NVML.
const TOLD: Duration = Duration::from_millis(100);
/// Beyond the period in which counters are read.
const BEYOND: Duration = Duration::from_millis(100);
/// Against waiting for ever.
const PLENTY: Duration = Duration::from_secs(30);
/// Between two faults: it shares no divisor with any period, so that faults come at every moment of it.
const APART: Duration = Duration::from_millis(331);
/// `nvmlEventTypeXidCriticalError`
const XID_CRITICAL: u64 = 8;
/// Fatal XIDs, told by the kernel and by NVML: each is a finding of its own on each GPU.
const BY_KERNEL: [u32; 8] = [48, 64, 74, 95, 109, 110, 120, 143];
const BY_NVML: [u32; 4] = [46, 62, 79, 119];

/// A finding: its code and the PCI address it is on.
type Wanted = (String, String);

fn main() -> ExitCode {
    let bed = Bed::new("p5.48xlarge");
    let log = fifo(&bed);
    let settings = bed.settings();
    let periods = settings.periods;
    let mut monitor = Monitor::start(settings).expect("the monitor starts");
    if !answered(&mut monitor, true) {
        eprintln!("bench-latency: not every source has answered");
        return ExitCode::from(2);
    }
    let mut bench = Bench { bed, monitor, log, events: String::new() };
    let device = ("no_completion_cmds", "EfaAdminTimeout");
    let port = ("rdma_read_wr_err", "EfaRdmaErrors");
    let kept = [
        print("a line of the kernel", bench.kernel(), TOLD),
        print("an event of NVML", bench.nvml(), TOLD),
        print("an EFA device's counter", bench.counters(device), periods.efa_counters + BEYOND),
        print("an EFA port's counter", bench.counters(port), periods.efa_ports + BEYOND),
    ];
    if kept.iter().all(|kept| *kept) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether each was in time.
fn print(from: &str, mut all: Vec<Duration>, limit: Duration) -> bool {
    all.sort_unstable();
    let at = |percent: usize| all.get((all.len() * percent / 100).min(all.len().saturating_sub(1)));
    let ms = |percent| at(percent).map_or(f64::NAN, |time: &Duration| time.as_secs_f64() * 1e3);
    println!(
        "from {from} to its finding, {} times: p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms, limit {} ms",
        all.len(),
        ms(50),
        ms(99),
        ms(100),
        limit.as_millis()
    );
    all.last().is_some_and(|latest| *latest <= limit)
}

struct Bench {
    bed: Bed,
    monitor: Monitor,
    log: File,
    /// What the fake NVML was told so far.
    events: String,
}

impl Bench {
    fn kernel(&mut self) -> Vec<Duration> {
        let faults = BY_KERNEL.into_iter().flat_map(|code| (0..8).map(move |gpu| (code, gpu)));
        let one = |(code, gpu)| {
            let address = self.bed.tree.gpu(gpu).address().to_owned();
            let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).expect("a clock"));
            let slot = address.trim_end_matches(".0");
            let line = format!("4,1,{},-;NVRM: Xid (PCI:{slot}): {code}, words\n", now.as_micros());
            let said = Instant::now();
            self.log.write_all(line.as_bytes()).expect("the FIFO can be written");
            found(&mut self.monitor, said, &(format!("Xid{code}"), address))
        };
        faults.map(one).collect()
    }

    fn nvml(&mut self) -> Vec<Duration> {
        let faults = BY_NVML.into_iter().flat_map(|code| (0..8).map(move |gpu| (code, gpu)));
        let one = |(code, gpu)| {
            let event = format!("[[events]]\ngpu = {gpu}\nkind = {XID_CRITICAL}\ndata = {code}\n");
            self.events.write_str(&event).expect("a string can be written");
            let said = Instant::now();
            self.bed.nvml(&self.events);
            let address = self.bed.tree.gpu(gpu).address().to_owned();
            found(&mut self.monitor, said, &(format!("Xid{code}"), address))
        };
        faults.map(one).collect()
    }

    /// A fault on one device after the other, each whenever its time has come, found or not the one before.
    fn counters(&mut self, (counter, code): (&str, &str)) -> Vec<Duration> {
        let (began, count) = (Instant::now(), self.bed.tree.efa_count());
        let mut waits: BTreeMap<Wanted, Instant> = BTreeMap::new();
        let (mut made, mut all) = (0, Vec::new());
        while all.len() < count && began.elapsed() < PLENTY {
            let due = began + APART * u32::try_from(made).unwrap_or(u32::MAX);
            if made < count && Instant::now() >= due {
                // Neighbours are read one after the other: not in their order.
                let device = self.bed.tree.efa(made * 13 % count);
                waits.insert((code.to_owned(), device.address().to_owned()), Instant::now());
                device.set_counter(counter, 1).expect("the tree can be written");
                made += 1;
                continue;
            }
            self.monitor.next(if made < count { due } else { began + PLENTY });
            for wanted in appeared(&mut self.monitor) {
                all.extend(waits.remove(&wanted).map(|said| said.elapsed()));
            }
        }
        // What was never found counts as late as it is.
        all.extend(waits.into_values().map(|said| said.elapsed()));
        all
    }
}

/// How long until it is found; [`PLENTY`] where it is not.
fn found(monitor: &mut Monitor, said: Instant, wanted: &Wanted) -> Duration {
    while said.elapsed() < PLENTY {
        monitor.next(said + PLENTY);
        if appeared(monitor).contains(wanted) {
            return said.elapsed();
        }
    }
    PLENTY
}

fn appeared(monitor: &mut Monitor) -> Vec<Wanted> {
    let new = |change| match change {
        Change::Appeared(finding) => Some((finding.code.to_owned(), finding.subject.id().to_owned())),
        Change::Altered(_) | Change::Gone(_) => None,
    };
    monitor.take_changes().into_iter().filter_map(new).collect()
}
