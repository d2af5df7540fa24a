//! A hang in any call of NVML, one call after the other: a look ends in time with all the rest, and whoever watches goes
//! on to tell what happens meanwhile.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use gpunode_host::health::{Nvml, Source};
use gpunode_monitor::probe::Probe;
use gpunode_monitor::probe::protocol::gpu::Entry;
use gpunode_monitor::{Monitor, Once, State, look};
use gpunode_tests::health::{Bed, answers, finds, found, often, until};
use gpunode_tree::Options;

/// However busy this machine is.
const PLENTY: Duration = Duration::from_secs(60);
/// Machines at once. They sleep nearly all the time.
const AT_ONCE: usize = 12;

const MIG: &str =
    "mig = { enabled = true, pending = true, instances = [{ index = 1, uuid = 'MIG-1', memory = 7 }] }";

/// What the trace of calls is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// About one GPU.
    Gpu,
    /// About none.
    NoGpu,
    /// Only made to hear of events.
    Events,
}

fn without_efa() -> Bed {
    Bed::with("p5.48xlarge", Options { efa_count: Some(0), ..Options::default() })
}

/// Every call so far about a GPU, and every one about none.
fn traced(bed: &Bed) -> (BTreeSet<String>, BTreeSet<String>) {
    let text = fs::read_to_string(bed.libraries().join("calls")).unwrap();
    let (of_gpu, of_none): (Vec<_>, Vec<_>) = text.lines().partition(|call| call.contains(' '));
    let name = |call: &str| call.split(' ').next().unwrap_or_default().to_owned();
    (of_gpu.into_iter().map(name).collect(), of_none.into_iter().map(name).collect())
}

/// Every call of a look and of a registration for events.
fn calls() -> Vec<(String, Kind)> {
    let bed = without_efa();
    bed.nvml(&format!("trace = true\n[every]\n{MIG}"));
    let mut probe = Probe::start(&bed.settings().probe).unwrap();
    assert!(probe.gpus(PLENTY, &[], true).trouble().is_none());
    let (of_gpu, of_none) = traced(&bed);
    assert!(of_gpu.len() > 30 && of_none.len() >= 5, "{of_gpu:?} {of_none:?}");
    assert!(probe.events(PLENTY, &[]).trouble().is_none());
    let (with_events, _) = traced(&bed);
    let events: Vec<_> = with_events.difference(&of_gpu).cloned().collect();
    assert!(events.iter().any(|call| call == "nvmlDeviceRegisterEvents"), "{events:?}");
    // A process that is told to end does not wait for this one.
    let of_none = of_none.into_iter().filter(|call| call != "nvmlShutdown");
    let kinds = [(of_gpu.into_iter().collect(), Kind::Gpu), (of_none.collect(), Kind::NoGpu)];
    let kinds = kinds.into_iter().chain([(events, Kind::Events)]);
    kinds.flat_map(|(calls, kind): (Vec<_>, _)| calls.into_iter().map(move |call| (call, kind))).collect()
}

/// Does this for each of `calls`, some at once.
fn for_each(calls: Vec<(String, Kind)>, test: impl Fn(&str, Kind) + Sync) {
    let left = Mutex::new(calls);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap().pop();
                    let Some((call, kind)) = next else { return };
                    test(&call, kind);
                }
            });
        }
    });
}

/// The scenario in which this call hangs.
fn hanging(call: &str, kind: Kind) -> String {
    let place = if kind == Kind::NoGpu { "system" } else { "gpu2" };
    format!("trace = true\n[calls.{call}]\n{place} = {{ hang = true }}\n[every]\n{MIG}")
}

#[test]
fn a_look_ends_in_time_and_hides_no_other_gpu() {
    let calls = calls().into_iter().filter(|(_, kind)| *kind != Kind::Events);
    for_each(calls.collect(), |call, kind| {
        let bed = without_efa();
        bed.nvml(&hanging(call, kind));
        let mut settings = bed.settings();
        settings.deadlines.gpus = Duration::from_secs(4);
        settings.setup.efa = gpunode_host::efa::Expected::default();
        settings.setup.enis = None;
        let looked = look(&settings, &Once::new(PLENTY));
        let Nvml::Sweep(sweep) = &looked.health.known().nvml else { panic!("{call}") };
        let read = sweep.gpus.iter().filter(|entry| matches!(entry, Entry::Read(_))).count();
        assert!(matches!(looked.sources.get(&Source::Gpus), Some(State::Late(_))), "{call}");
        let wanted = if kind == Kind::Gpu { ("GpuHangs gpu 2", 7) } else { ("GpuProbeHung node", 0) };
        assert_eq!((found(&bed, &looked.health), read), (vec![wanted.0.to_owned()], wanted.1), "{call}");
    });
}

#[test]
fn whoever_watches_goes_on() {
    for_each(calls(), |call, kind| {
        let bed = Bed::new("p4d.24xlarge");
        bed.nvml(&hanging(call, kind));
        let mut settings = often(&bed);
        // Each look starts a process or two where something hangs; some fifty machines look.
        settings.periods.gpus = Duration::from_secs(2);
        settings.periods.libfabric = PLENTY;
        let mut monitor = Monitor::start(settings).unwrap();
        let hangs = match kind {
            Kind::Gpu => Some("GpuHangs gpu 2"),
            Kind::NoGpu => Some("GpuProbeHung node"),
            // The looks go on, and the kernel's log has the same XIDs.
            Kind::Events => None,
        };
        let all = |others: &[&'static str]| {
            let mut all: Vec<_> = others.iter().copied().chain(hangs).collect();
            all.sort_unstable();
            all
        };
        println!("{call} hangs");
        let times = || {
            let calls = fs::read_to_string(bed.libraries().join("calls")).unwrap_or_default();
            calls.lines().filter(|line| *line == format!("{call} 2")).count()
        };
        until(&bed, &mut monitor, call, |monitor| {
            let told = found(&bed, monitor.health()) == all(&[]);
            let unheard = matches!(monitor.sources().get(&Source::GpuEvents), Some(State::Unavailable(_)));
            told && (kind != Kind::Events || unheard)
        });
        // It is looked at again now and then, with all that may hang: it does not seem well in between.
        until(&bed, &mut monitor, &format!("{call} again"), |monitor| {
            assert_eq!(found(&bed, monitor.health()), all(&[]), "{call}");
            kind != Kind::Gpu || times() >= 2
        });
        // What happens while it hangs is told all the same, and so is its end.
        bed.tree.efa(1).set_counter("no_completion_cmds", 1).unwrap();
        bed.tree.efa(3).remove().unwrap();
        bed.libfabric(|_| {});
        let mut others = vec!["EfaAbsent eni 3", "EfaAdminTimeout efa 1"];
        finds(&bed, &mut monitor, &all(&others));
        bed.log("NVRM: Xid (PCI:0000:75:00): 79, pid=7, name=python, GPU has fallen off the bus.", 0);
        others.push("Xid79 gpu 2");
        finds(&bed, &mut monitor, &all(&others));
        bed.nvml(&format!("[every]\n{MIG}"));
        finds(&bed, &mut monitor, &others);
        answers(&bed, &mut monitor, &Source::Gpus);
    });
}
