//! `bench-efa [ROUNDS]`: what watching 32 EFA devices and 8 GPUs costs in processor time, threads included. The
//! machine is a tree in memory; the same number of reads on this machine's own sysfs is measured beside it, because a
//! file of sysfs costs more than one in memory. Prints one line a value.
#![allow(clippy::panic, reason = "a bench whose machine does not answer has failed")]

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use gpunode_host::Root;
use gpunode_host::efa::{self, DeviceSampler, Observer, PortEvent, PortReaders, SamplerApart};
use gpunode_host::gpu_pci::{Bus, Functions, GpuReaders};
use gpunode_host::health::{Health, Now, Port, Seen};
use gpunode_host::versions::Versions;
use gpunode_monitor::probe::{Outcome, Probe};
use gpunode_tests::health::Bed;
use nix::time::{ClockId, clock_gettime};

/// DESIGN, budgets: a sample of the devices' counters, and a sweep of everything.
const SAMPLE_BUDGET: Duration = Duration::from_micros(500);
const SWEEP_BUDGET: Duration = Duration::from_millis(5);
/// However busy this machine is.
const PLENTY: Duration = Duration::from_secs(60);
/// A counter that every machine has.
const REAL: &str = "/sys/class/net/lo/statistics/rx_bytes";

fn main() -> ExitCode {
    let rounds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(198);
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
    let bed = Bed::new("p5.48xlarge");
    let root = bed.root.clone();
    let names = efa::names(&root).map_err(io::Error::other)?;
    let mut sampler = DeviceSampler::new(root.clone());
    sampler.sync(&names);
    let sample = per_round(rounds, || assert_eq!(sampler.sample().len(), 32))?;
    println!("descriptors open for 32 devices: {}", fs::read_dir("/proc/self/fd")?.count());
    let mut kept = print("1 s sample of 32 devices", sample, SAMPLE_BUDGET);
    let mut apart = SamplerApart::new(root.clone());
    apart.sync(names);
    let sample = per_round(rounds, || {
        assert_eq!(apart.sample(Duration::from_secs(60)).len(), 32);
    })?;
    kept &= print("the same on a thread of its own, as the monitor does", sample, SAMPLE_BUDGET);
    kept &= print("the same reads on this machine's sysfs", real_sample(rounds)?, SAMPLE_BUDGET);
    let mut sweep = Sweep::new(&bed)?;
    for (what, anew) in
        [("a sweep, as one after the other does", false), ("the first one, which knows nothing yet", true)]
    {
        sweep.anew = anew;
        println!("{what}:");
        print("  EFA devices, functions, others", per_round(rounds, || sweep.observe())?, SWEEP_BUDGET);
        print("  all counters of the devices", per_round(rounds, || sweep.devices())?, SWEEP_BUDGET);
        print("  all counters of the ports", per_round(rounds, || sweep.later_ports())?, SWEEP_BUDGET);
        print("  GPUs without NVML", per_round(rounds, || sweep.later_gpus())?, SWEEP_BUDGET);
        print("  NVML, without the probe's own time", per_round(rounds, || sweep.nvml())?, SWEEP_BUDGET);
        let all = per_round(rounds, || sweep.all())?;
        let kept_it =
            print("  sweep of 32 EFA devices and 8 GPUs, NVML and rules included", all, SWEEP_BUDGET);
        kept &= kept_it || anew;
    }
    let found = sweep.health.findings();
    if let [first, ..] = &found[..] {
        eprintln!("bench-efa: found {} {}", first.code, first.subject);
    }
    Ok(kept && found.is_empty())
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

fn observer(root: &Root) -> Observer {
    Observer::new(root.clone(), PLENTY)
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

/// All that there is to look at, as a program looks that goes on for days: threads, open files, the probe and the state
/// are kept, and of what is fixed while a device is the same one each look reads a sixth anew; or all of it, as the first
/// look of a process does. What is read goes to the state at once, so that each part's cost is that of its rules too.
struct Sweep {
    root: Root,
    observer: Observer,
    bus: Bus,
    /// Whether nothing is known of the look before.
    anew: bool,
    sampler: DeviceSampler,
    names: Vec<String>,
    ports: PortReaders,
    gpus: GpuReaders,
    probe: Probe,
    health: Health,
    began: Instant,
    now: Instant,
}

impl Sweep {
    fn new(bed: &Bed) -> io::Result<Self> {
        let (root, now, settings) = (bed.root.clone(), Instant::now(), bed.settings());
        let names = efa::names(&root).map_err(io::Error::other)?;
        let mut sampler = DeviceSampler::new(root.clone());
        sampler.sync(&names);
        let mut ports = PortReaders::new(root.clone(), PortReaders::PERIOD, PortReaders::DEADLINE, now);
        ports.sync(&sampler.names(), now);
        let gpus = GpuReaders::new(root.clone());
        let probe = Probe::start(&settings.probe).map_err(io::Error::other)?;
        let mut health = Health::new(settings.setup);
        let clock = Now { boot: Duration::ZERO, unix_ms: 0 };
        health.see(clock, Seen::Versions(Box::new(Versions::read(&root))));
        let (observer, bus) = (observer(&root), Bus::default());
        Ok(Self {
            root,
            observer,
            bus,
            anew: false,
            sampler,
            names,
            ports,
            gpus,
            probe,
            health,
            began: now,
            now,
        })
    }

    /// Time as the rules see it goes on by a period a round.
    fn see(&mut self, seen: Seen) {
        let now = Now { boot: self.now.saturating_duration_since(self.began), unix_ms: 0 };
        self.health.see(now, seen);
    }

    fn all(&mut self) {
        self.later();
        self.observe();
        self.devices();
        self.ports();
        self.gpus();
        self.nvml();
    }

    fn later_ports(&mut self) {
        self.later();
        self.ports();
    }

    fn later_gpus(&mut self) {
        self.later();
        self.gpus();
    }

    fn observe(&mut self) {
        if self.anew {
            self.observer = observer(&self.root);
        }
        let seen = self.observer.look(PLENTY).unwrap_or_else(|error| panic!("{}", error.words()));
        self.names = seen.devices.iter().map(|device| device.name.clone()).collect();
        self.see(Seen::Efa(Box::new(seen)));
    }

    fn devices(&mut self) {
        self.sampler.sync(&self.names);
        let samples = self.sampler.sample_all().to_vec();
        assert_eq!(samples.len(), 32, "the machine has 32 devices");
        self.see(Seen::EfaDevices(samples));
    }

    /// Lets a period pass, after which each port and each GPU is due once.
    fn later(&mut self) {
        self.now += self.ports.period();
    }

    fn ports(&mut self) {
        let mut back = 0;
        loop {
            for event in self.ports.tick(self.now) {
                let PortEvent::Read { device, reading, .. } = event else { panic!("{event:?}") };
                self.see(Seen::EfaPort { device, what: Port::Read(reading) });
                back += 1;
            }
            if back == 32 {
                return;
            }
            self.ports.wait(Instant::now() + Duration::from_secs(60));
        }
    }

    fn gpus(&mut self) {
        if self.anew {
            self.bus = Bus::default();
        }
        let Functions { gpus, nvswitches } =
            self.bus.look(&self.root).unwrap_or_else(|error| panic!("{}", error.words()));
        let addresses: Vec<_> = gpus.iter().map(|gpu| gpu.address.clone()).collect();
        let hardware = self.gpus.round(&addresses, PLENTY);
        assert!(hardware.len() == 8 && hardware.iter().all(Option::is_some));
        self.see(Seen::GpuBus { gpus, hardware, nvswitches });
    }

    fn nvml(&mut self) {
        match self.probe.gpus(Duration::from_secs(60), &[], true) {
            Outcome::Whole(sweep) => self.see(Seen::Gpus(Ok(sweep))),
            other => panic!("{other:?}"),
        }
    }
}
