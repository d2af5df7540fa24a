//! The carried probe with an NVML whose GPUs and faults come from a scenario file.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::sync::mpsc;
use std::time::{Duration, Instant};

use gpunode_fake_nvml::place;
use gpunode_probe_client::protocol::gpu::{Entry, Sweep};
use gpunode_probe_client::{End, Growing, Look, Origin, Outcome, Probe, Pushed, Settings, Trouble};
use tempfile::TempDir;

/// A sweep takes milliseconds; a busy machine takes longer.
const DEADLINE: Duration = Duration::from_secs(20);
/// For what hangs.
const SHORT: Duration = Duration::from_secs(2);
const HEALTHY: &str = "profile = 'h100'\n";
const X: &str = "0000:75:00.0";

struct Bed {
    folder: TempDir,
    probe: Probe,
}

fn bed(scenario: &str) -> Bed {
    let folder = tempfile::tempdir().unwrap();
    let library = place::place(folder.path(), scenario);
    let at_once = Growing { first: Duration::ZERO, most: Duration::ZERO };
    let settings = Settings {
        arguments: vec!["--nvml".into(), library.into()],
        back_off: at_once,
        look_again: at_once,
        ..Settings::default()
    };
    Bed { folder, probe: Probe::start(&settings).unwrap() }
}

fn hang(call: &str, place: &str) -> String {
    format!("{HEALTHY}[calls.{call}]\n{place} = {{ hang = true }}\n")
}

impl Bed {
    fn whole(&mut self) -> Box<Sweep> {
        match self.probe.gpus(DEADLINE, &[], true) {
            Outcome::Whole(sweep) => sweep,
            other => panic!("{other:?}"),
        }
    }

    /// The look at the GPU that hung, once the process that hung on it has ended.
    fn look(&mut self, deadline: Duration) -> Look {
        let until = Instant::now() + 3 * DEADLINE;
        loop {
            if let Some(look) = self.probe.look_again(deadline) {
                return look;
            }
            assert!(Instant::now() < until, "{:?} {:?}", self.probe.abandoned(), self.probe.hung());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn every_gpu_is_there_and_the_program_ran_from_memory() {
    let mut bed = bed(HEALTHY);
    assert_eq!(bed.whole().gpus.len(), 8);
    assert_eq!(bed.whole().gpus.len(), 8);
    assert_eq!(bed.probe.origin(), &Origin::Memory);
    assert!(bed.probe.hello().unwrap().libc.starts_with("glibc 2."));
}

#[test]
fn a_gpu_that_hangs_is_left_out_until_it_answers() {
    let mut bed = bed(&hang("nvmlDeviceGetFieldValues", "gpu2"));
    let outcome = bed.probe.gpus(SHORT, &[], false);
    let Outcome::Partial(sweep, Trouble::Hung { call, gpu, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!((sweep.gpus.len(), call.as_deref()), (7, Some("nvmlDeviceGetFieldValues")));
    assert_eq!(gpu.as_deref(), Some(X));
    assert!(matches!(&bed.whole().gpus[2], Entry::Skipped { index: 2, .. }));
    assert!(matches!(bed.look(SHORT).entry, Err(Trouble::Hung { .. })));
    // The look hurt nobody else.
    assert_eq!(bed.whole().gpus.len(), 8);
    place::change(bed.folder.path(), HEALTHY);
    let look = bed.look(DEADLINE);
    assert!(matches!(look.entry, Ok(Entry::Read(_))), "{look:?}");
    assert!(matches!(&bed.whole().gpus[2], Entry::Read(_)));
    assert!(bed.probe.hung().is_empty());
}

#[test]
fn a_gpu_that_does_not_even_say_its_address_is_left_out_by_its_index() {
    let mut bed = bed(&hang("nvmlDeviceGetHandleByIndex_v2", "gpu2"));
    let outcome = bed.probe.gpus(SHORT, &[], false);
    assert!(matches!(&outcome, Outcome::Partial(sweep, _) if sweep.gpus.len() == 7), "{outcome:?}");
    assert_eq!(bed.probe.hung()[0].pci, "2");
    let sweep = bed.whole();
    assert!(matches!(sweep.gpus[2], Entry::Skipped { index: 2, .. }), "{sweep:?}");
    place::change(bed.folder.path(), HEALTHY);
    let look = bed.look(DEADLINE);
    assert!(matches!(&look.entry, Ok(Entry::Read(gpu)) if gpu.pci == X), "{look:?}");
}

#[test]
fn a_start_that_hangs_is_named_and_recovers() {
    let mut bed = bed(&hang("nvmlInit_v2", "system"));
    let outcome = bed.probe.gpus(SHORT, &[], false);
    let named = |call: &Option<String>| call.as_deref() == Some("nvmlInit_v2");
    assert!(
        matches!(outcome.trouble(), Some(Trouble::Hung { call, gpu: None, .. }) if named(call)),
        "{outcome:?}"
    );
    assert!(bed.probe.hung().is_empty());
    place::change(bed.folder.path(), HEALTHY);
    assert_eq!(bed.whole().gpus.len(), 8);
}

#[test]
fn a_crash_of_the_library_is_told_and_survived() {
    let fault = "[calls.nvmlDeviceGetTemperature]\ngpu1 = { crash = true }\n";
    let mut bed = bed(&format!("{HEALTHY}{fault}{}", fault.replace("Temperature", "UUID")));
    let outcome = bed.probe.gpus(DEADLINE, &[], true);
    let crashed = |end: &End| matches!(end, End::Signal(_));
    assert!(matches!(outcome.trouble(), Some(Trouble::Crashed { end, .. }) if crashed(end)), "{outcome:?}");
    place::change(bed.folder.path(), HEALTHY);
    assert_eq!(bed.whole().gpus.len(), 8);
}

#[test]
fn a_missing_library_is_told_and_found_once_it_is_installed() {
    let mut bed = bed(HEALTHY);
    let library = bed.folder.path().join("libnvidia-ml.so.1");
    std::fs::remove_file(&library).unwrap();
    let outcome = bed.probe.gpus(DEADLINE, &[], false);
    assert!(matches!(outcome, Outcome::Nothing(Trouble::NotInstalled { .. })), "{outcome:?}");
    std::os::unix::fs::symlink(place::built(), &library).unwrap();
    assert_eq!(bed.whole().gpus.len(), 8);
}

#[test]
fn an_xid_arrives_while_waiting_and_while_asking() {
    let mut bed = bed(HEALTHY);
    let (sender, pushed) = mpsc::channel();
    bed.probe.on_push(move |push| sender.send(push).unwrap());
    let outcome = bed.probe.events(DEADLINE, &[]);
    assert!(matches!(&outcome, Outcome::Whole(registered) if registered.len() == 8), "{outcome:?}");
    let event = |xid: u64| format!("[[events]]\ngpu = 2\nkind = 8\ndata = {xid}\n");
    let first = format!("{HEALTHY}{}", event(79));
    let both = format!("{first}{}", event(94));
    for (scenario, xid, ask) in [(first, 79, false), (both, 94, true)] {
        place::change(bed.folder.path(), &scenario);
        let until = Instant::now() + DEADLINE;
        let event = loop {
            if let Ok(Pushed::Event(event)) = pushed.try_recv() {
                break event;
            }
            assert!(Instant::now() < until);
            if ask {
                bed.whole();
            } else {
                bed.probe.wait(DEADLINE).unwrap();
            }
        };
        assert_eq!((event.pci.as_deref(), event.data), (Some(X), xid));
    }
    assert!(bed.probe.listens());
}
