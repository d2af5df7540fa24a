//! The journal's files, as systemd's own programs write and read them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gpunode_host::Root;
use gpunode_host::kernel_log::{Item, Journal, JournalError, Position, Progress, fuzz_journal};
use gpunode_tests::journal::{self, Entry, Writer};
use gpunode_tests::process;
use proptest::prelude::*;
use serde_json::Value;

/// A machine that has nothing but a journal.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        journal::name(machine.0.path());
        machine
    }

    fn root(&self) -> Root {
        Root::new(self.0.path())
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.0.path().join(path), text).unwrap();
    }

    fn journal(&self, name: &str) -> PathBuf {
        journal::path(self.0.path(), true, name)
    }

    fn writer(&self, variables: &[(&str, &str)]) -> Writer {
        Writer::start(&self.journal("system.journal"), variables)
    }
}

/// What was read: facility, microseconds, text.
type Said = (u32, u64, String);

fn read(journal: &mut Journal) -> Vec<Said> {
    let mut said = Vec::new();
    loop {
        let progress = journal.read(100, |item| match item {
            Item::Record(record) => {
                assert_eq!(record.priority, 3);
                said.push((record.facility, record.microseconds, record.text().into_owned()));
            }
            other => panic!("{other:?}"),
        });
        if progress.unwrap() == Progress::Drained {
            return said;
        }
    }
}

fn texts(journal: &mut Journal) -> Vec<String> {
    read(journal).into_iter().map(|(_, _, text)| text).collect()
}

/// Until `count` lines have come.
fn until(journal: &mut Journal, count: usize) -> Vec<String> {
    let (mut all, end) = (Vec::new(), Instant::now() + Duration::from_secs(60));
    while all.len() < count && Instant::now() < end {
        all.extend(texts(journal));
        std::thread::yield_now();
    }
    all
}

fn line(number: u64) -> Entry {
    Entry::kernel(number * 1000, 0, format!("line {number}"))
}

fn lines(numbers: std::ops::Range<u64>) -> Vec<Entry> {
    numbers.map(line).collect()
}

fn names(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|number| format!("line {number}")).collect()
}

/// What a busy journal has: lines of the kernel among many others, of this boot and of an earlier one, by the kernel and by
/// programs that write to `/dev/kmsg`, long ones, with more than one line, with bytes that the kernel escapes.
fn busy() -> Vec<Entry> {
    let mut entries: Vec<_> = lines(1..40);
    for entry in &mut entries {
        "00112233-4455-6677-8899-aabbccddeeff".clone_into(&mut entry.boot_id);
    }
    for number in 1..400 {
        let at = number * 10_000;
        entries.push(Entry::program(at, format!("NVRM: Xid (PCI:0000:53:00): 79, number {number}")));
        if number % 3 == 0 {
            entries.push(line(number * 10));
        }
        if number % 50 == 0 {
            entries.push(Entry::kernel(at + 1, 1, format!("a program's {number}")));
            entries.push(Entry::kernel(at + 2, 0, format!("long {}", "0123456789abcdef ".repeat(60))));
            entries.push(Entry::kernel(at + 3, 0, format!("two\nlines {number}")));
            entries.push(Entry::kernel(at + 4, 0, r"a backslash \x41 and ünïcode"));
        }
    }
    entries
}

/// What `journalctl` says that the kernel said in this boot.
fn by_journalctl(file: &Path) -> Vec<Said> {
    let words = ["journalctl", "--dmesg", "--output=json", "--all", "--file", file.to_str().unwrap()];
    let output = process::output(60, words).unwrap();
    assert!(output.status.success(), "{output:?}");
    let field = |entry: &Value, name: &str| match &entry[name] {
        // Text that has what a terminal should not be sent comes as bytes.
        Value::Array(bytes) => {
            let bytes = bytes.iter().map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap());
            String::from_utf8(bytes.collect()).unwrap()
        }
        value => value.as_str().unwrap().to_owned(),
    };
    let entries = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let entries = entries.map(|line| serde_json::from_slice::<Value>(line).unwrap());
    let said = |entry: Value| {
        let number = |name| field(&entry, name).parse::<u64>().unwrap();
        let facility = u32::try_from(number("SYSLOG_FACILITY")).unwrap();
        (facility, number("_SOURCE_MONOTONIC_TIMESTAMP"), field(&entry, "MESSAGE"))
    };
    entries.map(said).collect()
}

