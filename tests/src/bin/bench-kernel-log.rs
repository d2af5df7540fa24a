//! `bench-kernel-log [--kernel]`: how fast kernel lines become events, one line a value. Times are CPU time.
//!
//! `--kernel` also writes 20,000 lines to this machine's `/dev/kmsg` (as root), as fast as the kernel takes them, and
//! reads them at the same time. That pushes older lines out of the kernel's log, so it is not done unasked.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use gpunode_host::Root;
use gpunode_host::kernel_log::{DEVICE, Follower, Item, Parser, Progress, Record, Speakers, Start};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::time::{ClockId, clock_gettime};

/// What a busy node's log is made of: network, cgroups, audit, file systems, device drivers.
const USUAL: [&str; 11] = [
    "IPv6: ADDRCONF(NETDEV_CHANGE): eni0a1b2c3d4e5: link becomes ready",
    "eni0a1b2c3d4e5: Caught tx_queue_len zero misconfig",
    "audit: type=1400 audit(1700000000.123:456): apparmor=\"DENIED\" operation=\"open\" profile=\"cri-containerd.apparmor.d\"",
    "overlayfs: fs on '/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs' does not support file handles",
    "XFS (nvme1n1): Mounting V5 Filesystem 5e1f0c52-6d0e-4b4a-9a54-0d8b8e1b7a11",
    "nvidia-uvm: Loaded the UVM driver, major device number 507.",
    "nvme nvme1: 8/0/0 default/read/poll queues",
    "pci 0000:4f:00.0: [1d0f:efa2] type 00 class 0x020000 PCIe Endpoint",
    "efa 0000:4f:00.0: enabling device (0010 -> 0012)",
    "systemd-journald[412]: Time jumped backwards, rotating.",
    "cgroup: fork rejected by pids controller in /kubepods.slice/kubepods-burstable.slice",
];
/// What a rule wants to know of.
const EVENTS: [&str; 4] = [
    "NVRM: Xid (PCI:0000:9b:00): 13, pid=4711, name=python3, Graphics SM Warp Exception on (GPC 1, TPC 0, SM 0): Misaligned Address",
    "NVRM: Xid (PCI:0009:01:00): 149, NETIR_LINK_EVT  Fatal   XC0 i0 Link 08 (0x004505c6 0x00000000 0x00000000 0x00000000 0x00000000 0x00000000)",
    "efa 0000:4f:00.0 rdmap79s0: The device didn't send any completion for admin cmd CREATE_AH(5) status 1 (id: 7)",
    "nvme nvme1: I/O 258 (I/O Cmd) QID 4 timeout, aborting",
];
/// Lines of one measurement.
const LINES: u64 = 1_000_000;
/// Lines that are written to the kernel.
const KERNEL_LINES: u64 = 20_000;
/// What the kernel takes from one open descriptor in 5 s, by default (`DEFAULT_RATELIMIT_BURST`).
const PER_DESCRIPTOR: u64 = 10;

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let kernel = match &arguments[..] {
        [] => false,
        [flag] if flag == "--kernel" => true,
        _ => {
            eprintln!("usage: bench-kernel-log [--kernel]");
            return ExitCode::from(2);
        }
    };
    match measure(kernel) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-kernel-log: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(kernel: bool) -> Result<(), Error> {
    let mix =
        log(|number| if number % 100 == 99 { pick(&EVENTS, number / 100) } else { pick(&USUAL, number) });
    print("parse, 1 line of 100 is an event", &parse(&mix)?);
    print("parse, every line is an event", &parse(&log(|number| pick(&EVENTS, number)))?);
    print("follow a file, 1 line of 100 is an event", &follow(&mix)?);
    if kernel {
        with_kernel()?;
    } else {
        println!("kernel: not measured; --kernel writes to {DEVICE}");
    }
    Ok(())
}

