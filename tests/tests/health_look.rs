//! One look at a whole machine, with whatever hangs, crashes, or is not there.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::time::Duration;

use gpunode_host::health::{Nvml, Source};
use gpunode_monitor::probe::Program;
use gpunode_monitor::{Looked, Once, Settings, State, look};
use gpunode_tests::health::{Bed, found};
use gpunode_tree::Options;

/// However busy this machine is.
const PLENTY: Duration = Duration::from_secs(60);

fn bad(looked: &Looked) -> Vec<(&Source, &State)> {
    looked.sources.iter().filter(|(_, state)| !state.is_good()).collect()
}

fn patient(bed: &Bed) -> Settings {
    let mut settings = bed.settings();
    settings.deadlines.gpus = PLENTY;
    settings.deadlines.libfabric = PLENTY;
    settings.deadlines.gpu_bus = PLENTY;
    settings.deadlines.efa_port = PLENTY;
    settings.probe.start_deadline = PLENTY;
    settings
}

#[test]
fn a_healthy_machine_is_seen_whole() {
    for (instance, gpus, efas) in [("p5.48xlarge", 8, 32), ("g6e.48xlarge", 8, 4), ("p4d.24xlarge", 8, 4)] {
        let bed = Bed::new(instance);
        let looked = look(&patient(&bed), &Once::new(PLENTY));
        assert_eq!(found(&bed, &looked.health), Vec::<String>::new(), "{instance}");
        let known = looked.health.known();
        let Nvml::Sweep(sweep) = &known.nvml else { panic!("{:?}", known.nvml) };
        assert_eq!((known.gpus.len(), sweep.gpus.len()), (gpus, gpus));
        assert_eq!((known.attached().count(), known.port_counters.len()), (efas, efas));
        // This kernel has no RDMA, so that nobody can tell who holds it; all else has answered.
        let others: Vec<_> = bad(&looked).into_iter().filter(|(source, _)| **source != Source::Use).collect();
        assert_eq!(others, [], "{instance}");
        assert_eq!(looked.sources.get(&Source::Libfabric), Some(&State::Answered));
    }
}

#[test]
fn a_machine_without_nvidia_and_efa_costs_no_probe_and_misses_nothing() {
    let bed = Bed::plain();
    let mut settings = bed.settings();
    settings.setup = gpunode_monitor::setup(None, None, None, None);
    // A start of the probe would be a finding.
    settings.probe.program = Program::File("/nonexistent".into());
    let looked = look(&settings, &Once::new(PLENTY));
    assert_eq!((found(&bed, &looked.health), bad(&looked)), (vec![], vec![]));
    for source in [Source::Gpus, Source::Libfabric] {
        assert!(matches!(looked.sources.get(&source), Some(State::NotNeeded(_))), "{source:?}");
    }
}

#[test]
fn whatever_hangs_the_look_ends_in_time_and_tells_all_the_rest() {
    let bed = Bed::new("p5.48xlarge");
    bed.nvml("[calls.nvmlInit_v2]\nsystem = { hang = true }");
    bed.libfabric(|scenario| scenario.hang = true);
    bed.tree.efa(7).stall_port().unwrap();
    bed.tree.gpu(3).stall_driver().unwrap();
    bed.tree.efa(20).set_counter("no_completion_cmds", 1).unwrap();
    bed.log("NVRM: Xid (PCI:0000:64:00): 119, pid=7, name=python, Timeout after 45s of waiting", 5);
    let deadline = Duration::from_secs(10);
    let looked = look(&bed.settings(), &Once::new(deadline));
    assert!(looked.took < deadline + PLENTY, "{:?}", looked.took);
    let wanted = [
        "EfaAdminTimeout efa 20",
        "EfaUnresponsive efa 7",
        "GpuProbeHung node",
        "LibfabricProbeFailed node",
        "Xid119 gpu 1",
    ];
    assert_eq!(found(&bed, &looked.health), wanted);
    let late = |source: Source| matches!(looked.sources.get(&source), Some(State::Late(_)));
    assert!(late(Source::Gpus) && late(Source::Libfabric) && late(Source::GpuBus), "{:?}", looked.sources);
    assert!(late(Source::EfaPort(bed.tree.efa(7).address().to_owned())));
    let answered = looked.sources.iter().filter(|(source, _)| matches!(source, Source::EfaPort(_)));
    assert_eq!(answered.filter(|(_, state)| **state == State::Answered).count(), 31);
    bed.tree.efa(7).release_port().unwrap();
    bed.tree.gpu(3).release_driver().unwrap();
}

