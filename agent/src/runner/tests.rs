use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::*;
use crate::os::Cmd;
use crate::settings::tests::local;
use crate::step::{Check, Failure};

type Look = dyn Fn(&Os) -> Result<Check, Failure> + Send + Sync;

/// A step whose look is given by the test, and whose change makes the next look find nothing.
struct Scripted {
    id: StepId,
    look: Box<Look>,
    changed: Mutex<bool>,
}

fn scripted(
    id: StepId,
    look: impl Fn(&Os) -> Result<Check, Failure> + Send + Sync + 'static,
) -> Arc<dyn Step> {
    Arc::new(Scripted { id, look: Box::new(look), changed: Mutex::new(false) })
}

impl Step for Scripted {
    fn id(&self) -> StepId {
        self.id
    }

    fn check(&self, _: &Context, os: &Os) -> Result<Check, Failure> {
        let mut check = (self.look)(os)?;
        if *self.changed.lock().unwrap() {
            check.changes.retain(|change| change == "never right");
        }
        Ok(check)
    }

    fn apply(&self, _: &Context, _: &Os) -> Result<(), Failure> {
        *self.changed.lock().unwrap() = true;
        Ok(())
    }
}

fn wants(change: &str) -> Check {
    Check { changes: vec![change.to_owned()], ..Check::done("") }
}

struct Ran {
    results: Vec<StepResult>,
}

impl Ran {
    fn outcome(&self, id: StepId) -> Outcome {
        self.results.iter().find(|r| r.step == id).unwrap().outcome
    }

    fn code(&self, id: StepId) -> &str {
        self.results.iter().find(|r| r.step == id).unwrap().findings[0].code
    }
}

fn run_with(steps: Steps, flags: &[&str], plan_only: bool, only: &[StepId]) -> Ran {
    let cx = Arc::new(Context::new(local(flags), plan_only));
    let runner =
        Runner::new(steps, cx, Os::real(gpunode_host::Root::new("/")), Selection { only: only.to_vec() });
    Ran { results: runner.run(&mut |_| {}, &|| false) }
}

fn run(steps: Steps) -> Ran {
    run_with(steps, &[], false, &[])
}

#[test]
fn a_change_is_verified_and_a_right_machine_is_left_alone() {
    let ran = run(vec![
        scripted(StepId::Facts, |_| Ok(Check::done("known"))),
        scripted(StepId::Sysctl, |_| Ok(wants("bbr"))),
        scripted(StepId::Limits, |_| Ok(wants("never right"))),
    ]);
    assert_eq!(ran.outcome(StepId::Facts), Outcome::Unchanged);
    assert_eq!(ran.outcome(StepId::Sysctl), Outcome::Changed);
    assert_eq!(ran.code(StepId::Limits), "StepNotVerified");
}

#[test]
fn what_needs_a_failed_step_does_not_run_and_what_comes_after_it_does() {
    let fail = |_: &Os| Err(Failure::new(&reason::USER_DATA_INVALID, "x", "y"));
    let ran = run(vec![
        scripted(StepId::Facts, fail),
        scripted(StepId::Sysctl, |_| Ok(Check::done(""))),
        scripted(StepId::Kubelet, |_| Ok(Check::done(""))),
    ]);
    assert_eq!(ran.outcome(StepId::Sysctl), Outcome::NotRun);
    assert_eq!(ran.outcome(StepId::Kubelet), Outcome::Unchanged);
}

#[test]
fn independent_steps_run_at_the_same_time() {
    // Each waits for the other's message: one after the other they would never end.
    let meet = |to: Sender<()>, from: Receiver<()>| {
        let from = Mutex::new(from);
        move |_: &Os| {
            to.send(()).unwrap();
            let met = from.lock().unwrap().recv_timeout(Duration::from_secs(20)).is_ok();
            Ok(Check::done(if met { "met" } else { "alone" }))
        }
    };
    let ((a_out, b_in), (b_out, a_in)) = (channel(), channel());
    let ran =
        run(vec![scripted(StepId::Sysctl, meet(a_out, a_in)), scripted(StepId::Limits, meet(b_out, b_in))]);
    assert!(ran.results.iter().all(|result| result.summary == "met"));
}

