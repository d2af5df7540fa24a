//! The ports' counters over time, with cards that do not answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gpunode_host::efa::counters::Counter;
use gpunode_host::efa::{self, PortCounters, PortEvent, PortReaders, PortReading};

use super::{Machine, machine, with_efas};

/// Against hanging; nothing takes this long.
const LONG: Duration = Duration::from_secs(60);

struct Watch {
    readers: PortReaders,
    now: Instant,
}

impl Watch {
    fn of(machine: &Machine) -> Self {
        let now = Instant::now();
        let readers = PortReaders::new(machine.root.clone(), PortReaders::PERIOD, PortReaders::DEADLINE, now);
        let mut watch = Self { readers, now };
        watch.sync(machine);
        watch
    }

    fn sync(&mut self, machine: &Machine) {
        let names = efa::names(&machine.root).unwrap();
        let names: Vec<Arc<str>> = names.iter().map(|name| (&**name).into()).collect();
        self.readers.sync(&names, self.now);
    }

    /// Lets a period pass, in which every device is read that is not being read. Waits until `count` came back.
    fn round(&mut self, count: usize) -> Vec<PortEvent> {
        self.now += self.readers.period();
        self.until(|events| back(events).len() >= count)
    }

    /// Waits for threads that are not needed to end: one that rests and those that stand do not.
    fn settle(&self, threads: usize) {
        let end = Instant::now() + LONG;
        while self.readers.threads() != threads && Instant::now() < end {
            std::thread::yield_now();
        }
        assert_eq!(self.readers.threads(), threads);
    }

    /// Waits until enough has happened.
    fn until(&mut self, enough: impl Fn(&[PortEvent]) -> bool) -> Vec<PortEvent> {
        let mut events = self.readers.tick(self.now);
        while !enough(&events) {
            self.readers.wait(Instant::now() + LONG);
            events.extend(self.readers.tick(self.now));
        }
        events
    }
}

/// The devices whose read came back.
fn back(events: &[PortEvent]) -> BTreeSet<&str> {
    let mut devices = BTreeSet::new();
    for event in events {
        if let PortEvent::Read { device, .. } | PortEvent::Failed { device, .. } = event {
            devices.insert(&**device);
        }
    }
    devices
}

fn readings(events: &[PortEvent]) -> BTreeMap<&str, &PortReading> {
    let mut readings = BTreeMap::new();
    for event in events {
        if let PortEvent::Read { device, reading, .. } = event {
            readings.insert(&**device, &**reading);
        }
    }
    readings
}

#[test]
fn all_ports_are_read_once_a_period() {
    let machine = machine("p5.48xlarge");
    machine.tree.efa(7).set_counter("rx_drops", 12).unwrap();
    let mut watch = Watch::of(&machine);
    let events = watch.round(32);
    let read = readings(&events);
    assert_eq!(read.len(), 32);
    assert_eq!(read[machine.tree.efa(7).name()].counters.get(Counter::RxDrops), Some(12));
    watch.settle(1);
    let period = watch.readers.period();
    assert!(watch.readers.next_wake().is_some_and(|wake| wake <= watch.now + period));
    assert_eq!(readings(&watch.round(32)).len(), 32);
}

#[test]
fn a_dead_card_delays_no_other_and_is_told_once() {
    let machine = machine("p5.48xlarge");
    let mut watch = Watch::of(&machine);
    watch.round(32);
    let dead = machine.tree.efa(11);
    dead.stall_port().unwrap();
    let events = watch.round(31);
    let began = watch.now;
    assert!(readings(&events).len() == 31 && !readings(&events).contains_key(dead.name()));
    watch.now += PortReaders::DEADLINE;
    let told = watch.readers.tick(watch.now);
    let stalled = PortEvent::Stalled { device: dead.name().into(), since: began };
    assert!(told.contains(&stalled), "{told:?}");
    for _ in 0..3 {
        let events = watch.round(31);
        assert!(!events.contains(&stalled) && !readings(&events).contains_key(dead.name()));
    }
    assert_eq!(watch.readers.stalled().collect::<Vec<_>>(), [(dead.name(), began)]);
    // One stands, and one does the work.
    watch.settle(2);
    dead.release_port().unwrap();
    watch.until(|events| readings(events).contains_key(dead.name()));
    assert_eq!(watch.readers.stalled().count(), 0);
    assert_eq!(readings(&watch.round(32)).len(), 32);
}

