//! `gpunode-agent check` and `inventory` on machines with one fault each: verdict, exit code, subject, and what is said.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::process::Stdio;

use gpunode_tests::agent::{self, Started};
use gpunode_tests::looked::{EFAS, GPUS, Machine, codes};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

#[test]
fn a_healthy_machine_is_healthy_with_every_device() {
    let machine = Machine::new("healthy-p5");
    let (report, code) = machine.check(&[]);
    assert_eq!((code, report["verdict"].as_str()), (0, Some("healthy")), "{report:#}");
    assert_eq!(report["schema"], "gpunode.io/check/v1");
    assert_eq!(report["instance"]["type"], "p5.48xlarge");
    assert_eq!(codes(&report), [""; 0]);
    let gpus = report["gpus"].as_array().unwrap();
    assert_eq!(gpus.len(), GPUS);
    for (number, gpu) in gpus.iter().enumerate() {
        assert_eq!(gpu["pci"], machine.tree.gpu(number).address());
        assert_eq!((gpu["state"].as_str(), gpu["standing"].as_str()), (Some("read"), Some("ok")), "{gpu}");
        assert_eq!(gpu["nvlinks"]["active"], 18);
    }
    let efa = report["efa"].as_array().unwrap();
    assert_eq!(efa.len(), EFAS);
    assert!(efa.iter().all(|one| one["state"] == "ready" && one["standing"] == "ok"), "{efa:?}");
    assert!(efa.iter().all(|one| one["txBytes"].is_u64()), "{efa:?}");
}

#[test]
fn a_lost_gpu_is_an_error_on_that_gpu_alone() {
    let machine = Machine::new("gpu-lost");
    let (report, code) = machine.check(&[]);
    assert_eq!((code, report["verdict"].as_str()), (2, Some("unhealthy")), "{report:#}");
    let sick: Vec<_> =
        report["gpus"].as_array().unwrap().iter().filter(|gpu| gpu["standing"] != "ok").collect();
    let [sick] = &sick[..] else { panic!("{sick:?}") };
    assert_eq!(codes(&report), ["GpuLost"]);
    assert_eq!(report["findings"][0]["subject"]["pci"], sick["pci"]);
    let run = machine.run("check", &[]);
    assert_eq!(run.code, 2);
    assert!(run.stdout.contains("error GpuLost GPU "), "{run:?}");
    assert!(run.stdout.contains("\n  do: "), "{run:?}");
    assert!(run.stdout.trim_end().ends_with("unhealthy: 1 error"), "{run:?}");
    assert!(!run.stdout.contains('\x1b'), "no colours where nobody sees them: {run:?}");
}

#[test]
fn a_warning_makes_the_node_degraded() {
    let (report, code) = Machine::new("throttling").check(&[]);
    assert_eq!((code, report["verdict"].as_str()), (1, Some("degraded")), "{report:#}");
    assert_eq!(codes(&report), ["GpuHardwareSlowdown", "GpuTooHot"]);
}

#[test]
fn without_nvml_nobody_can_tell_and_the_rest_is_reported() {
    let machine = Machine::new("healthy-p5");
    machine.without_nvml();
    let (report, code) = machine.check(&[]);
    assert_eq!((code, report["verdict"].as_str()), (3, Some("unknown")), "{report:#}");
    assert!(report["unknown"][0].as_str().unwrap().starts_with("NVML: "), "{report:#}");
    let gpus = report["gpus"].as_array().unwrap();
    assert_eq!(gpus.len(), GPUS);
    assert!(gpus.iter().all(|gpu| gpu["state"] == "bus-only" && gpu["standing"] == "unknown"), "{gpus:?}");
    assert_eq!(report["efa"].as_array().unwrap().len(), EFAS);
    // An error that is known decides all the same.
    machine.tree.efa(3).unbind().unwrap();
    let (report, code) = machine.check(&[]);
    assert_eq!((code, report["verdict"].as_str()), (2, Some("unhealthy")), "{report:#}");
}

