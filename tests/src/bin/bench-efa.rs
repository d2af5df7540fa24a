//! `bench-efa [ROUNDS]`: what watching 32 EFA devices and 8 GPUs costs in processor time, threads included. The
//! machine is a tree in memory; the same number of reads on this machine's own sysfs is measured beside it, because a
//! file of sysfs costs more than one in memory. Prints one line a value.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gpunode_host::Root;
use gpunode_host::efa::{self, DeviceSampler, PortReaders};
use gpunode_host::gpu_pci::{self, GpuReaders};
use gpunode_tree::MachineTree;
use nix::time::{ClockId, clock_gettime};

/// DESIGN, budgets: a sample of the devices' counters, and a sweep of everything.
const SAMPLE_BUDGET: Duration = Duration::from_micros(500);
const SWEEP_BUDGET: Duration = Duration::from_millis(5);
/// A counter that every machine has.
const REAL: &str = "/sys/class/net/lo/statistics/rx_bytes";

fn main() -> ExitCode {
    let rounds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(200);
    match measure(rounds) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench-efa: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether all budgets were kept.
fn measure(rounds: u32) -> io::Result<bool> {
    let folder = tempfile::Builder::new().prefix("bench-efa-").tempdir_in("/dev/shm")?;
    let _tree = MachineTree::of(folder.path(), "p5.48xlarge")?;
    let root = Root::new(folder.path());
    let mut sampler = DeviceSampler::new(root.clone());
    let sample = per_round(rounds, || check(sampler.sample().len()))?;
    println!("descriptors open for 32 devices: {}", fs::read_dir("/proc/self/fd")?.count());
    let mut kept = print("1 s sample of 32 devices", sample, SAMPLE_BUDGET);
    kept &= print("the same reads on this machine's sysfs", real_sample(rounds)?, SAMPLE_BUDGET);
    let mut sweep = Sweep::new(root.clone());
    print("  of it: EFA devices, functions, others", per_round(rounds, || sweep.observe())?, SWEEP_BUDGET);
    print("  of it: all counters of the devices", per_round(rounds, || sweep.devices())?, SWEEP_BUDGET);
    print("  of it: all counters of the ports", per_round(rounds, || sweep.ports())?, SWEEP_BUDGET);
    print("  of it: GPUs without NVML", per_round(rounds, || sweep.gpus())?, SWEEP_BUDGET);
    let all = per_round(rounds, || {
        sweep.observe();
        sweep.devices();
        sweep.ports();
        sweep.gpus();
    })?;
    kept &= print("full sweep of 32 EFA devices and 8 GPUs", all, SWEEP_BUDGET);
    Ok(kept)
}

fn check(count: usize) {
    assert_eq!(count, 32, "the machine has 32 devices");
}

fn print(what: &str, cost: Duration, budget: Duration) -> bool {
    println!("{what}: {} µs of processor time, budget {} µs", cost.as_micros(), budget.as_micros());
    cost <= budget
}

/// Mean processor time of all threads for one round; the first, which warms the caches, is not counted.
fn per_round(rounds: u32, mut round: impl FnMut()) -> io::Result<Duration> {
    round();
    let before = cpu()?;
    for _ in 0..rounds {
        round();
    }
    Ok(cpu()?.saturating_sub(before) / rounds)
}

fn cpu() -> io::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?.into())
}

/// What a sample does, on real files of sysfs: three reads for each of 32 devices, and nine files opened, read and
/// closed for a tenth of them.
fn real_sample(rounds: u32) -> io::Result<Duration> {
    let open = (0..96).map(|_| File::open(REAL)).collect::<io::Result<Vec<_>>>()?;
    let mut buffer = [0; 32];
    let mut failed = None;
    let cost = per_round(rounds, || {
        let again = (0..4 * 9).map(|_| File::open(REAL));
        let read = |file: io::Result<&File>| file.and_then(|file| file.read_at(&mut buffer, 0));
        let kept = open.iter().map(Ok).map(read).find_map(Result::err);
        let opened = again.map(|file| file?.read_at(&mut [0; 32], 0)).find_map(Result::err);
        failed = kept.or(opened).or(failed.take());
    })?;
    failed.map_or(Ok(cost), Err)
}

/// All that there is to read, as a program reads it that goes on for days: threads and open files are kept.
struct Sweep {
    root: Root,
    sampler: DeviceSampler,
    names: Vec<String>,
    ports: PortReaders,
    gpus: GpuReaders,
    now: Instant,
}

impl Sweep {
    fn new(root: Root) -> Self {
        let now = Instant::now();
        let sampler = DeviceSampler::new(root.clone());
        let names = efa::names(&root);
        let mut ports = PortReaders::new(root.clone(), PortReaders::PERIOD, PortReaders::DEADLINE, now);
        ports.sync(&sampler.names(), now);
        let gpus = GpuReaders::new(root.clone(), PortReaders::PERIOD, PortReaders::DEADLINE, now);
        Self { root, sampler, names, ports, gpus, now }
    }

    fn observe(&mut self) {
        let seen = efa::observe(&self.root);
        self.names = seen.devices.into_iter().map(|device| device.name).collect();
    }

    fn devices(&mut self) {
        self.sampler.sync(&self.names);
        check(self.sampler.sample_all().len());
    }

    /// Lets a period pass, in which each port is read once.
    fn ports(&mut self) {
        self.now += self.ports.period();
        let mut back = self.ports.tick(self.now).len();
        while back < 32 {
            self.ports.wait(Instant::now() + Duration::from_secs(60));
            back += self.ports.tick(self.now).len();
        }
    }

    fn gpus(&mut self) {
        let gpus = gpu_pci::devices(&self.root);
        let addresses: Vec<Arc<str>> = gpus.iter().map(|gpu| (&*gpu.address).into()).collect();
        self.gpus.sync(&addresses, self.now);
        self.now += PortReaders::PERIOD;
        let mut back = self.gpus.tick(self.now).len();
        while back < 8 {
            self.gpus.wait(Instant::now() + Duration::from_secs(60));
            back += self.gpus.tick(self.now).len();
        }
    }
}
