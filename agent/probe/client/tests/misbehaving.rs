//! Probes that misbehave, played by `probe-stand-in`: each is told apart, and nobody waits for it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use gpunode_probe_client::protocol::gpu::Entry;
use gpunode_probe_client::{End, Growing, Outcome, Probe, Program, Pushed, Settings, Trouble};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// A start takes milliseconds; a busy machine takes longer.
const DEADLINE: Duration = Duration::from_secs(20);
/// For what never answers.
const SHORT: Duration = Duration::from_secs(1);
const THIS: Pid = Pid::from_raw(0);
const X: &str = "0000:64:00.0";

fn settings(mode: &[&str]) -> Settings {
    Settings {
        program: Program::File(env!("CARGO_BIN_EXE_probe-stand-in").into()),
        arguments: mode.iter().map(Into::into).collect(),
        back_off: Growing { first: Duration::from_secs(60), most: Duration::from_secs(60) },
        look_again: Growing { first: Duration::from_secs(60), most: Duration::from_secs(60) },
        ..Settings::default()
    }
}

fn probe(mode: &str) -> Probe {
    Probe::start(&settings(&[mode])).unwrap()
}

/// The trouble of a sweep that brings nothing.
fn nothing(probe: &mut Probe, deadline: Duration) -> Trouble {
    match probe.gpus(deadline, &[], false) {
        Outcome::Nothing(trouble) => trouble,
        other => panic!("{other:?}"),
    }
}

fn trouble(mode: &str, deadline: Duration) -> Trouble {
    let mut probe = probe(mode);
    let trouble = nothing(&mut probe, deadline);
    until_none_is_left(&mut probe);
    trouble
}

