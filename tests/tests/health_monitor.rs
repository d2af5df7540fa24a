//! The monitor on whole machines: faults that come and go, and threads that hang.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::time::Duration;

use gpunode_host::health::{Change, Libfabric, Nvml, Source};
use gpunode_monitor::probe::Program;
use gpunode_monitor::{Monitor, State};
use gpunode_tests::health::{Bed, SOON, answers, finds, found, often, until};

/// However busy this machine is.
const PLENTY: Duration = Duration::from_secs(60);

fn p4d() -> (Bed, Monitor) {
    let bed = Bed::new("p4d.24xlarge");
    let mut monitor = Monitor::start(often(&bed)).unwrap();
    until(&bed, &mut monitor, "all have answered", |monitor| {
        monitor.sources().pending().all(|source| *source == Source::Use)
    });
    assert_eq!(found(&bed, monitor.health()), Vec::<String>::new());
    assert!(monitor.take_changes().is_empty());
    (bed, monitor)
}

#[test]
fn nothing_is_known_before_it_was_seen() {
    let bed = Bed::new("p4d.24xlarge");
    let monitor = Monitor::start(often(&bed)).unwrap();
    let pending: Vec<_> = monitor.sources().pending().cloned().collect();
    for source in [Source::Gpus, Source::GpuBus, Source::EfaDevices, Source::KernelLog, Source::Libfabric] {
        assert!(pending.contains(&source), "{source:?}");
    }
    assert!(monitor.health().findings().is_empty());
}

/// The first look asks every GPU at once: none is late that would have its turn later.
#[test]
fn the_first_look_at_the_bus_is_whole() {
    let bed = Bed::new("p5.48xlarge");
    let mut monitor = Monitor::start(bed.settings()).unwrap();
    until(&bed, &mut monitor, "the bus was looked at", |monitor| {
        monitor.sources().get(&Source::GpuBus) != Some(&State::Pending)
    });
    assert_eq!(monitor.sources().get(&Source::GpuBus), Some(&State::Answered));
    assert!(monitor.health().known().hardware.iter().all(Option::is_some));
}

#[test]
fn a_line_of_the_kernel_is_a_finding_and_so_is_what_a_sweep_sees_then() {
    let (bed, mut monitor) = p4d();
    bed.nvml("[gpu.2]\nlost = true");
    bed.log("NVRM: Xid (PCI:0000:75:00): 79, pid=7, name=python, GPU has fallen off the bus.", 0);
    finds(&bed, &mut monitor, &["GpuLost gpu 2", "Xid79 gpu 2"]);
    let appeared = monitor.take_changes().into_iter().filter(|change| matches!(change, Change::Appeared(_)));
    assert_eq!(appeared.count(), 2);
}

/// With periods of an hour only what is seen can be the reason for a look.
#[test]
fn what_is_seen_asks_for_a_look_at_once() {
    const HOUR: Duration = Duration::from_secs(3600);
    let bed = Bed::new("p4d.24xlarge");
    let mut settings = often(&bed);
    let periods = &mut settings.periods;
    (periods.gpus, periods.devices, periods.libfabric, periods.efa_ports) = (HOUR, HOUR, HOUR, HOUR);
    let mut monitor = Monitor::start(settings).unwrap();
    let listed = |monitor: &Monitor, name: &str| match &monitor.health().known().libfabric {
        Libfabric::Lists(listed) => listed.entries.iter().any(|entry| entry.device == name),
        Libfabric::Unknown | Libfabric::Unusable(_) => false,
    };
    let (name, port) = (bed.tree.efa(3).name().to_owned(), bed.tree.efa(3).address().to_owned());
    until(&bed, &mut monitor, "libfabric was asked", |monitor| listed(monitor, &name));
    answers(&bed, &mut monitor, &Source::Gpus);
    bed.nvml("[gpu.2]\nlost = true");
    bed.log("NVRM: Xid (PCI:0000:75:00): 79, pid=7, name=python, GPU has fallen off the bus.", 0);
    finds(&bed, &mut monitor, &["GpuLost gpu 2", "Xid79 gpu 2"]);
    bed.libfabric(|scenario| scenario.hidden = vec![name.clone()]);
    bed.tree.efa(3).remove().unwrap();
    bed.log(&format!("efa {port} {name}: Unregister ib device"), 0);
    let source = Source::EfaDevice(port);
    until(&bed, &mut monitor, "a line of the driver", |monitor| monitor.sources().get(&source).is_none());
    until(&bed, &mut monitor, "other devices", |monitor| !listed(monitor, &name));
}