fn pick(lines: &[&'static str], number: u64) -> &'static str {
    usize::try_from(number).map_or("", |number| lines[number % lines.len()])
}

/// 10,000 records, as the kernel gives them.
fn log(text: impl Fn(u64) -> &'static str) -> Vec<Vec<u8>> {
    let record =
        |number| format!("6,{number},{},-;{}\n SUBSYSTEM=pci\n", number * 100, text(number)).into_bytes();
    (0..10_000).map(record).collect()
}

fn parse(log: &[Vec<u8>]) -> Result<Work, Error> {
    let mut parser = Parser::new(Speakers::Kernel);
    let start = cpu()?;
    let (mut lines, mut events) = (0, 0);
    while lines < LINES {
        for bytes in log {
            lines += 1;
            events += u64::from(Record::parse(bytes).and_then(|record| parser.parse(&record)).is_some());
        }
    }
    Ok(Work { lines, events, time: since(start)? })
}

fn follow(log: &[Vec<u8>]) -> Result<Work, Error> {
    let folder = tempfile::tempdir()?;
    let mut file = std::fs::File::create(folder.path().join("kmsg"))?;
    for _ in 0..LINES / 10_000 {
        file.write_all(&log.concat())?;
    }
    let mut follower = Follower::open(&Root::new(folder.path()), "/kmsg", Start::Oldest)?;
    let mut parser = Parser::new(Speakers::Kernel);
    let start = cpu()?;
    let (mut lines, mut events) = (0, 0);
    drain(&mut follower, |item| {
        if let Item::Record(record) = item {
            lines += 1;
            events += u64::from(parser.parse(&record).is_some());
        }
    })?;
    Ok(Work { lines, events, time: since(start)? })
}

fn drain(follower: &mut Follower, mut each: impl FnMut(Item<'_>)) -> Result<(), Error> {
    while follower.read(1000, &mut each)? == Progress::More {}
    Ok(())
}

/// The kernel's own log, written by one thread and read by this one.
fn with_kernel() -> Result<(), Error> {
    let mut follower = Follower::open(&Root::new("/"), DEVICE, Start::Now)?;
    let mut parser = Parser::new(Speakers::Anybody);
    let (mut lines, mut events, mut lost) = (0, 0, 0);
    let start = cpu()?;
    let writer = std::thread::spawn(write);
    loop {
        // Asked before the last look at the log, so that nothing is left in it.
        let ended = writer.is_finished();
        let mut ready = [PollFd::new(follower.as_fd(), PollFlags::POLLIN)];
        poll(&mut ready, PollTimeout::from(10_u8))?;
        drain(&mut follower, |item| match item {
            Item::Record(record) => {
                lines += 1;
                events += u64::from(parser.parse(&record).is_some());
            }
            Item::Lost(records) => lost += records,
            Item::Malformed => {}
        })?;
        if ended {
            break;
        }
    }
    print("kernel: read and parsed", &Work { lines, events, time: since(start)? });
    let (work, wall) = writer.join().map_err(|_| "the writer ended early")??;
    print("kernel: written", &work);
    println!("{:<44} {} ms wall, {lost} lines lost", "kernel: written in", wall.as_millis());
    Ok(())
}

/// Debug lines, so that no console prints them. The kernel limits what it takes from one open descriptor, not from
/// one program, so each ten lines have their own.
fn write() -> Result<(Work, Duration), Error> {
    let (start, wall) = (cpu()?, Instant::now());
    for block in 0..KERNEL_LINES / PER_DESCRIPTOR {
        let mut kernel = OpenOptions::new().write(true).open(DEVICE)?;
        for number in block * PER_DESCRIPTOR..(block + 1) * PER_DESCRIPTOR {
            let text = if number % 100 == 99 { pick(&EVENTS, number / 100) } else { pick(&USUAL, number) };
            kernel.write_all(format!("<7>{text}").as_bytes())?;
        }
    }
    Ok((Work { lines: KERNEL_LINES, events: 0, time: since(start)? }, wall.elapsed()))
}

/// What was done, in how much of this thread's CPU time: what else the machine does matters less.
struct Work {
    lines: u64,
    events: u64,
    time: Duration,
}

fn cpu() -> Result<Duration, Error> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

/// CPU time since `start`.
fn since(start: Duration) -> Result<Duration, Error> {
    Ok(cpu()?.saturating_sub(start))
}

fn print(what: &str, work: &Work) {
    let nanoseconds = work.time.as_nanos().max(1);
    let each = nanoseconds / u128::from(work.lines.max(1));
    let rate = u128::from(work.lines) * 1_000_000_000 / nanoseconds;
    println!("{what:<44} {rate:>10} lines/s {each:>6} ns/line {:>8} events", work.events);
}