#[test]
fn a_step_that_hangs_in_a_command_is_ended_at_its_deadline_and_the_others_go_on() {
    let hang = |os: &Os| {
        os.run(&Cmd::new("sleep").arg("600").deadline(Duration::from_secs(600)))?;
        Ok(Check::done(""))
    };
    let steps = vec![scripted(StepId::Sysctl, hang), scripted(StepId::Kubelet, |_| Ok(Check::done("")))];
    let ran = run_with(steps, &["deadlines.sysctl=1"], false, &[]);
    assert_eq!(ran.code(StepId::Sysctl), "StepDeadline");
    assert_eq!(ran.outcome(StepId::Kubelet), Outcome::Unchanged);
}

#[test]
fn a_step_that_never_returns_is_left_behind() {
    let (hold, until_dropped) = channel::<()>();
    let until_dropped = Mutex::new(until_dropped);
    let stuck = move |_: &Os| {
        let _ = until_dropped.lock().unwrap().recv();
        Ok(Check::done(""))
    };
    let ran = run_with(vec![scripted(StepId::Sysctl, stuck)], &["deadlines.sysctl=1"], false, &[]);
    assert_eq!(ran.code(StepId::Sysctl), "StepDeadline");
    drop(hold);
}

#[test]
fn a_panic_ends_one_step_alone() {
    let ran = run(vec![
        scripted(StepId::Sysctl, |_| panic!("on purpose")),
        scripted(StepId::Limits, |_| Ok(Check::done(""))),
    ]);
    assert_eq!(ran.code(StepId::Sysctl), "StepPanicked");
    assert_eq!(ran.outcome(StepId::Limits), Outcome::Unchanged);
}

#[test]
fn plan_only_and_skip_are_obeyed() {
    let steps = || {
        vec![
            scripted(StepId::Facts, |_| Ok(Check::done(""))),
            scripted(StepId::Sysctl, |_| Ok(wants("bbr"))),
            scripted(StepId::Limits, |_| Ok(wants("nofile"))),
        ]
    };
    let planned = run_with(steps(), &["skip=limits"], true, &[]);
    assert_eq!(planned.outcome(StepId::Sysctl), Outcome::Planned);
    assert_eq!(planned.outcome(StepId::Limits), Outcome::Skipped);
    let only = run_with(steps(), &[], false, &[StepId::Limits]);
    assert_eq!(only.outcome(StepId::Facts), Outcome::Unchanged);
    assert_eq!(only.outcome(StepId::Sysctl), Outcome::Skipped);
    assert_eq!(only.outcome(StepId::Limits), Outcome::Changed);
}

#[test]
fn a_signal_ends_the_run_and_every_step_has_an_end() {
    let hang = |os: &Os| {
        os.run(&Cmd::new("sleep").arg("600").deadline(Duration::from_secs(600)))?;
        Ok(Check::done(""))
    };
    let cx = Arc::new(Context::new(local(&[]), false));
    let runner = Runner::new(
        vec![scripted(StepId::Sysctl, hang)],
        cx,
        Os::real(gpunode_host::Root::new("/")),
        Selection::default(),
    );
    let results = runner.run(&mut |_| {}, &|| true);
    assert_eq!(results.len(), STEPS.len());
    assert!(results.iter().any(|r| r.step == StepId::Sysctl && r.findings[0].code == "RunInterrupted"));
}

#[test]
fn a_result_tells_when_its_commands_ran_and_what_it_waited_for() {
    let twice = |os: &Os| {
        os.run(&Cmd::new("true"))?;
        os.run_any(&Cmd::new("false"))?;
        Ok(Check::done(""))
    };
    let steps = vec![
        scripted(StepId::Facts, |_| Ok(Check::done(""))),
        scripted(StepId::Sysctl, twice),
        scripted(StepId::Kubelet, |_| Ok(Check::done(""))),
    ];
    let ran = run(steps);
    let result = |id| ran.results.iter().find(|r| r.step == id).unwrap();
    let sysctl = result(StepId::Sysctl);
    let lines: Vec<_> = sysctl.commands.iter().map(|ran| ran.command.as_str()).collect();
    assert_eq!(lines, ["true", "false"]);
    let times: Vec<_> = sysctl.commands.iter().flat_map(|ran| [ran.start, ran.end]).collect();
    assert!(times.is_sorted() && sysctl.start <= times[0] && times[3] <= sysctl.end, "{sysctl:?}");
    assert!(result(StepId::Facts).commands.is_empty());
    assert_eq!(result(StepId::Kubelet).waited_for, [StepId::Facts, StepId::Sysctl]);
}