#[test]
fn a_port_that_went_away_is_an_error_with_its_number() {
    let machine = with_efas(3);
    let mut watch = Watch::of(&machine);
    machine.tree.efa(1).remove().unwrap();
    let events = watch.round(3);
    let failed: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            PortEvent::Failed { device, failure, .. } => Some((&**device, failure.errno)),
            _ => None,
        })
        .collect();
    assert_eq!(failed, [(machine.tree.efa(1).name(), Some(2))]);
    watch.sync(&machine);
    assert_eq!(readings(&watch.round(2)).len(), 2);
}

#[test]
fn an_error_of_the_card_is_told_with_its_number_and_ends_the_reading() {
    let machine = with_efas(2);
    let mut watch = Watch::of(&machine);
    let efa = machine.tree.efa(1);
    // The beginning of a process's memory is a file that opens and whose read is an error, as a dead card's is.
    for counter in ["rdma_read_bytes", "tx_bytes"] {
        let path = machine.root.at(efa.counter_path(counter).unwrap());
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/proc/self/mem", path).unwrap();
    }
    let events = watch.round(2);
    let failure = events.iter().find_map(|event| match event {
        PortEvent::Failed { device, failure, .. } if **device == *efa.name() => Some(failure),
        _ => None,
    });
    let failure = failure.unwrap();
    // EIO; the second such file was not asked for any more.
    assert_eq!(failure.errno, Some(5));
    assert!(failure.path.ends_with("rdma_read_bytes"), "{failure}");
}

#[test]
fn a_port_that_was_made_anew_is_another_one() {
    let machine = with_efas(2);
    let mut watch = Watch::of(&machine);
    watch.round(2);
    machine.tree.efa(0).reload().unwrap();
    watch.sync(&machine);
    let events = watch.round(2);
    let incarnations: Vec<_> = readings(&events).values().map(|reading| reading.incarnation).collect();
    assert_eq!(incarnations, [1, 0]);
}

#[test]
fn one_look_at_everything_says_which_card_does_not_answer() {
    let machine = machine("p5en.48xlarge");
    machine.tree.efa(5).stall_port().unwrap();
    machine.tree.efa(6).set_counter("tx_bytes", 5).unwrap();
    let names = efa::names(&machine.root).unwrap();
    let all = efa::counters_once(&machine.root, &names, Duration::ZERO, Duration::from_secs(3));
    let silent: Vec<_> = all.iter().filter(|device| device.port == PortCounters::Stalled).collect();
    assert_eq!(silent.len(), 1);
    assert_eq!(silent[0].name, machine.tree.efa(5).name());
    // What the driver counts is readable when the card is dead.
    assert_eq!(silent[0].device.counters.get(Counter::NoCompletionCmds), Some(0));
    assert_eq!((silent[0].port_delta(), silent[0].device_delta().by(Counter::CmdsErr)), (None, Some(0)));
    let whole = all.iter().find(|device| device.name == machine.tree.efa(6).name()).unwrap();
    let PortCounters::Read(reading) = &whole.port else { panic!("{whole:?}") };
    assert_eq!(reading.counters.get(Counter::TxBytes), Some(5));
    assert_eq!(whole.port_delta().and_then(|delta| delta.by(Counter::TxBytes)), Some(0));
    let json = serde_json::to_string(&all).unwrap();
    assert_eq!(serde_json::from_str::<Vec<efa::DeviceCounters>>(&json).unwrap(), all);
    machine.tree.efa(5).release_port().unwrap();
}