#[test]
fn what_cannot_be_seen_is_not_missing() {
    for (place, unknown) in [
        ("sys/bus/pci/devices", &["the PCI bus: ", "the EFA devices: "][..]),
        ("sys/class/infiniband", &["the EFA devices: "]),
        ("sys/class/block", &["the disks: "]),
    ] {
        let machine = Machine::new("healthy-p5");
        let path = machine.tree.path().join(place);
        // This machine has no disks; who looks for them finds no folder, which is none.
        if path.exists() {
            std::fs::rename(&path, path.with_extension("aside")).unwrap();
        }
        std::os::unix::fs::symlink(path.file_name().unwrap(), &path).unwrap();
        let (report, code) = machine.check(&[]);
        assert_eq!(
            (code, report["verdict"].as_str()),
            (3, Some("unknown")),
            "{place}: {}",
            report["findings"]
        );
        assert_eq!(codes(&report), [""; 0], "{place}: nothing is wrong that anybody could see");
        let told: Vec<_> =
            report["unknown"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        for source in unknown {
            assert!(told.iter().any(|it| it.starts_with(source) && it.contains(place)), "{place}: {told:?}");
        }
    }
}

#[test]
fn a_table_of_mounts_that_stands_hides_the_disks_and_nothing_else() {
    let machine = Machine::new("healthy-p5");
    let table = machine.tree.path().join("proc/self/mountinfo");
    std::fs::create_dir_all(table.parent().unwrap()).unwrap();
    let _ = std::fs::remove_file(&table);
    // Who opens it to read waits for a writer.
    nix::unistd::mkfifo(&table, nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR).unwrap();
    let (report, code) = machine.check(&[]);
    assert_eq!((code, report["verdict"].as_str()), (3, Some("unknown")), "{}", report["sources"]);
    assert_eq!(report["unknown"][0], "the disks: the kernel did not tell of them in time");
    assert_eq!(report["gpus"].as_array().unwrap().len(), GPUS);
    assert_eq!(report["efa"].as_array().unwrap().len(), EFAS);
}

#[test]
fn a_folder_that_is_none_and_a_machine_without_a_bus_are_not_healthy() {
    let dir = agent::folder();
    let nowhere = dir.path().join("nowhere");
    let look = |root: &std::path::Path| {
        let mut command = agent::program(gpunode_tests::binary::agent());
        agent::finish(command.args(["check", "--root", agent::text(root)]))
    };
    let run = look(&nowhere);
    assert_eq!(run.code, 64, "{run:?}");
    assert!(run.stderr.contains(&format!("--root {}: no such folder", nowhere.display())), "{run:?}");
    assert_eq!(look(dir.path()).code, 3, "an empty folder tells nothing");
}

#[test]
fn a_call_that_hangs_ends_by_the_deadline_and_hides_no_other_gpu() {
    // In six seconds the call is not waited for long enough to say that it hangs.
    for (deadline, told, wanted) in [("10", 2, vec!["GpuHangs"]), ("6", 3, vec![])] {
        let (report, code) = Machine::new("hang-fields").check(&["--deadline", deadline]);
        assert_eq!((code, codes(&report)), (told, wanted), "{deadline} s: {report:#}");
        let gpus = report["gpus"].as_array().unwrap();
        let read = gpus.iter().filter(|gpu| gpu["state"] == "read").count();
        assert_eq!((gpus.len(), read), (GPUS, GPUS - 1), "{gpus:?}");
    }
}

#[test]
fn a_short_deadline_blames_no_card_that_is_slow() {
    let machine = Machine::new("healthy-p5");
    machine.tree.efa(9).stall_port().unwrap();
    let (report, code) = machine.check(&["--deadline", "1"]);
    assert_eq!((code, report["verdict"].as_str()), (3, Some("unknown")), "{report:#}");
    assert_eq!(codes(&report), [""; 0], "{report:#}");
    let pci = machine.tree.efa(9).address().to_owned();
    let unknown = report["unknown"].as_array().unwrap();
    let told = |words: &str| unknown.iter().any(|it| it.as_str().unwrap().contains(words));
    assert!(told(&pci) && told("no answer within "), "{unknown:?}");
}

#[test]
fn a_card_that_does_not_answer_is_told_and_hides_no_other() {
    let machine = Machine::new("healthy-p5");
    machine.tree.efa(9).stall_port().unwrap();
    let (report, code) = machine.check(&[]);
    assert_eq!((code, codes(&report)), (2, vec!["EfaUnresponsive"]), "{report:#}");
    assert_eq!(report["findings"][0]["subject"]["pci"], machine.tree.efa(9).address());
    let read = report["efa"].as_array().unwrap().iter().filter(|efa| efa["txBytes"].is_u64()).count();
    assert_eq!(read, EFAS - 1);
}

#[test]
fn a_driver_s_counter_that_is_not_read_costs_its_card_only() {
    let machine = Machine::new("healthy-p5");
    machine.tree.efa(9).stall_counter("cmds_err").unwrap();
    let (report, code) = machine.check(&[]);
    assert_eq!((code, codes(&report)), (2, vec!["EfaDriverHangs"]), "{report:#}");
    assert_eq!(report["findings"][0]["subject"]["pci"], machine.tree.efa(9).address());
    let read = report["efa"].as_array().unwrap().iter().filter(|efa| efa["txBytes"].is_u64()).count();
    assert_eq!(read, EFAS, "what the cards count is read all the same");
}

/// Whatever the driver is asked about a card.
#[test]
fn a_driver_s_file_that_is_not_read_costs_its_card_only() {
    for file in ["fw_ver", "ports/1/state", "ports/1/gids/0", "device/p2p"] {
        let machine = Machine::new("healthy-p5");
        let efa = machine.tree.efa(9);
        efa.stall_file(file).unwrap();
        machine.tree.efa(20).set_counter("no_completion_cmds", 1).unwrap();
        let (report, code) = machine.check(&[]);
        assert_eq!(
            (code, codes(&report)),
            (2, vec!["EfaDriverHangs", "EfaAdminTimeout"]),
            "{file}: {report:#}"
        );
        let of = |code: &str| {
            let found = report["findings"].as_array().unwrap().iter().find(|found| found["code"] == code);
            found.unwrap()["subject"]["pci"].clone()
        };
        assert_eq!(
            (of("EfaDriverHangs"), of("EfaAdminTimeout")),
            (efa.address().into(), machine.tree.efa(20).address().into())
        );
        let all = report["efa"].as_array().unwrap();
        let counted = all.iter().filter(|efa| efa["state"] == "ready" && efa["txBytes"].is_u64()).count();
        let read = all.iter().filter(|efa| efa["rateGbps"].is_u64() && efa["firmware"].is_string()).count();
        assert_eq!(
            (counted, read),
            (EFAS, EFAS - 1),
            "{file}: every card is asked, and every other file is read"
        );
        // In two seconds it is not waited for long enough to say so.
        let (report, code) = machine.check(&["--deadline", "2"]);
        assert_eq!((code, codes(&report)), (2, vec!["EfaAdminTimeout"]), "{file}: {report:#}");
        let sources = report["sources"].as_array().unwrap();
        let late = sources.iter().filter(|it| it["why"].as_str().is_some_and(|why| why.contains(efa.name())));
        assert_eq!(late.count(), 1, "{file}: {sources:?}");
    }
}

/// What sleeps in the kernel cannot be played without a sick kernel; a process that is stopped is as deaf.
#[test]
fn a_look_that_never_ends_is_not_waited_for() {
    let machine = Machine::new("healthy-p5");
    // The card does not answer, so the look is still at work when it is stopped.
    machine.tree.efa(9).stall_port().unwrap();
    let mut command = machine.command("check", &["--deadline", "2"]);
    let check = Started::new(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let children = format!("/proc/{0}/task/{0}/children", check.pid());
    let child = || std::fs::read_to_string(&children).ok()?.split_whitespace().next()?.parse::<i32>().ok();
    // Before it runs the program, stopping it would stop the one that starts it.
    let looks = |pid: i32| {
        std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("--apart"))
    };
    agent::wait_until("the look has begun", || child().is_some_and(looks));
    let look = Pid::from_raw(child().unwrap());
    kill(look, Signal::SIGSTOP).unwrap();
    let run = check.finish();
    // The one that called has done so already.
    let _ = kill(look, Signal::SIGKILL);
    assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{run:?}");
    assert!(run.stderr.contains("did not answer within 4 s"), "{run:?}");
}

#[test]
fn the_kernel_log_tells_what_has_happened() {
    let machine = Machine::new("healthy-p5");
    let address = machine.tree.gpu(5).address().to_owned();
    let short = address.trim_end_matches(".0");
    machine.kernel_says(&format!(
        "NVRM: Xid (PCI:{short}): 79, pid=1234, name=train, GPU has fallen off the bus."
    ));
    let (report, code) = machine.check(&[]);
    assert_eq!(code, 2, "{report:#}");
    assert_eq!(codes(&report), ["Xid79"]);
    assert_eq!(report["findings"][0]["subject"]["pci"], address.as_str());
    // Of a program's mistake the node is told, and not blamed for it.
    let machine = Machine::new("healthy-p5");
    machine.kernel_says(&format!("NVRM: Xid (PCI:{short}): 31, pid=1234, name=train, MMU Fault"));
    let (report, code) = machine.check(&[]);
    assert_eq!((code, report["verdict"].as_str()), (0, Some("healthy")), "{report:#}");
}

#[test]
fn a_missing_interface_is_an_error() {
    let machine = Machine::new("healthy-p5");
    machine.tree.efa(17).remove().unwrap();
    let (report, code) = machine.check(&[]);
    assert_eq!(code, 2, "{report:#}");
    assert_eq!(codes(&report), ["EfaMissing"]);
    assert_eq!(report["efa"].as_array().unwrap().len(), EFAS - 1);
}

#[test]
fn an_inventory_has_a_row_a_device_whatever_is_wrong() {
    let machine = Machine::new("gpu-lost");
    let run = machine.run("inventory", &["--output", "csv"]);
    assert_eq!(run.code, 0, "{run:?}");
    let rows = |kind: &str| run.stdout.lines().filter(|line| line.starts_with(kind)).count();
    assert_eq!((rows("type,"), rows("gpu,"), rows("efa,")), (1, GPUS, EFAS), "{run:?}");
    let run = machine.run("inventory", &[]);
    let summary = run.stdout.lines().last().unwrap();
    assert!(summary.starts_with("8 GPUs (") && summary.contains("32 EFA"), "{run:?}");
}

#[test]
fn a_mistake_on_the_command_line_is_not_taken_for_a_sick_node() {
    for words in [
        &["check", "--no-such-flag"][..],
        &["check", "--deadline", "0"],
        &["inventory", "--output", "xml"],
        &["watch", "--set", "no.such=1"],
    ] {
        let run = agent::run(words);
        assert_eq!(run.code, 64, "{words:?}: {run:?}");
        assert!(run.stdout.is_empty() && !run.stderr.is_empty(), "{run:?}");
    }
    assert_eq!(agent::run(&["check", "--help"]).code, 0);
    assert_eq!(agent::run(&["bootstrap", "--no-such-flag"]).code, 2, "this one is as it was");
}