#[test]
fn every_form_of_the_file_is_read_as_journalctl_reads_it() {
    for variables in [
        &[][..],
        &[("SYSTEMD_JOURNAL_COMPACT", "0")],
        &[("SYSTEMD_JOURNAL_KEYED_HASH", "0")],
        &[("SYSTEMD_JOURNAL_COMPACT", "0"), ("SYSTEMD_JOURNAL_KEYED_HASH", "0")],
    ] {
        let machine = Machine::new();
        let mut writer = machine.writer(variables);
        writer.add(&busy());
        writer.end();
        let wanted = by_journalctl(&machine.journal("system.journal"));
        assert_eq!(wanted.len(), 133 + 7 * 4, "{variables:?}");
        let mut journal = Journal::open(&machine.root(), None).unwrap();
        assert_eq!(read(&mut journal), wanted, "{variables:?}");
        assert_eq!(read(&mut journal), [], "nothing twice");
    }
}

#[test]
fn a_line_is_read_while_the_file_is_written_and_none_twice_when_it_is_opened_again() {
    let machine = Machine::new();
    let mut writer = machine.writer(&[]);
    writer.add(&lines(1..4));
    // There is a file as soon as the writer has come so far.
    let end = Instant::now() + Duration::from_secs(60);
    let mut journal = loop {
        match Journal::open(&machine.root(), None) {
            Ok(journal) => break journal,
            Err(error) => assert!(Instant::now() < end, "{}", error.words()),
        }
        std::thread::yield_now();
    };
    assert_eq!(until(&mut journal, 3), names(1..4));
    writer.add(&[Entry::program(3500, "not the kernel")]);
    writer.add(&lines(4..200));
    assert_eq!(until(&mut journal, 196), names(4..200));
    let position = journal.position();
    drop(journal);
    writer.add(&lines(200..203));
    writer.end();
    let mut again = Journal::open(&machine.root(), position).unwrap();
    assert_eq!(texts(&mut again), names(200..203));
    let mut all = Journal::open(&machine.root(), None).unwrap();
    assert_eq!(texts(&mut all), names(1..203));
}

#[test]
fn a_file_that_is_moved_aside_is_read_to_its_end_and_the_next_one_after_it() {
    let machine = Machine::new();
    let (live, aside) = (machine.journal("system.journal"), machine.journal("system@1-2-3.journal"));
    let mut writer = machine.writer(&[]);
    writer.add(&lines(1..5));
    writer.end();
    let mut journal = Journal::open(&machine.root(), None).unwrap();
    assert_eq!(texts(&mut journal), names(1..5));
    // The last lines come into the file when it has been moved, and the next one is not there yet.
    let mut writer = machine.writer(&[]);
    writer.add(&lines(5..6));
    assert_eq!(until(&mut journal, 1), names(5..6));
    fs::rename(&live, &aside).unwrap();
    writer.add(&lines(6..8));
    writer.end();
    assert_eq!(until(&mut journal, 2), names(6..8));
    assert_eq!(texts(&mut journal), [""; 0]);
    let mut writer = machine.writer(&[]);
    writer.add(&lines(8..12));
    writer.end();
    assert_eq!(until(&mut journal, 4), names(8..12));
    assert_eq!(texts(&mut Journal::open(&machine.root(), None).unwrap()), names(1..12));
    // What journald has copied from memory to the disk is there twice for a while, in a file of its own.
    let other = Machine::new();
    let mut writer = other.writer(&[]);
    writer.add(&lines(1..5));
    writer.end();
    let copy = journal::path(machine.0.path(), false, "system.journal");
    fs::copy(other.journal("system.journal"), copy).unwrap();
    assert_eq!(texts(&mut Journal::open(&machine.root(), None).unwrap()), names(1..12));
}

fn why(root: &Root) -> String {
    Journal::open(root, None::<Position>).unwrap_err().words()
}