/// What is killed ends, sooner or later.
fn until_none_is_left(probe: &mut Probe) {
    let until = Instant::now() + 3 * DEADLINE;
    while !probe.abandoned().is_empty() {
        assert!(Instant::now() < until, "{:?}", probe.abandoned());
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn is_hung(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Hung { call: None, gpu: None, .. })
}

#[test]
fn a_probe_that_works_answers_and_lives_on() {
    let mut probe = probe("ok");
    assert!(probe.hello().is_none());
    let skip = ["0000:53:00.0".to_owned()];
    let outcome = probe.gpus(DEADLINE, &skip, false);
    let Outcome::Whole(sweep) = outcome else { panic!("{outcome:?}") };
    assert!(matches!(&sweep.gpus[0], Entry::Skipped { index: 0, .. }));
    assert!(matches!(&sweep.gpus[1], Entry::Read(gpu) if gpu.pci == X));
    assert_eq!(probe.hello().unwrap().version, "stand-in");
    assert!(matches!(probe.interfaces(DEADLINE), Outcome::Whole(_)));
    assert!(probe.as_fd().is_some() && probe.hung().is_empty());
}

fn the_busy_one() -> String {
    let words = |process: &String| std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let lists = threads.map(|thread| std::fs::read_to_string(thread.unwrap().path().join("children")));
    let children =
        lists.flat_map(|list| list.unwrap_or_default().split(' ').map(str::to_owned).collect::<Vec<_>>());
    children.filter(|child| !child.is_empty()).find(|child| words(child).ends_with(b"\0busy\0")).unwrap()
}

/// A machine that is busy is no driver that hangs.
#[test]
fn a_probe_that_has_no_processor_is_no_hang() {
    let allowed = sched_getaffinity(THIS).unwrap();
    let number = (0..CpuSet::count()).find(|number| allowed.is_set(*number).unwrap()).unwrap();
    let mut one = CpuSet::new();
    one.set(number).unwrap();
    let over = AtomicBool::new(false);
    // What a thread starts runs where it runs: the probe shares its processor with one that leaves it nothing.
    sched_setaffinity(THIS, &one).unwrap();
    let mut probe = Probe::start(&Settings { nice: 19, ..settings(&["busy"]) }).unwrap();
    sched_setaffinity(THIS, &allowed).unwrap();
    assert!(matches!(probe.gpus(DEADLINE, &[], false), Outcome::Whole(_)));
    // A session of its own is one party to the scheduler, however nice what runs in it is.
    let _ = std::fs::write(format!("/proc/{}/autogroup", the_busy_one()), "19");
    let outcome = std::thread::scope(|scope| {
        let (spins, spin) = mpsc::channel();
        let (over, one) = (&over, &one);
        scope.spawn(move || {
            sched_setaffinity(THIS, one).unwrap();
            spins.send(()).unwrap();
            while !over.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        spin.recv().unwrap();
        let outcome = probe.gpus(SHORT, &[], false);
        over.store(true, Ordering::Relaxed);
        outcome
    });
    let Outcome::Nothing(trouble) = outcome else { panic!("{outcome:?}") };
    assert!(matches!(trouble, Trouble::Starved { lives: false, .. }), "{trouble:?}");
    assert!(trouble.to_string().starts_with("the machine is busy: "), "{trouble}");
}

#[test]
fn a_frozen_or_late_or_mute_probe_is_given_up_at_the_deadline() {
    for mode in ["frozen", "late", "mute"] {
        let trouble = trouble(mode, SHORT);
        assert!(is_hung(&trouble), "{mode}: {trouble:?}");
        assert!(trouble.to_string().starts_with("the probe was silent for "), "{trouble}");
    }
}

#[test]
fn a_crash_says_how_and_what_was_said_last() {
    let abort = trouble("abort", DEADLINE);
    assert_eq!(abort.to_string(), "the probe was ended by SIGABRT: libnvidia-ml: assertion failed");
    assert!(matches!(trouble("exit", DEADLINE), Trouble::Crashed { end: End::Exit(7), .. }));
    assert!(matches!(trouble("end", DEADLINE), Trouble::Crashed { end: End::Exit(3), .. }));
    assert!(matches!(trouble("close", DEADLINE), Trouble::Crashed { end: End::Unknown, .. }));
}

#[test]
fn what_is_not_the_protocol_is_garbage() {
    for mode in ["garbage", "nonsense", "flood", "other", "stale"] {
        let trouble = trouble(mode, DEADLINE);
        assert!(matches!(trouble, Trouble::Garbage { .. }), "{mode}: {trouble:?}");
    }
    assert!(
        matches!(trouble("version", DEADLINE), Trouble::WrongProtocol { theirs, ours, .. } if theirs == ours + 1)
    );
}

#[test]
fn a_library_that_cannot_be_used_is_no_crash_and_asked_for_anew_at_once() {
    for (mode, wanted) in
        [("missing", "is not installed"), ("wrong", "cannot be used"), ("mismatch", "(code 18)")]
    {
        let mut probe = probe(mode);
        for _ in 0..2 {
            let trouble = nothing(&mut probe, DEADLINE);
            assert!(trouble.is_the_library() && trouble.to_string().contains(wanted), "{trouble}");
        }
    }
}

#[test]
fn a_failure_is_followed_by_a_pause_that_names_it() {
    let mut probe = probe("abort");
    let first = nothing(&mut probe, DEADLINE);
    let second = nothing(&mut probe, DEADLINE);
    assert!(matches!(second, Trouble::BackingOff { .. }), "{second:?}");
    assert_eq!(second.root(), &first);
    // The other library's process has nothing to do with it.
    let other = probe.interfaces(DEADLINE);
    assert!(matches!(other.trouble(), Some(Trouble::Crashed { .. })), "{other:?}");
}

#[test]
fn a_loud_probe_is_not_held_up_by_what_nobody_reads() {
    let mut probe = probe("loud");
    let outcome = probe.gpus(3 * DEADLINE, &[], false);
    assert!(matches!(outcome, Outcome::Whole(_)), "{outcome:?}");
}

#[test]
fn what_cannot_be_run_is_told_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    std::fs::write(&script, "no program").unwrap();
    let settings = Settings { program: Program::File(script), ..settings(&[]) };
    let trouble = nothing(&mut Probe::start(&settings).unwrap(), DEADLINE);
    assert!(matches!(trouble, Trouble::NotStarted { .. }), "{trouble:?}");
}

#[test]
fn events_arrive_while_waiting_and_their_end_is_told() {
    let mut probe = probe("ok");
    let (sender, pushed) = mpsc::channel();
    probe.on_push(move |push| sender.send(push).unwrap());
    assert!(!probe.listens() && !probe.wait(DEADLINE).unwrap());
    let outcome = probe.events(DEADLINE, &[]);
    assert_eq!(outcome.value().map(Vec::len), Some(3), "{outcome:?}");
    assert!(probe.listens());
    let until = Instant::now() + 3 * DEADLINE;
    while pushed
        .try_recv()
        .map(|push| assert!(matches!(push, Pushed::Event(event) if event.data == 79)))
        .is_err()
    {
        assert!(Instant::now() < until);
        probe.wait(DEADLINE).unwrap();
    }
}

#[test]
fn the_end_of_a_probe_that_was_listened_to_is_told_as_the_end_of_events() {
    let mut probe = probe("short");
    let (sender, pushed) = mpsc::channel();
    probe.on_push(move |push| sender.send(push).unwrap());
    assert!(matches!(probe.events(DEADLINE, &[]), Outcome::Whole(_)));
    let until = Instant::now() + 3 * DEADLINE;
    let trouble = loop {
        assert!(Instant::now() < until);
        if let Err(trouble) = probe.wait(DEADLINE) {
            break trouble;
        }
    };
    assert!(matches!(trouble, Trouble::Crashed { end: End::Exit(9), .. }), "{trouble:?}");
    assert_eq!(pushed.try_iter().last(), Some(Pushed::Ended(None)));
    assert!(!probe.listens() && probe.as_fd().is_none());
}

#[test]
fn a_storm_of_events_arrives_whole_or_ends_the_probe() {
    let mut probe = probe("storm");
    let (sender, pushed) = mpsc::channel();
    probe.on_push(move |push| sender.send(push).unwrap());
    assert!(matches!(probe.events(DEADLINE, &[]), Outcome::Whole(_)));
    let until = Instant::now() + 3 * DEADLINE;
    let mut events = 0;
    while events < 100_000 && probe.wait(DEADLINE).is_ok() {
        events += pushed.try_iter().count();
        assert!(Instant::now() < until, "{events}");
    }
    assert!(events == 100_000 || pushed.try_iter().last() == Some(Pushed::Ended(None)), "{events}");
}

#[test]
fn a_hung_gpu_is_left_out_and_comes_back_when_it_answers() {
    let flag = tempfile::NamedTempFile::new().unwrap();
    let mut settings = settings(&["stuck", flag.path().to_str().unwrap()]);
    settings.back_off = Growing { first: Duration::ZERO, most: Duration::ZERO };
    settings.look_again = Growing { first: Duration::ZERO, most: Duration::ZERO };
    let mut probe = Probe::start(&settings).unwrap();
    let outcome = probe.gpus(DEADLINE, &[], false);
    let Outcome::Partial(sweep, trouble) = outcome else { panic!("{outcome:?}") };
    assert_eq!(sweep.gpus.len(), 2);
    assert_eq!(trouble.to_string(), format!("nvmlDeviceGetFieldValues on {X} did not return within 0.9 s"));
    // The next sweeps are whole, without it.
    let outcome = probe.gpus(DEADLINE, &[], false);
    let Outcome::Whole(sweep) = outcome else { panic!("{outcome:?}") };
    assert!(matches!(&sweep.gpus[1], Entry::Skipped { .. }));
    until_none_is_left(&mut probe);
    let look = probe.look_again(DEADLINE).unwrap();
    assert!(matches!(look.entry, Err(Trouble::Hung { .. })), "{look:?}");
    assert_eq!((probe.hung()[0].times, probe.hung()[0].pci.as_str()), (2, X));
    flag.close().unwrap();
    until_none_is_left(&mut probe);
    let look = probe.look_again(DEADLINE).unwrap();
    assert!(matches!(look.entry, Ok(Entry::Read(_))), "{look:?}");
    assert!(probe.hung().is_empty() && probe.look_again(DEADLINE).is_none());
    let outcome = probe.gpus(DEADLINE, &[], false);
    let Outcome::Whole(sweep) = outcome else { panic!("{outcome:?}") };
    assert!(matches!(&sweep.gpus[1], Entry::Read(_)));
}

#[test]
fn processes_that_do_not_end_are_left_behind_counted_and_bounded() {
    let flag = tempfile::NamedTempFile::new().unwrap();
    let mut settings = settings(&["unkillable", flag.path().to_str().unwrap()]);
    settings.back_off = Growing { first: Duration::ZERO, most: Duration::ZERO };
    settings.look_again = Growing { first: Duration::from_secs(1800), most: Duration::from_secs(1800) };
    settings.abandoned = 1;
    let mut probe = Probe::start(&settings).unwrap();
    assert!(matches!(probe.gpus(DEADLINE, &[], false), Outcome::Partial(..)));
    let abandoned = probe.abandoned();
    assert_eq!(abandoned.len(), 1, "the process ended");
    assert_eq!(abandoned[0].gpu.as_deref(), Some(X));
    let trouble = nothing(&mut probe, DEADLINE);
    assert!(matches!(trouble, Trouble::TooManyAbandoned { count: 1, .. }), "{trouble:?}");
    assert!(matches!(trouble.root(), Trouble::Hung { .. }));
    assert!(probe.look_again(DEADLINE).is_none());
    flag.close().unwrap();
    until_none_is_left(&mut probe);
    assert!(matches!(probe.gpus(DEADLINE, &[], false), Outcome::Whole(_)));
}
