//! A machine that a monitor watches: what its benches share.
#![allow(clippy::expect_used, reason = "a bench whose machine cannot be built has failed")]

use std::fs::{self, File};
use std::time::{Duration, Instant};

use gpunode_host::health::Source;
use gpunode_monitor::{Monitor, State};

use super::Bed;

/// A FIFO in place of the kernel log: like the device, and unlike a file, it wakes who waits for it.
///
/// # Panics
/// When it cannot be made.
pub fn fifo(bed: &Bed) -> File {
    let path = bed.root.at("/dev/kmsg");
    fs::remove_file(&path).expect("the stand-in is there");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO can be made");
    File::options().read(true).write(true).open(path).expect("the FIFO can be opened")
}

/// Takes in what comes until every source has answered, with `ports` those of each EFA port too; for a minute at most.
/// Says whether all did.
pub fn answered(monitor: &mut Monitor, ports: bool) -> bool {
    let end = Instant::now() + Duration::from_secs(60);
    let waits = |monitor: &Monitor| {
        let left_out = |source: &Source| match source {
            Source::Use => true,
            Source::EfaPort(_) => !ports,
            _ => false,
        };
        let pending = monitor.sources().pending().any(|source| !left_out(source));
        pending || monitor.sources().get(&Source::GpuEvents) != Some(&State::Answered)
    };
    while waits(monitor) && Instant::now() < end {
        monitor.next(Instant::now() + Duration::from_secs(1));
    }
    !waits(monitor)
}