#[test]
fn a_journal_that_says_nothing_of_this_boot_is_told_from_a_healthy_one() {
    let machine = Machine::new();
    assert_eq!(why(&machine.root()), JournalError::Absent.to_string());
    // journald runs, and does not read the kernel's log.
    let mut writer = machine.writer(&[]);
    writer.add(&[Entry::program(1, "hello")]);
    writer.end();
    assert_eq!(why(&machine.root()), JournalError::Silent.to_string());
    // What the kernel said was in another boot.
    machine.write("proc/sys/kernel/random/boot_id", "00112233-4455-6677-8899-aabbccddeeff");
    assert_eq!(why(&machine.root()), JournalError::Absent.to_string());
    machine.write("etc/machine-id", "uninitialized\n");
    assert_eq!(why(&machine.root()), "/etc/machine-id does not say whose journal to read");
}

#[test]
fn a_file_of_a_later_form_or_of_none_is_refused_with_its_name() {
    let machine = Machine::new();
    let mut writer = machine.writer(&[]);
    writer.add(&lines(1..3));
    writer.end();
    let path = machine.journal("system.journal");
    let mut bytes = fs::read(&path).unwrap();
    bytes[12] |= 0x40;
    fs::write(&path, &bytes).unwrap();
    let said = why(&machine.root());
    assert!(
        said.starts_with("cannot read /var/log/journal/0123456789abcdef0123456789abcdef/system.journal: ")
    );
    assert!(said.ends_with("features that are not known here (flags 0x40)"), "{said}");
    fs::write(&path, "garbage").unwrap();
    let said = why(&machine.root());
    assert!(said.ends_with("system.journal: it ends before byte 0"), "{said}");
}

#[test]
fn a_broken_file_hides_no_other() {
    let machine = Machine::new();
    let (live, aside) = (machine.journal("system.journal"), machine.journal("system@1-2-3.journal"));
    let mut writer = machine.writer(&[]);
    writer.add(&lines(1..5));
    writer.end();
    fs::rename(&live, &aside).unwrap();
    let whole = fs::read(&aside).unwrap();
    let mut broken = whole.clone();
    // All but the header: as a disk may leave a file when the power fails.
    broken[272..].fill(0xA5);
    fs::write(&aside, &broken).unwrap();
    let said = why(&machine.root());
    assert!(said.contains("system@1-2-3.journal: "), "{said}");

    let mut writer = machine.writer(&[]);
    writer.add(&lines(5..8));
    writer.end();
    let mut journal = Journal::open(&machine.root(), None).unwrap();
    let (mut said, mut lost) = (Vec::new(), 0);
    let mut each = |item: Item<'_>| match item {
        Item::Record(record) => said.push(record.text().into_owned()),
        Item::Lost(count) => lost += count,
        Item::Malformed => panic!("nothing else is broken"),
    };
    while journal.read(100, &mut each).unwrap() == Progress::More {}
    assert_eq!((said, lost), (names(5..8), 1), "and what it had is told as lost");
}

/// A file of two kilobytes that the fuzzer begins with too: journald's own are nearly all empty tables.
const SMALL: &[u8] = include_bytes!("../fuzz/seeds/journal/small");

fn heard(bytes: &[u8]) -> Vec<String> {
    let mut said = Vec::new();
    fuzz_journal(bytes, |record| said.push(format!("{} {}", record.facility, record.text())));
    said
}

#[test]
fn bytes_that_were_changed_are_no_end_of_the_program() {
    let said = heard(SMALL);
    assert_eq!((said.len(), said[0].as_str()), (3, "0 Linux version 6.12"));
    assert!(said[1].starts_with("0 NVRM: Xid") && said[1].len() > 700, "it was compressed: {}", said[1]);
    assert!(said[2].starts_with("1 efa"), "{}", said[2]);
    let change = proptest::collection::vec((0..SMALL.len(), any::<u8>()), 1..8);
    let runner = ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(runner, |(changes in change, cut in proptest::option::of(0..SMALL.len()))| {
        let mut bytes = SMALL.to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        bytes.truncate(cut.unwrap_or(bytes.len()));
        let said = heard(&bytes);
        prop_assert!(said.iter().all(|line| line.len() <= 3 * 8192 + 16), "a line of the kernel is short");
    });
}
