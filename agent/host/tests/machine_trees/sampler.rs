//! The devices' own counters every second.

use std::fs;
use std::time::{Duration, Instant};

use gpunode_host::efa::counters::{Change, Counter};
use gpunode_host::efa::{self, DeviceSample, DeviceSampler, SampleState, SamplerApart};
use gpunode_tree::Options;

use super::{Machine, machine, with, with_efas};

fn of(machine: &Machine) -> DeviceSampler {
    let mut sampler = DeviceSampler::new(machine.root.clone());
    refresh(&mut sampler, machine);
    sampler
}

fn refresh(sampler: &mut DeviceSampler, machine: &Machine) {
    sampler.sync(&efa::names(&machine.root).unwrap());
}

fn sample(sampler: &mut DeviceSampler, name: &str) -> DeviceSample {
    sampler.sample().iter().find(|sample| &*sample.device == name).unwrap().clone()
}

#[test]
fn a_counter_that_moves_is_in_the_next_sample() {
    let machine = machine("p5.48xlarge");
    let mut sampler = of(&machine);
    let efa = machine.tree.efa(17);
    let before = sample(&mut sampler, efa.name());
    efa.set_counter("no_completion_cmds", 1).unwrap();
    let after = sample(&mut sampler, efa.name());
    assert_eq!((before.state, after.state), (SampleState::Read, SampleState::Read));
    let delta = after.counters.delta(&before.counters, std::time::Duration::from_secs(1));
    assert_eq!(delta.by(Counter::NoCompletionCmds), Some(1));
    assert_eq!(delta.by(Counter::KeepAliveRcvd), Some(0));
    let moved = sampler.sample().iter().filter(|s| s.counters.get(Counter::NoCompletionCmds) == Some(1));
    assert_eq!(moved.count(), 1);
}

#[test]
fn every_counter_is_read_at_the_first_sample_and_then_once_in_twenty() {
    let machine = machine("p5.48xlarge");
    let mut sampler = of(&machine);
    assert!(sampler.sample().iter().all(|sample| sample.full));
    let mut full = vec![0; 32];
    for _ in 0..20 {
        let read = sampler.sample();
        let now = read.iter().filter(|sample| sample.full).count();
        assert!((1..=2).contains(&now), "{now}");
        for (count, sample) in full.iter_mut().zip(read) {
            *count += u32::from(sample.full);
            let number = sample.counters.iter().count();
            assert_eq!(number, if sample.full { 12 } else { 3 });
        }
    }
    assert_eq!(full, [1; 32]);
}

#[test]
fn a_device_that_was_made_anew_is_another_one() {
    let machine = machine("p5en.48xlarge");
    let efa = machine.tree.efa(3);
    efa.set_counter("cmds_err", 40).unwrap();
    let mut sampler = of(&machine);
    let before = sample(&mut sampler, efa.name());
    efa.reload().unwrap();
    efa.set_counter("cmds_err", 41).unwrap();
    refresh(&mut sampler, &machine);
    let after = sample(&mut sampler, efa.name());
    assert_eq!((before.incarnation, after.incarnation), (0, 1));
    assert_eq!(
        (before.counters.get(Counter::CmdsErr), after.counters.get(Counter::CmdsErr)),
        (Some(40), Some(41))
    );
    assert_eq!(sample(&mut sampler, machine.tree.efa(4).name()).incarnation, 0);
    refresh(&mut sampler, &machine);
    assert_eq!(sample(&mut sampler, efa.name()).incarnation, 1);
}

#[test]
fn devices_come_and_go() {
    let machine = machine("p5en.48xlarge");
    let mut sampler = of(&machine);
    machine.tree.efa(0).remove().unwrap();
    refresh(&mut sampler, &machine);
    assert_eq!((sampler.names().len(), sampler.sample().len()), (15, 15));
    machine.tree.efa(0).reload().unwrap();
    refresh(&mut sampler, &machine);
    assert_eq!(sampler.sample().iter().filter(|s| s.state == SampleState::Read).count(), 16);
    for number in 0..16 {
        machine.tree.efa(number).remove().unwrap();
    }
    refresh(&mut sampler, &machine);
    assert!(sampler.sample().is_empty());
}

#[test]
fn a_driver_from_before_1_14_has_no_such_counters() {
    let options = Options { efa_driver: Some("1.12.1".into()), ..Options::default() };
    let machine = with("p4d.24xlarge", options);
    let mut sampler = of(&machine);
    let read = sampler.sample();
    assert_eq!(read.len(), 4);
    assert!(read.iter().all(|s| s.state == SampleState::Absent && s.counters.is_empty()));
}

#[test]
fn text_that_is_no_number_is_no_value() {
    let machine = with_efas(2);
    let mut sampler = of(&machine);
    let path = machine.tree.efa(0).counter_path("cmds_err").unwrap();
    fs::write(machine.root.at(&path), "-1\n").unwrap();
    let broken = sample(&mut sampler, machine.tree.efa(0).name());
    assert_eq!((broken.state, broken.counters.get(Counter::CmdsErr)), (SampleState::Read, None));
    assert_eq!(broken.counters.get(Counter::KeepAliveRcvd), Some(0));
    let none = std::time::Duration::ZERO;
    assert_eq!(broken.counters.delta(&broken.counters, none).change(Counter::CmdsErr), Change::Absent);
}