#[test]
fn a_crash_and_a_library_that_does_not_fit_are_told_apart() {
    let bed = Bed::new("p5en.48xlarge");
    bed.nvml("[calls.nvmlDeviceGetFieldValues]\ngpu2 = { crash = true }");
    let looked = look(&patient(&bed), &Once::new(PLENTY));
    assert_eq!(found(&bed, &looked.health), ["GpuProbeCrashed node"]);
    assert!(matches!(looked.sources.get(&Source::Gpus), Some(State::Unavailable(_))));
    bed.nvml("init = 18");
    let looked = look(&patient(&bed), &Once::new(PLENTY));
    assert_eq!(found(&bed, &looked.health), ["NvmlVersionMismatch node"]);
    let mut settings = patient(&bed);
    settings.probe.arguments = vec!["--nvml".into(), "/nonexistent/libnvidia-ml.so.1".into()];
    assert_eq!(found(&bed, &look(&settings, &Once::new(PLENTY)).health), ["NvmlNotInstalled node"]);
    settings.probe.program = Program::File("/nonexistent".into());
    let looked = look(&settings, &Once::new(PLENTY));
    assert_eq!(found(&bed, &looked.health), ["GpuProbeNotStarted node", "LibfabricProbeFailed node"]);
}

#[test]
fn the_log_is_replayed_with_the_time_of_each_line() {
    let bed = Bed::new("p5.48xlarge");
    let xid = |number: usize, rest: &str| {
        let address = bed.tree.gpu(number).address().trim_end_matches(".0").to_owned();
        format!("NVRM: Xid (PCI:{address}): {rest}")
    };
    // Cured since.
    bed.log(&xid(1, "119, pid=7, name=python, Timeout after 45s of waiting for RPC response"), 300);
    bed.log(&xid(1, "154, GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)"), 299);
    bed.log(&xid(1, "154, GPU recovery action changed from 0x1 (GPU Reset Required) to 0x0 (None)"), 100);
    // Blown over, as far as this machine has been up for that long.
    bed.log(&xid(2, "31, pid=7, name=python, Ch 00000008"), 90_000);
    // Just now.
    bed.log(&xid(4, "31, pid=7, name=python, Ch 00000008"), 3);
    bed.log(&xid(5, "79, pid=7, name=python, GPU has fallen off the bus."), 200);
    let looked = look(&patient(&bed), &Once::new(PLENTY));
    let mut wanted = vec!["Xid31 gpu 4", "Xid79 gpu 5"];
    let uptime = fs::read_to_string("/proc/uptime").unwrap();
    if uptime.split('.').next().unwrap().parse::<u64>().unwrap() < 700 {
        wanted.insert(0, "Xid31 gpu 2");
    }
    assert_eq!(found(&bed, &looked.health), wanted);
    let since: Vec<_> = looked.health.findings().iter().map(|finding| finding.since_unix_ms).collect();
    assert!(since[1] - since[0] >= 190_000, "each was said at its own time: {since:?}");
}

#[test]
fn garbage_in_every_file_is_no_panic() {
    let bed = Bed::new("p4d.24xlarge");
    let mut folders = vec![bed.root.path().to_owned()];
    let mut number = 0_usize;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else if entry.file_type().unwrap().is_file() && !entry.path().ends_with("kmsg") {
                number += 1;
                let garbage: &[u8] = match number % 4 {
                    0 => b"",
                    1 => b"\xff\xfe\x00garbage",
                    2 => b"99999999999999999999999999999999",
                    _ => b"-1\n\n\n",
                };
                fs::write(entry.path(), garbage).unwrap();
            }
        }
    }
    assert!(number > 100, "{number}");
    let looked = look(&patient(&bed), &Once::new(PLENTY));
    assert!(looked.sources.pending().next().is_none());
}

#[test]
fn sixty_four_devices_are_as_good_as_one() {
    let bed = Bed::with("p5.48xlarge", Options { efa_count: Some(64), ..Options::default() });
    let mut settings = patient(&bed);
    settings.setup = gpunode_monitor::setup(None, None, Some(64), None);
    let looked = look(&settings, &Once::new(PLENTY));
    let known = looked.health.known();
    assert_eq!((known.attached().count(), known.port_counters.len()), (64, 64));
    let efa = found(&bed, &looked.health).into_iter().filter(|finding| finding != "EfaAllHidden node");
    assert_eq!(efa.filter(|finding| finding.starts_with("Efa")).count(), 0);
}
