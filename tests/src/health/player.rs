//! Plays a case: real readers on the machine's files, the real probe with the fake libraries, and a clock that is set.
#![allow(clippy::panic, clippy::expect_used, reason = "a case that cannot be played has failed")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use gpunode_host::efa::{DeviceSampler, Observer, PortEvent, PortReaders};
use gpunode_host::gpu_pci;
use gpunode_host::health::{Health, Now, Port, Seen};
use gpunode_host::kernel_log::{Parser, Record, Speakers};
use gpunode_host::versions::Versions;
use gpunode_probe_client::{Outcome, Probe};

use super::change::Changes;
use super::{Bed, Case, Step, names};

/// However slow this machine is; nothing in a case hangs.
const PLENTY: Duration = Duration::from_secs(120);
/// A port is read within this, or the case has failed.
const PERIOD: Duration = Duration::from_secs(10);

/// Every finding, as the cases write it.
pub fn found(bed: &Bed, health: &Health) -> Vec<String> {
    let mut found: Vec<_> =
        health.findings().iter().map(|finding| names::finding(&bed.tree, finding)).collect();
    found.sort();
    found
}

/// Plays it on one instance type.
///
/// # Errors
/// What was found and should not be, or the other way round, in words.
///
/// # Panics
/// When the case cannot be played.
pub fn play(case: &Case, instance: &str) -> Result<(), String> {
    let mut player = Player::new(Bed::new(instance), case.libfabric);
    player.round();
    player.compare("before anything happened", &Step::default())?;
    for (number, step) in case.steps.iter().enumerate() {
        player.step(step);
        player.compare(&format!("after step {}", number + 1), step)?;
    }
    Ok(())
}

struct Player {
    bed: Bed,
    health: Health,
    probe: Probe,
    libfabric: bool,
    hidden: Vec<usize>,
    fabric_code: i32,
    sampler: DeviceSampler,
    ports: PortReaders,
    parser: Parser,
    began: Instant,
    rounds: u32,
    now: Duration,
    sequence: u64,
    changes: Changes,
}

impl Player {
    fn new(bed: Bed, libfabric: bool) -> Self {
        let settings = bed.settings();
        let began = Instant::now();
        Self {
            health: Health::new(settings.setup.clone()),
            probe: Probe::start(&settings.probe).expect("the probe can be prepared"),
            libfabric,
            hidden: Vec::new(),
            fabric_code: 0,
            sampler: DeviceSampler::new(bed.root.clone()),
            ports: PortReaders::new(bed.root.clone(), PERIOD, PLENTY * 100, began),
            parser: Parser::new(Speakers::Kernel),
            began,
            rounds: 0,
            now: Duration::from_secs(1000),
            sequence: 0,
            changes: Changes::default(),
            bed,
        }
    }

    fn step(&mut self, step: &Step) {
        if let Some(hidden) = &step.hidden {
            self.hidden.clone_from(hidden);
        }
        self.fabric_code = step.fabric_code.unwrap_or(self.fabric_code);
        if step.held.is_some() {
            self.see(Seen::EfaHeld(step.held));
        }
        for round in 0..step.rounds.unwrap_or(1) {
            self.now += Duration::from_secs(step.every.unwrap_or(10));
            for change in &step.tree {
                self.changes.make(&self.bed.tree, change).unwrap_or_else(|error| panic!("{change}: {error}"));
            }
            // Of the GPUs that the bus has now.
            if let Some(different) = step.nvml.as_ref().filter(|_| round == 0) {
                self.bed.nvml(different);
            }
            for line in &step.log {
                self.line(line);
            }
            self.round();
        }
    }

    fn at(&self) -> Now {
        Now { boot: self.now, unix_ms: gpunode_host::millis(self.now) }
    }

    fn see(&mut self, seen: Seen) {
        self.health.see(self.at(), seen);
    }

    fn line(&mut self, line: &str) {
        self.sequence += 1;
        let text = names::fill(&self.bed.tree, line);
        let record = format!("4,{},{},-;{text}\n", self.sequence, self.now.as_micros());
        let record = Record::parse(record.as_bytes()).expect("it is a record");
        let entry = self.parser.parse(&record).unwrap_or_else(|| panic!("{text}: means nothing"));
        self.see(Seen::Kernel(Box::new(entry)));
    }

