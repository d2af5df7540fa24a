//! The monitor after a fault: what it asks again by itself, what it registers for anew, and where it goes on reading.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::time::{Duration, Instant};

use gpunode_host::health::Source;
use gpunode_monitor::probe::Growing;
use gpunode_monitor::{Monitor, Settings, State};
use gpunode_tests::health::{Bed, answers, finds, found, often, until};

/// So long that no look is due by itself.
const HOUR: Duration = Duration::from_secs(3600);
const HANGS: &str = "trace = true\n[calls.nvmlDeviceGetFieldValues]\ngpu2 = { hang = true }";
const FALLEN: &str = "NVRM: Xid (PCI:0000:75:00): 79, pid=7, name=python, GPU has fallen off the bus.";
const GSP: &str = "NVRM: _kgspRpcGspEventPmuHalted: PMU halted";

fn p4d(change: impl FnOnce(&mut Settings)) -> (Bed, Monitor) {
    let bed = Bed::new("p4d.24xlarge");
    let mut settings = often(&bed);
    change(&mut settings);
    let monitor = Monitor::start(settings).unwrap();
    (bed, monitor)
}

/// The calls of NVML so far, one a line, since `trace = true`.
fn calls(bed: &Bed) -> String {
    fs::read_to_string(bed.libraries().join("calls")).unwrap_or_default()
}

/// Waits until GPU 2 was called so often. Each look may ask it once, when the process that hung before is gone; a line of
/// the kernel asks for a look, and the next line is not said before that look must have been over: none waits that would
/// ask for another one.
fn asked_of_gpu_2(bed: &Bed, monitor: &mut Monitor, times: usize) {
    let asked = || calls(bed).matches("nvmlDeviceGetFieldValues 2\n").count() >= times;
    for _ in 0..20 {
        let end = Instant::now() + Duration::from_secs(3);
        while Instant::now() < end {
            if asked() {
                return;
            }
            monitor.next(Instant::now() + Duration::from_millis(5));
        }
        bed.log(FALLEN, 0);
    }
    panic!("it was not asked {times} times: {}", calls(bed));
}

/// NVML gives no events of a GPU that nobody has registered for, and one that hangs is left out of that.
#[test]
fn events_of_a_gpu_that_hung_are_registered_for_anew() {
    let (bed, mut monitor) = p4d(|_| ());
    answers(&bed, &mut monitor, &Source::GpuEvents);
    bed.nvml(HANGS);
    finds(&bed, &mut monitor, &["GpuHangs gpu 2"]);
    bed.nvml("trace = true");
    finds(&bed, &mut monitor, &[]);
    until(&bed, &mut monitor, "a wait for events of it, too", |_| {
        let calls = calls(&bed);
        calls
            .split_once("nvmlDeviceRegisterEvents 2\n")
            .is_some_and(|(_, then)| then.contains("nvmlEventSetWait"))
    });
    bed.nvml("[[events]]\ngpu = 2\nkind = 8\ndata = 119");
    finds(&bed, &mut monitor, &["Xid119 gpu 2"]);
}

/// A GPU that hung answers the question that is asked of it alone: the look at all is then at once, and not when the next
/// one is due.
#[test]
fn a_gpu_that_answers_again_is_looked_at_at_once() {
    let (bed, mut monitor) = p4d(|settings| {
        settings.periods.gpus = HOUR;
        settings.probe.look_again = Growing { first: Duration::ZERO, most: Duration::ZERO };
    });
    answers(&bed, &mut monitor, &Source::Gpus);
    bed.nvml(HANGS);
    bed.log(FALLEN, 0);
    finds(&bed, &mut monitor, &["GpuHangs gpu 2", "Xid79 gpu 2"]);
    // The sweep has called it, and now the question that is asked of it alone hangs, too.
    asked_of_gpu_2(&bed, &mut monitor, 2);
    bed.nvml("trace = true");
    asked_of_gpu_2(&bed, &mut monitor, 3);
    finds(&bed, &mut monitor, &["Xid79 gpu 2"]);
}

/// A look that was refused since a process has just failed is made when that pause is over, and not a period later.
#[test]
fn a_probe_that_backs_off_is_asked_when_its_pause_is_over() {
    let (bed, mut monitor) = p4d(|settings| {
        let pause = Duration::from_secs(10);
        settings.periods.gpus = HOUR;
        settings.probe.back_off = Growing { first: pause, most: pause };
    });
    answers(&bed, &mut monitor, &Source::Gpus);
    bed.nvml("[calls.nvmlDeviceGetFieldValues]\ngpu2 = { crash = true }");
    bed.log(FALLEN, 0);
    finds(&bed, &mut monitor, &["GpuProbeCrashed node", "Xid79 gpu 2"]);
    bed.nvml("");
    bed.log(FALLEN, 0);
    finds(&bed, &mut monitor, &["Xid79 gpu 2"]);
}

#[test]
fn a_log_that_breaks_is_told_and_gone_on_with_where_it_was() {
    let (bed, mut monitor) = p4d(|_| ());
    // Three of them are a finding.
    bed.log(GSP, 0);
    bed.log(GSP, 0);
    bed.log(FALLEN, 0);
    finds(&bed, &mut monitor, &["Xid79 gpu 2"]);
    let silent = |monitor: &Monitor| monitor.health().silent_sources().any(|it| *it == Source::KernelLog);
    assert!(!silent(&monitor));
    let path = bed.root.at("/dev/kmsg");
    let (old, next) = (fs::read(&path).unwrap(), path.with_extension("next"));
    fs::remove_file(&path).unwrap();
    until(&bed, &mut monitor, "it is silent", silent);
    let state = monitor.sources().get(&Source::KernelLog);
    assert!(matches!(state, Some(State::Unavailable(why)) if why.contains("/dev/kmsg")), "{state:?}");
    fs::write(&next, old).unwrap();
    fs::rename(next, path).unwrap();
    // Only what is new in it counts: the two lines are still two.
    bed.log(&FALLEN.replace("75", "86"), 0);
    until(&bed, &mut monitor, "the new line", |monitor| {
        found(&bed, monitor.health()).contains(&"Xid79 gpu 3".to_owned())
    });
    assert_eq!(found(&bed, monitor.health()), ["Xid79 gpu 2", "Xid79 gpu 3"]);
    assert!(!silent(&monitor));
    bed.log(GSP, 0);
    finds(&bed, &mut monitor, &["GpuFirmwareTrouble node", "Xid79 gpu 2", "Xid79 gpu 3"]);
}
