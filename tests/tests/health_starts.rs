//! GPUs that nobody has open: the driver starts each when it is asked for it, which takes seconds and is no hang.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::time::Duration;

use gpunode_host::health::{Nvml, Source};
use gpunode_monitor::probe::protocol::gpu::Entry;
use gpunode_monitor::{Looked, Monitor, Once, Settings, State, look};
use gpunode_tests::health::{Bed, answers, finds, found, often, until};

/// However busy this machine is.
const PLENTY: Duration = Duration::from_secs(60);
/// What is called a hang, of a GPU that is started.
const SHORT: Duration = Duration::from_secs(1);
/// The third GPU takes three times as long to start. This call is made once a process, as a start is.
const SLOW: &str = "[calls.nvmlDeviceGetName]\ngpu2 = { hang_ms = 3000 }";
const HANGS: &str = "[calls.nvmlDeviceGetHandleByIndex_v2]\ngpu2 = { hang = true }";
const HANGS_LATER: &str = "[calls.nvmlDeviceGetFieldValues]\ngpu2 = { hang = true }";

fn p5(is_started: bool) -> (Bed, Settings) {
    let bed = Bed::new("p5.48xlarge");
    if !is_started {
        (0..8).for_each(|gpu| bed.tree.gpu(gpu).let_go().unwrap());
    }
    let mut settings = often(&bed);
    settings.deadlines.gpus = SHORT;
    (bed, settings)
}

fn gpus(looked: &Looked) -> usize {
    let Nvml::Sweep(sweep) = &looked.health.known().nvml else { return 0 };
    sweep.gpus.iter().filter(|entry| matches!(entry, Entry::Read(_))).count()
}

#[test]
fn a_look_waits_for_the_driver_to_start_them() {
    let (bed, mut settings) = p5(false);
    settings.deadlines.gpus_start = PLENTY;
    bed.nvml(SLOW);
    let looked = look(&settings, &Once::new(2 * PLENTY));
    assert_eq!((found(&bed, &looked.health), gpus(&looked)), (vec![], 8));
    // Of GPUs that are started, the same is a hang.
    let (bed, settings) = p5(true);
    bed.nvml(SLOW);
    let looked = look(&settings, &Once::new(PLENTY));
    assert_eq!((found(&bed, &looked.health), gpus(&looked)), (vec!["GpuHangs gpu 2".to_owned()], 7));
}

#[test]
fn a_look_that_cannot_wait_so_long_calls_nothing_sick() {
    for hangs in [HANGS, "[calls.nvmlInit_v2]\nsystem = { hang = true }"] {
        let (bed, settings) = p5(false);
        bed.nvml(hangs);
        let looked = look(&settings, &Once::new(Duration::from_secs(5)));
        assert_eq!(found(&bed, &looked.health), Vec::<String>::new(), "{hangs}");
        assert!(matches!(looked.sources.get(&Source::Gpus), Some(State::Late(_))), "{hangs}");
    }
}

#[test]
fn whoever_watches_waits_once_and_no_longer_than_that() {
    let (bed, mut settings) = p5(false);
    settings.deadlines.gpus_start = PLENTY;
    bed.nvml(SLOW);
    let mut monitor = Monitor::start(settings).unwrap();
    until(&bed, &mut monitor, "all GPUs are started", |monitor| {
        assert_eq!(found(&bed, monitor.health()), Vec::<String>::new());
        monitor.sources().get(&Source::Gpus) == Some(&State::Answered)
    });
    // The process that asks has them open now, whatever their files say.
    bed.nvml(HANGS_LATER);
    finds(&bed, &mut monitor, &["GpuHangs gpu 2"]);
    bed.nvml("");
    finds(&bed, &mut monitor, &[]);
}

#[test]
fn a_start_that_never_ends_is_a_hang() {
    let (bed, mut settings) = p5(false);
    settings.deadlines.gpus_start = 3 * SHORT;
    bed.nvml(HANGS);
    let mut monitor = Monitor::start(settings).unwrap();
    finds(&bed, &mut monitor, &["GpuHangs gpu 2"]);
    bed.nvml("");
    finds(&bed, &mut monitor, &[]);
    answers(&bed, &mut monitor, &Source::Gpus);
}