    /// Looks at everything once.
    fn round(&mut self) {
        let root = self.bed.root.clone();
        self.see(Seen::Versions(Box::new(Versions::read(&root))));
        let (gpus, nvswitches) = (gpu_pci::devices(&root), gpu_pci::nvswitches(&root));
        let addresses: Vec<_> = gpus.iter().map(|gpu| gpu.address.clone()).collect();
        let hardware = gpu_pci::hardware_once(&root, &addresses, PLENTY);
        self.see(Seen::GpuBus { gpus, hardware, nvswitches });
        let seen = Observer::new(root.clone(), PLENTY).look(PLENTY);
        let seen = seen.unwrap_or_else(|error| panic!("{}", error.words()));
        let devices: Vec<_> = seen.devices.iter().map(|device| device.name.clone()).collect();
        self.see(Seen::Efa(Box::new(seen)));
        self.sampler.sync(&devices);
        let samples = self.sampler.sample_all().to_vec();
        self.see(Seen::EfaDevices(samples));
        self.read_ports(&devices);
        match self.probe.gpus(PLENTY, &[], true) {
            Outcome::Whole(sweep) | Outcome::Partial(sweep, _) => self.see(Seen::Gpus(Ok(sweep))),
            Outcome::Nothing(trouble) => panic!("{trouble}"),
        }
        if self.libfabric {
            self.ask_libfabric();
        }
        self.health.tick(self.at());
    }

    fn read_ports(&mut self, devices: &[String]) {
        let names: Vec<Arc<str>> = devices.iter().map(|name| name.as_str().into()).collect();
        // The pool's clock goes on by two periods a round, so that every port is due in each.
        self.rounds += 2;
        let now = self.began + PERIOD * self.rounds;
        self.ports.sync(&names, now.checked_sub(PERIOD).unwrap_or(now));
        let (mut left, until) = (names.len(), Instant::now() + PLENTY);
        while left > 0 {
            assert!(Instant::now() < until, "ports do not answer");
            for event in self.ports.tick(now) {
                let (device, what) = match event {
                    PortEvent::Read { device, reading, .. } => (device, Port::Read(reading)),
                    PortEvent::Failed { device, failure, .. } => (device, Port::Failed(failure)),
                    PortEvent::Stalled { .. } | PortEvent::NoThread { .. } => panic!("{event:?}"),
                };
                left -= 1;
                self.see(Seen::EfaPort { device, what });
            }
            self.ports.wait(Instant::now() + Duration::from_millis(20));
        }
    }

    fn ask_libfabric(&mut self) {
        let hidden = self.hidden.iter().map(|number| self.bed.tree.efa(*number).name().to_owned()).collect();
        self.bed.libfabric(|scenario| {
            (scenario.hidden, scenario.code) = (hidden, self.fabric_code);
        });
        match self.probe.interfaces(PLENTY) {
            Outcome::Whole(listing) | Outcome::Partial(listing, _) => {
                self.see(Seen::Libfabric(Ok(listing.interfaces)));
            }
            Outcome::Nothing(trouble) => panic!("{trouble}"),
        }
    }

    fn compare(&self, when: &str, step: &Step) -> Result<(), String> {
        let (found, mut wanted) = (found(&self.bed, &self.health), step.findings.clone());
        wanted.sort();
        if found != wanted {
            let words: Vec<_> = self
                .health
                .findings()
                .iter()
                .map(|f| format!("    {} {}: {}", f.code, f.subject, f.message))
                .collect();
            return Err(format!("{when}: found {found:?}, not {wanted:?}\n{}", words.join("\n")));
        }
        for finding in self.health.findings() {
            let (name, severity) =
                (names::finding(&self.bed.tree, &finding), format!("{:?}", finding.severity));
            if let Some(wanted) =
                step.severity.get(&name).filter(|wanted| !wanted.eq_ignore_ascii_case(&severity))
            {
                return Err(format!("{when}: {name} is {severity}, not {wanted}"));
            }
        }
        Ok(())
    }
}
