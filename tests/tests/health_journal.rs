//! Where the kernel log's device is not to be had, what journald has of it is watched.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::time::{Duration, Instant};

use gpunode_host::health::{Change, Source};
use gpunode_monitor::{Health, Monitor, Once, State, look};
use gpunode_tests::health::{Bed, finds, found, often, until};
use gpunode_tests::journal::{self, Entry, Writer};

const BOOT: &str = "this-boot";

fn fallen(bus: &str) -> String {
    format!("NVRM: Xid (PCI:0000:{bus}:00): 79, pid=7, name=python, GPU has fallen off the bus.")
}

/// A machine with a journal, and without the kernel log's device.
fn without_device() -> (Bed, Writer) {
    let bed = Bed::new("p4d.24xlarge");
    fs::remove_file(bed.root.at("/dev/kmsg")).unwrap();
    journal::name(bed.root.path());
    let mut writer = writer(&bed);
    writer.add(&[Entry::kernel(1000, 0, "Linux version 6.12")]);
    (bed, writer)
}

fn writer(bed: &Bed) -> Writer {
    Writer::start(&journal::path(bed.root.path(), true, "system.journal"), &[])
}

fn log(monitor: &Monitor) -> Option<&State> {
    monitor.sources().get(&Source::KernelLog)
}

fn reads_the_journal(bed: &Bed, monitor: &mut Monitor) {
    until(bed, monitor, "the journal is read", |monitor| matches!(log(monitor), Some(State::Instead(_))));
}

#[test]
fn a_line_of_the_journal_is_a_finding_and_none_twice_after_a_restart() {
    let (bed, mut writer) = without_device();
    let mut monitor = Monitor::start(often(&bed)).unwrap();
    reads_the_journal(&bed, &mut monitor);
    let Some(State::Instead(why)) = log(&monitor) else { panic!("{:?}", log(&monitor)) };
    assert!(why.starts_with("read from the journal: ") && why.contains("/dev/kmsg"), "{why}");
    let now = Entry::now("").at;
    // A program's words, by the journal and by the kernel log's device.
    writer.add(&[Entry::program(now, fallen("10")), Entry::kernel(now, 1, fallen("10"))]);
    writer.add(&[Entry::now(fallen("75"))]);
    finds(&bed, &mut monitor, &["Xid79 gpu 2"]);

    let (saved, setup) = (monitor.health().save(BOOT), monitor.health().setup().clone());
    drop(monitor);
    let mut monitor = Monitor::resume(often(&bed), Health::restore(setup, saved, BOOT)).unwrap();
    reads_the_journal(&bed, &mut monitor);
    writer.add(&[Entry::now(fallen("86"))]);
    finds(&bed, &mut monitor, &["Xid79 gpu 2", "Xid79 gpu 3"]);
    let told: Vec<_> = monitor.take_changes().into_iter().filter_map(appeared).collect();
    assert_eq!(told.len(), 1, "only what is new is told: {told:?}");
}

fn appeared(change: Change) -> Option<String> {
    match change {
        Change::Appeared(finding) => Some(format!("{} {}", finding.code, finding.subject)),
        Change::Altered(_) | Change::Gone(_) => None,
    }
}

#[test]
fn a_journal_that_goes_away_is_told_and_gone_on_with_when_it_is_back() {
    let (bed, mut writer) = without_device();
    writer.add(&[Entry::now(fallen("75"))]);
    let mut monitor = Monitor::start(often(&bed)).unwrap();
    finds(&bed, &mut monitor, &["Xid79 gpu 2"]);
    writer.end();
    let (there, away) = (bed.root.at("/var/log/journal"), bed.root.at("/var/log/away"));
    fs::rename(&there, &away).unwrap();
    until(&bed, &mut monitor, "it is silent", |monitor| matches!(log(monitor), Some(State::Unavailable(_))));
    let why = log(&monitor).unwrap().why().unwrap();
    assert!(why.contains("no journal of this boot") && why.contains("/dev/kmsg"), "{why}");
    assert!(monitor.health().silent_sources().any(|source| *source == Source::KernelLog));

    fs::rename(&away, &there).unwrap();
    let mut writer = self::writer(&bed);
    writer.add(&[Entry::now(fallen("86"))]);
    finds(&bed, &mut monitor, &["Xid79 gpu 2", "Xid79 gpu 3"]);
    reads_the_journal(&bed, &mut monitor);
}

#[test]
fn one_look_reads_it_too_and_says_so() {
    let (bed, mut writer) = without_device();
    writer.add(&[Entry::now(fallen("75"))]);
    writer.end();
    let looked = look(&bed.settings(), &Once::new(Duration::from_secs(60)));
    assert_eq!(found(&bed, &looked.health), ["Xid79 gpu 2"]);
    let state = looked.sources.get(&Source::KernelLog).unwrap();
    assert!(matches!(state, State::Instead(_)), "{state:?}");
    fs::remove_dir_all(bed.root.at("/var/log/journal")).unwrap();
    let looked = look(&bed.settings(), &Once::new(Duration::from_secs(60)));
    let state = looked.sources.get(&Source::KernelLog).unwrap();
    assert!(matches!(state, State::Unavailable(why) if why.contains("/dev/kmsg")), "{state:?}");
}

/// How long a line takes from journald's file to the finding: printed, for `--nocapture`.
#[test]
fn a_line_is_a_finding_soon() {
    let (bed, mut writer) = without_device();
    let mut monitor = Monitor::start(often(&bed)).unwrap();
    reads_the_journal(&bed, &mut monitor);
    let mut took = Vec::new();
    for number in 0..40 {
        // Each with words of its own, so that each changes the finding.
        let began = Instant::now();
        writer
            .add(&[Entry::now(format!("INFO: task t{number}:{number} blocked for more than 122 seconds."))]);
        until(&bed, &mut monitor, "the change", |monitor| {
            let message = format!("t{number}");
            monitor.health().findings().iter().any(|finding| finding.message.contains(&message))
        });
        took.push(began.elapsed());
    }
    took.sort_unstable();
    println!("from the line to the finding: p50 {:?}, most {:?}", took[took.len() / 2], took[took.len() - 1]);
}