#[test]
fn an_event_of_nvml_is_a_finding() {
    let (bed, mut monitor) = p4d();
    answers(&bed, &mut monitor, &Source::GpuEvents);
    bed.nvml("[[events]]\ngpu = 3\nkind = 8\ndata = 119");
    finds(&bed, &mut monitor, &["Xid119 gpu 3"]);
}

#[test]
fn an_event_that_a_gpu_is_out_of_use() {
    // An A100 has no such event.
    let bed = Bed::new("p5.48xlarge");
    let mut monitor = Monitor::start(often(&bed)).unwrap();
    answers(&bed, &mut monitor, &Source::GpuEvents);
    bed.nvml("[[events]]\ngpu = 3\nkind = 0x4000");
    finds(&bed, &mut monitor, &["GpuUnavailable gpu 3"]);
}

#[test]
fn nvml_that_cannot_be_started_is_told_until_it_can() {
    let bed = Bed::new("p4d.24xlarge");
    bed.nvml("[calls.nvmlInit_v2]\nsystem = { code = 9 }");
    let mut monitor = Monitor::start(often(&bed)).unwrap();
    finds(&bed, &mut monitor, &["NvmlUnusable node"]);
    bed.nvml("");
    finds(&bed, &mut monitor, &[]);
}

#[test]
fn lines_that_were_overwritten_unread_are_told() {
    let (bed, mut monitor) = p4d();
    bed.log("said", 0);
    bed.skip_lines(3);
    bed.log("said", 0);
    finds(&bed, &mut monitor, &["KernelLogLost node"]);
}

#[test]
fn counters_of_the_device_and_a_card_that_does_not_answer() {
    let (bed, mut monitor) = p4d();
    bed.tree.efa(1).set_counter("no_completion_cmds", 1).unwrap();
    finds(&bed, &mut monitor, &["EfaAdminTimeout efa 1"]);
    bed.tree.efa(2).stall_port().unwrap();
    finds(&bed, &mut monitor, &["EfaAdminTimeout efa 1", "EfaUnresponsive efa 2"]);
    let stalled = Source::EfaPort(bed.tree.efa(2).address().to_owned());
    assert!(matches!(monitor.sources().get(&stalled), Some(State::Late(_))));
    // Meanwhile nothing else waits: a line of the kernel, and a GPU.
    bed.log("NVRM: Xid (PCI:0000:75:00): 79, pid=7, name=python, GPU has fallen off the bus.", 0);
    let all = ["EfaAdminTimeout efa 1", "EfaUnresponsive efa 2", "Xid79 gpu 2"];
    finds(&bed, &mut monitor, &all);
    bed.tree.efa(2).release_port().unwrap();
    finds(&bed, &mut monitor, &["EfaAdminTimeout efa 1", "Xid79 gpu 2"]);
}

#[test]
fn a_driver_s_counter_that_does_not_come_back_costs_its_card_only() {
    let (bed, mut monitor) = p4d();
    bed.tree.efa(2).stall_counter("no_completion_cmds").unwrap();
    let stalled = Source::EfaDevice(bed.tree.efa(2).address().to_owned());
    finds(&bed, &mut monitor, &["EfaDriverHangs efa 2"]);
    bed.tree.efa(1).set_counter("no_completion_cmds", 1).unwrap();
    bed.tree.efa(3).remove().unwrap();
    finds(&bed, &mut monitor, &["EfaAbsent eni 3", "EfaAdminTimeout efa 1", "EfaDriverHangs efa 2"]);
    assert!(matches!(monitor.sources().get(&stalled), Some(State::Late(_))));
    bed.tree.efa(2).release_counter("no_completion_cmds").unwrap();
    answers(&bed, &mut monitor, &stalled);
    finds(&bed, &mut monitor, &["EfaAbsent eni 3", "EfaAdminTimeout efa 1"]);
}