#[test]
fn a_file_that_comes_later_is_read_and_makes_no_other_device() {
    let machine = with_efas(1);
    let path = machine.root.at(machine.tree.efa(0).counter_path("cmds_err").unwrap());
    let beside = path.with_extension("later");
    fs::rename(&path, &beside).unwrap();
    let mut sampler = of(&machine);
    assert_eq!(sampler.sample()[0].counters.get(Counter::CmdsErr), None);
    fs::rename(&beside, &path).unwrap();
    refresh(&mut sampler, &machine);
    let sample = sampler.sample()[0].clone();
    assert_eq!((sample.counters.get(Counter::CmdsErr), sample.incarnation), (Some(0), 0));
}

/// However busy this machine is.
const PLENTY: Duration = Duration::from_secs(60);

/// A file of theirs that stands this long is told.
const DEADLINE: Duration = Duration::from_millis(50);

/// Samples until `wanted`, and looks each time which devices there are, as the monitor does every ten seconds.
fn until(sampler: &mut SamplerApart, names: &[String], wanted: impl Fn(&[DeviceSample]) -> bool) {
    let end = Instant::now() + PLENTY;
    loop {
        sampler.sync(names.to_vec());
        let read = sampler.sample(DEADLINE);
        if wanted(&read) {
            return;
        }
        assert!(Instant::now() < end, "{read:?}");
    }
}

fn count(samples: &[DeviceSample], state: SampleState) -> usize {
    samples.iter().filter(|sample| sample.state == state).count()
}

#[test]
fn a_device_whose_counters_do_not_come_back_hides_no_other() {
    let machine = machine("p5.48xlarge");
    let names = efa::names(&machine.root).unwrap();
    let mut sampler = SamplerApart::new(machine.root.clone());
    sampler.sync(names.clone());
    assert_eq!(count(&sampler.sample(PLENTY), SampleState::Read), 32);
    machine.tree.efa(2).reload().unwrap();
    until(&mut sampler, &names, |samples| samples.iter().any(|sample| sample.incarnation == 1));
    // One of those that are kept open, and one that is opened for each reading.
    machine.tree.efa(3).stall_counter("cmds_err").unwrap();
    machine.tree.efa(4).stall_counter("submitted_cmds").unwrap();
    let two = |samples: &[DeviceSample]| {
        count(samples, SampleState::Stalled) == 2 && count(samples, SampleState::Read) == 30
    };
    until(&mut sampler, &names, two);
    let read = sampler.sample(DEADLINE);
    let of = |number: usize| read.iter().find(|s| *s.device == *machine.tree.efa(number).name()).unwrap();
    assert_eq!((of(3).state, of(4).state), (SampleState::Stalled, SampleState::Stalled));
    assert_eq!((of(2).incarnation, of(5).incarnation), (1, 0), "the others go on where they were");
    machine.tree.efa(3).release_counter("cmds_err").unwrap();
    machine.tree.efa(4).release_counter("submitted_cmds").unwrap();
    until(&mut sampler, &names, |samples| count(samples, SampleState::Read) == 32);
}

const HOUR: Duration = Duration::from_secs(3600);

/// Those that stand are past no deadline yet, and nobody waits for it.
#[test]
fn the_first_sample_of_a_device_that_stands_has_all_the_others() {
    let machine = machine("p5.48xlarge");
    let names = efa::names(&machine.root).unwrap();
    let mut sampler = SamplerApart::new(machine.root.clone());
    sampler.sync(names.clone());
    assert_eq!(sampler.sample(PLENTY).len(), 32);
    let stand = [3, 17, 31].map(|number| machine.tree.efa(number));
    for efa in &stand {
        efa.stall_counter("submitted_cmds").unwrap();
    }
    let is_left_out = |read: &[DeviceSample], name: &str| read.iter().all(|sample| *sample.device != *name);
    // That file has its turn in each device once in twenty samples.
    let mut left_out = 0;
    for _ in 0..20 {
        let read = sampler.sample(HOUR);
        assert_eq!(count(&read, SampleState::Read), read.len());
        left_out = stand.iter().filter(|efa| is_left_out(&read, efa.name())).count();
        assert_eq!(read.len(), 32 - left_out);
    }
    assert_eq!(left_out, 3);
    assert!(sampler.next_deadline(HOUR).is_some());
    // Once it is over all three are told.
    until(&mut sampler, &names, |samples| count(samples, SampleState::Stalled) == 3);
    for efa in &stand {
        efa.release_counter("submitted_cmds").unwrap();
    }
}

#[test]
fn one_look_is_not_held_up_by_counters_that_do_not_come_back() {
    let machine = machine("p5en.48xlarge");
    machine.tree.efa(3).stall_counter("cmds_err").unwrap();
    let names = efa::names(&machine.root).unwrap();
    let all = efa::counters_once(&machine.root, &names, Duration::ZERO, Duration::from_secs(3));
    let stalled: Vec<_> = all.iter().filter(|device| device.device.stalled).map(|it| &*it.name).collect();
    assert_eq!(stalled, [machine.tree.efa(3).name()]);
    assert!(all.iter().all(|device| matches!(device.port, efa::PortCounters::Read(_))), "{all:?}");
    let read = |device: &&efa::DeviceCounters| device.device.counters.get(Counter::CmdsErr).is_some();
    assert_eq!(all.iter().filter(read).count(), 15);
    machine.tree.efa(3).release_counter("cmds_err").unwrap();
}
