use std::fs::OpenOptions;
use std::io::Write;

use super::*;

/// A machine whose log is a file.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new(boot_id: &str, log: &str) -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        machine.write("proc/sys/kernel/random/boot_id", boot_id);
        machine.write("dev/kmsg", log);
        machine
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn append(&self, text: &str) {
        let mut log = OpenOptions::new().append(true).open(self.0.path().join("dev/kmsg")).unwrap();
        log.write_all(text.as_bytes()).unwrap();
    }

    fn follow(&self, start: Start) -> Follower {
        Follower::open(&Root::new(self.0.path()), DEVICE, start).unwrap()
    }
}

fn lines(numbers: std::ops::Range<u64>) -> String {
    let lines: Vec<_> = numbers
        .map(|number| {
            format!(
                "6,{number},{number}0,-;line {number}
"
            )
        })
        .collect();
    lines.concat()
}

/// What a read found, one word each: the sequence number, `-n` for what is lost, `?` for what is malformed.
fn read(follower: &mut Follower) -> Vec<String> {
    let mut found = Vec::new();
    let progress = follower.read(1000, |item| {
        found.push(match item {
            Item::Record(record) => record.sequence.to_string(),
            Item::Lost(lost) => format!("-{lost}"),
            Item::Malformed => "?".to_owned(),
        });
    });
    assert_eq!(progress.unwrap(), Progress::Drained);
    found
}

#[test]
fn what_is_added_is_read_and_nothing_twice() {
    let machine = Machine::new("boot-1\n", &lines(0..3));
    let mut follower = machine.follow(Start::Oldest);
    assert_eq!(follower.seen(), None);
    assert_eq!(read(&mut follower), ["0", "1", "2"]);
    assert_eq!(read(&mut follower), [""; 0]);
    machine.append("6,3,30,-;half ");
    assert_eq!(read(&mut follower), [""; 0]);
    machine.append("a line\n6,4,40,-;x\n");
    assert_eq!(read(&mut follower), ["3", "4"]);
    assert_eq!(follower.seen(), Some(Seen { boot_id: "boot-1".into(), sequence: 4 }));
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let machine = Machine::new("boot-1", &lines(0..5));
    let seen = |boot_id: &str, sequence| Start::After(Seen { boot_id: boot_id.into(), sequence });
    assert_eq!(read(&mut machine.follow(seen("boot-1", 2))), ["3", "4"]);
    let mut nothing_new = machine.follow(seen("boot-1", 4));
    assert_eq!(read(&mut nothing_new), [""; 0]);
    assert_eq!(nothing_new.seen().unwrap().sequence, 4);
    let mut rebooted = machine.follow(seen("boot-0", 2));
    assert_eq!(rebooted.boot_id(), "boot-1");
    assert_eq!(read(&mut rebooted), ["0", "1", "2", "3", "4"]);
}

#[test]
fn what_was_overwritten_is_counted() {
    let machine = Machine::new("boot-1", &(lines(10..12) + &lines(15..16)));
    assert_eq!(read(&mut machine.follow(Start::Oldest)), ["10", "11", "-3", "15"]);
    let seen = Start::After(Seen { boot_id: "boot-1".into(), sequence: 4 });
    assert_eq!(read(&mut machine.follow(seen)), ["-5", "10", "11", "-3", "15"]);
}

#[test]
fn from_now_on_skips_what_is_there() {
    let machine = Machine::new("boot-1", &lines(0..3));
    let mut follower = machine.follow(Start::Now);
    assert_eq!(read(&mut follower), [""; 0]);
    machine.append(&lines(3..4));
    assert_eq!(read(&mut follower), ["3"]);
}

#[test]
fn one_call_does_no_more_than_it_is_allowed() {
    let machine = Machine::new("boot-1", &lines(0..100));
    let mut follower = machine.follow(Start::After(Seen { boot_id: "boot-1".into(), sequence: 49 }));
    let (mut calls, mut records) = (0, 0);
    while follower.read(10, |_| records += 1).unwrap() == Progress::More {
        calls += 1;
    }
    assert_eq!(records, 50);
    assert!(calls >= 10, "{calls}");
}

#[test]
fn garbage_is_told_and_left_behind() {
    let machine = Machine::new("boot-1", "garbage\n6,1,2,-;a\n");
    machine.append(&"z".repeat(20_000));
    machine.append("\n6,2,3,-;b\n");
    assert_eq!(read(&mut machine.follow(Start::Oldest)), ["?", "1", "?", "2"]);
}

#[test]
fn a_fifo_may_stand_in_and_is_never_waited_for() {
    let machine = Machine::new("boot-1", "");
    let path = machine.0.path().join("dev/fifo");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let root = Root::new(machine.0.path());
    let mut follower = Follower::open(&root, "/dev/fifo", Start::Now).unwrap();
    assert_eq!(read(&mut follower), [""; 0]);
    let mut writer = OpenOptions::new().write(true).open(&path).unwrap();
    assert_eq!(read(&mut follower), [""; 0]);
    writer.write_all(lines(0..2).as_bytes()).unwrap();
    assert_eq!(read(&mut follower), ["0", "1"]);
}

#[test]
fn no_log_is_an_error_that_names_the_path() {
    let machine = Machine::new("boot-1", "");
    let error = Follower::open(&Root::new(machine.0.path()), "/dev/none", Start::Now).unwrap_err();
    assert_eq!(error.to_string(), "cannot open the kernel log /dev/none");
}

/// The kernel's own device: its numbers go up by one and it ends.
#[test]
fn the_kernel_s_own_log() {
    let mut follower = Follower::open(&Root::new("/"), DEVICE, Start::Oldest).unwrap_or_else(|error| {
        panic!(
            "{error}: {}; run this as root, or with CAP_SYSLOG, or with kernel.dmesg_restrict=0; a container \
             needs the device too (--device {DEVICE})",
            error.source
        )
    });
    assert!(follower.source.device);
    let (mut records, mut malformed) = (0_u32, 0_u32);
    let mut count = |item: Item<'_>| match item {
        Item::Record(_) => records += 1,
        Item::Malformed => malformed += 1,
        Item::Lost(_) => {}
    };
    // Bounded: somebody may write as fast as this reads.
    for _ in 0..1000 {
        if follower.read(1000, &mut count).unwrap() == Progress::Drained {
            break;
        }
    }
    assert_eq!(malformed, 0);
    assert!(records > 0 || follower.seen().is_none());
}

#[test]
fn a_file_that_was_removed_is_read_to_its_end_and_then_an_error() {
    let machine = Machine::new("boot-1", &lines(0..2));
    let mut follower = machine.follow(Start::Oldest);
    std::fs::remove_file(machine.0.path().join("dev/kmsg")).unwrap();
    let mut found = 0;
    let error = follower.read(1000, |_| found += 1).unwrap_err();
    assert_eq!(found, 2);
    assert_eq!(error.source.to_string(), "it was removed");
}