/// Nothing that is looked at waits for the one that stands, whether it stands before anything is known of it or later.
#[test]
fn a_driver_s_file_that_does_not_come_back_costs_its_card_only() {
    for (file, value, known) in [("fw_ver", "0.0.0.0", false), ("device/p2p", "NVIDIA", true)] {
        let bed = Bed::new("p4d.24xlarge");
        let efa = bed.tree.efa(2);
        let stall = || efa.stall_file(file).unwrap();
        if !known {
            stall();
        }
        let mut settings = often(&bed);
        // Nobody else is to wait for as long as this card is given.
        settings.deadlines.efa_port = PLENTY;
        let mut monitor = Monitor::start(settings).unwrap();
        let source = |number: usize| Source::EfaDevice(bed.tree.efa(number).address().to_owned());
        (0..4).for_each(|number| answers(&bed, &mut monitor, &source(number)));
        if known {
            stall();
        }
        bed.tree.efa(1).set_counter("no_completion_cmds", 1).unwrap();
        bed.tree.efa(3).remove().unwrap();
        bed.libfabric(|_| {});
        until(&bed, &mut monitor, "the others", |monitor| {
            let found = found(&bed, monitor.health());
            assert!(!found.iter().any(|it| it.starts_with("EfaDriverHangs")), "not yet: {found:?}");
            found == ["EfaAbsent eni 3", "EfaAdminTimeout efa 1"]
        });
        drop(monitor);
        let mut monitor = Monitor::start(often(&bed)).unwrap();
        let all = ["EfaAbsent eni 3", "EfaAdminTimeout efa 1", "EfaDriverHangs efa 2"];
        finds(&bed, &mut monitor, &all);
        assert!(
            matches!(monitor.sources().get(&Source::EfaDevices), Some(State::Late(why)) if why.contains(efa.name()))
        );
        efa.release_file(file, value).unwrap();
        // Both that sleep in it: that of the first monitor, too.
        finds(&bed, &mut monitor, &["EfaAbsent eni 3", "EfaAdminTimeout efa 1"]);
        answers(&bed, &mut monitor, &Source::EfaDevices);
    }
}

/// Nothing is due while every card is silent, and the first that answers is read again all the same.
#[test]
fn cards_that_were_silent_all_together_are_read_again() {
    let (bed, mut monitor) = p4d();
    (0..4).for_each(|card| bed.tree.efa(card).stall_port().unwrap());
    let silent = [0, 1, 2, 3].map(|card| format!("EfaUnresponsive efa {card}"));
    finds(&bed, &mut monitor, &silent.each_ref().map(String::as_str));
    (0..4).for_each(|card| bed.tree.efa(card).release_port().unwrap());
    finds(&bed, &mut monitor, &[]);
}

#[test]
fn a_gpu_that_hangs_is_left_out_and_comes_back() {
    let (bed, mut monitor) = p4d();
    bed.nvml("[gpu.0]\nlost = true\n[calls.nvmlDeviceGetFieldValues]\ngpu2 = { hang = true }");
    finds(&bed, &mut monitor, &["GpuHangs gpu 2", "GpuLost gpu 0"]);
    // Sweeps go on without it, and what they see of the others changes.
    bed.nvml("[calls.nvmlDeviceGetFieldValues]\ngpu2 = { hang = true }");
    finds(&bed, &mut monitor, &["GpuHangs gpu 2"]);
    bed.nvml("");
    finds(&bed, &mut monitor, &[]);
    answers(&bed, &mut monitor, &Source::GpuEvents);
    let Nvml::Sweep(sweep) = &monitor.health().known().nvml else { panic!() };
    assert_eq!(sweep.gpus.len(), 8);
}

#[test]
fn a_call_about_no_gpu_that_hangs_is_told_and_all_else_goes_on() {
    let (bed, mut monitor) = p4d();
    bed.nvml("[calls.nvmlDeviceGetCount_v2]\nsystem = { hang = true }");
    finds(&bed, &mut monitor, &["GpuProbeHung node"]);
    bed.tree.efa(1).set_counter("no_completion_cmds", 1).unwrap();
    bed.log("NVRM: Xid (PCI:0000:75:00): 79, pid=7, name=python, GPU has fallen off the bus.", 0);
    finds(&bed, &mut monitor, &["EfaAdminTimeout efa 1", "GpuProbeHung node", "Xid79 gpu 2"]);
    bed.nvml("");
    finds(&bed, &mut monitor, &["EfaAdminTimeout efa 1", "Xid79 gpu 2"]);
}

#[test]
fn a_crash_is_a_finding_until_the_next_look_works() {
    let (bed, mut monitor) = p4d();
    bed.nvml("[calls.nvmlDeviceGetFieldValues]\ngpu2 = { crash = true }");
    finds(&bed, &mut monitor, &["GpuProbeCrashed node"]);
    assert!(matches!(monitor.sources().get(&Source::Gpus), Some(State::Unavailable(_))));
    bed.nvml("");
    finds(&bed, &mut monitor, &[]);
    assert_eq!(monitor.sources().get(&Source::Gpus), Some(&State::Answered));
}

#[test]
fn libfabric_that_hides_a_device_hangs_and_is_well_again() {
    let (bed, mut monitor) = p4d();
    let hidden = bed.tree.efa(3).name().to_owned();
    bed.libfabric(|scenario| scenario.hidden = vec![hidden]);
    finds(&bed, &mut monitor, &["EfaHidden efa 3"]);
    bed.libfabric(|_| {});
    finds(&bed, &mut monitor, &[]);
}

#[test]
fn devices_that_go_and_come_back_and_their_sources() {
    let (bed, mut monitor) = p4d();
    let port = Source::EfaPort(bed.tree.efa(0).address().to_owned());
    bed.tree.efa(0).remove().unwrap();
    bed.libfabric(|_| {});
    finds(&bed, &mut monitor, &["EfaAbsent eni 0"]);
    assert_eq!(monitor.sources().get(&port), None);
    bed.tree.efa(0).reload().unwrap();
    bed.libfabric(|_| {});
    finds(&bed, &mut monitor, &[]);
    until(&bed, &mut monitor, "the port", |monitor| monitor.sources().get(&port) == Some(&State::Answered));
}

#[test]
fn the_probe_is_started_when_the_driver_is_there() {
    let bed = Bed::new("p4d.24xlarge");
    let version = bed.root.at("/proc/driver/nvidia/version");
    let (hidden, module) = (version.with_extension("away"), bed.root.at("/sys/module/nvidia"));
    fs::rename(&version, &hidden).unwrap();
    fs::rename(&module, module.with_extension("away")).unwrap();
    let mut settings = often(&bed);
    settings.periods.versions = SOON;
    let mut monitor = Monitor::start(settings).unwrap();
    finds(&bed, &mut monitor, &["NvidiaDriverAbsent node"]);
    until(&bed, &mut monitor, "not asked", |monitor| {
        matches!(monitor.sources().get(&Source::Gpus), Some(State::NotNeeded(_)))
    });
    fs::rename(module.with_extension("away"), &module).unwrap();
    fs::rename(&hidden, &version).unwrap();
    answers(&bed, &mut monitor, &Source::Gpus);
    finds(&bed, &mut monitor, &[]);
}

#[test]
fn a_log_that_cannot_be_read_is_told_and_nothing_is_wrong_on_a_plain_machine() {
    let bed = Bed::plain();
    fs::remove_file(bed.root.at("/dev/kmsg")).unwrap();
    let mut settings = often(&bed);
    settings.setup = gpunode_monitor::setup(None, None, None, None);
    settings.probe.program = Program::File("/nonexistent".into());
    let mut monitor = Monitor::start(settings).unwrap();
    until(&bed, &mut monitor, "all have answered", |monitor| monitor.sources().pending().next().is_none());
    assert_eq!(found(&bed, monitor.health()), Vec::<String>::new());
    let log = monitor.sources().get(&Source::KernelLog);
    assert!(matches!(log, Some(State::Unavailable(why)) if why.contains("/dev/kmsg")), "{log:?}");
}

#[test]
fn a_monitor_ends_at_once_and_its_threads_after_it() {
    let (bed, mut monitor) = p4d();
    bed.tree.efa(2).stall_port().unwrap();
    bed.nvml("[calls.nvmlDeviceGetFieldValues]\nall = { hang = true }");
    until(&bed, &mut monitor, "the card hangs", |monitor| {
        found(&bed, monitor.health()).contains(&"EfaUnresponsive efa 2".to_owned())
    });
    // Nobody waits for the card, nor for NVML.
    drop(monitor);
    bed.tree.efa(2).release_port().unwrap();
}
