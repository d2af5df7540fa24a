use std::sync::{Arc, Mutex};
use std::time::Duration;

use gpunode_host::metadata::{Eni, Identity, Metadata};
use gpunode_host::{Root, Severity};

use super::*;
use crate::facts::Facts;
use crate::look::SaidFinding;
use crate::runner::{Outcome, StepResult};
use crate::settings::tests::local;
use crate::steps::answers::Answers;
use crate::steps::verify::Verify;

fn found(code: &str, subject: &str) -> SaidFinding {
    SaidFinding { code: code.into(), subject: subject.into(), message: format!("{code} was seen") }
}

fn said(verdict: &str, findings: Vec<SaidFinding>) -> Said {
    Said { verdict: verdict.into(), gpus: 8, efa: 32, findings, ..Said::default() }
}

/// A step whose looks bring these, one after the other, and what it was asked.
fn step(answers: Vec<Result<Said, Unanswered>>) -> (Health, Arc<Mutex<Vec<Asked>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (answers, questions) = (Mutex::new(answers), Arc::clone(&asked));
    let look = move |question: &Asked, _: &dyn Fn() -> bool| {
        questions.lock().unwrap().push(question.clone());
        answers.lock().unwrap().remove(0)
    };
    (Health { pause: Duration::ZERO, fresh: Duration::ZERO, ..Health::with(Box::new(look)) }, asked)
}

fn machine() -> (Context, Os) {
    machine_with(&["efa.expectedCount=31"])
}

fn machine_with(flags: &[&str]) -> (Context, Os) {
    let cx = Context::new(local(flags), false);
    let identity = Identity { instance_type: "p5.48xlarge".into(), ..Identity::default() };
    let enis = vec![Eni { eni_id: "eni-1".into(), ..Eni::default() }];
    cx.set_facts(Facts {
        metadata: Some(Metadata { identity, enis, ..Metadata::default() }),
        instance_type: Some("p5.48xlarge".into()),
        catalog: gpunode_host::catalog::find("p5.48xlarge"),
        spec: cx.local.spec.clone(),
        node_configs: Vec::new(),
    });
    let answers = Answers { table: std::collections::BTreeMap::new(), run: Mutex::default(), fails: None };
    (cx, Os::new(Root::new("/nowhere"), Arc::new(answers)))
}

/// As the runner notes the end of a step.
fn note(cx: &Context, id: StepId, findings: Vec<Finding>) {
    cx.note_end(StepResult { findings, ..StepResult::ended(id, Outcome::Unchanged, "") });
}

#[test]
fn what_the_boot_knows_is_not_asked_again() {
    let (cx, os) = machine();
    let (health, asked) = step(vec![Ok(said("healthy", Vec::new()))]);
    let check = health.check(&cx, &os).unwrap();
    assert_eq!(
        (check.summary.as_str(), check.findings.len()),
        ("healthy: 8 GPUs, 32 EFA interfaces", 0),
        "{check:?}"
    );
    let asked = &asked.lock().unwrap()[0];
    assert_eq!((asked.kind.as_deref(), asked.efa), (Some("p5.48xlarge"), Some(31)));
    assert_eq!(asked.enis.as_ref().unwrap()[0].eni_id, "eni-1");
}

#[test]
fn an_error_of_the_look_stands_against_the_node_and_a_warning_does_not() {
    let (cx, os) = machine();
    let findings = vec![found("Xid79", "GPU 3 (0000:53:00.0)"), found("GpuTooHot", "GPU 1 (0000:51:00.0)")];
    let (health, _) = step(vec![Ok(said("unhealthy", findings))]);
    let check = health.check(&cx, &os).unwrap();
    let told: Vec<_> = check.findings.iter().map(|told| (told.code, told.severity)).collect();
    assert_eq!(told, [("Xid79", Severity::Error), ("GpuTooHot", Severity::Warning)]);
    note(&cx, StepId::Health, check.findings);
    assert_eq!(cx.troubles(), ["health: Xid79: Xid79 was seen"]);
    let (cx, os) = machine();
    let (health, _) = step(vec![Ok(said("degraded", vec![found("GpuTooHot", "GPU 1")]))]);
    note(&cx, StepId::Health, health.check(&cx, &os).unwrap().findings);
    assert_eq!(cx.troubles(), Vec::<String>::new());
}

#[test]
fn an_error_that_must_be_seen_for_longer_is_looked_for_again() {
    let (cx, os) = machine();
    let late = || Ok(said("unhealthy", vec![found("GpuFabricNotReady", "GPU 3")]));
    let (health, asked) = step(vec![late(), late(), Ok(said("healthy", Vec::new()))]);
    assert!(health.check(&cx, &os).unwrap().findings.is_empty());
    assert_eq!(asked.lock().unwrap().len(), 3);
    let down = || Ok(said("unhealthy", vec![found("NvlinkDown", "GPU 3")]));
    let (health, asked) = step(vec![down(), down()]);
    assert_eq!(health.check(&cx, &os).unwrap().findings[0].code, "NvlinkDown");
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[test]
fn what_nobody_can_tell_is_said_and_keeps_no_node_out() {
    let (cx, os) = machine();
    let unknown = Said { unknown: vec!["NVML: no such file".into()], ..said("unknown", Vec::new()) };
    let (health, _) = step(vec![Ok(unknown)]);
    let check = health.check(&cx, &os).unwrap();
    let [told] = &check.findings[..] else { panic!("{check:?}") };
    assert_eq!((told.code, told.severity), ("HealthUnknown", Severity::Warning));
    assert_eq!(told.message, "NVML: no such file");
}

#[test]
fn what_another_step_has_told_is_not_told_twice_unless_it_is_worse() {
    let (cx, os) = machine();
    note(&cx, StepId::Efa, vec![Finding::new(&reason::EFA_MISSING, "efa", "31 of 32")]);
    let milder = Finding { severity: Severity::Info, ..Finding::new(&reason::GPU_MISSING, "pci", "") };
    note(&cx, StepId::NvidiaDriver, vec![milder]);
    let twice = || Ok(said("unhealthy", vec![found("EfaMissing", "node"), found("GpuMissing", "node")]));
    let (health, _) = step(vec![twice(), twice()]);
    let check = health.check(&cx, &os).unwrap();
    assert_eq!(check.findings.iter().map(|told| told.code).collect::<Vec<_>>(), ["GpuMissing"]);
}

#[test]
fn what_is_not_required_may_be_absent_and_may_not_be_sick() {
    let (cx, os) = machine_with(&["nvidia.required=false"]);
    let findings = vec![found("GpuMissing", "node"), found("Xid79", "GPU 3"), found("EfaMissing", "node")];
    let (health, _) = step(vec![Ok(said("unhealthy", findings))]);
    let check = health.check(&cx, &os).unwrap();
    let told: Vec<_> = check.findings.iter().map(|told| (told.code, told.severity)).collect();
    let wanted =
        [("GpuMissing", Severity::Info), ("Xid79", Severity::Error), ("EfaMissing", Severity::Error)];
    assert_eq!(told, wanted);
}

#[test]
fn a_look_that_brings_nothing_is_a_failure() {
    let (cx, os) = machine();
    let (health, _) = step(vec![Err(Unanswered::Late(Duration::from_secs(62)))]);
    let Failure(told) = health.check(&cx, &os).unwrap_err();
    assert_eq!((told.code, told.severity), ("HealthLookFailed", Severity::Error));
    assert_eq!(told.message, "the look: it did not answer within 62 s");
}

#[test]
fn the_last_look_tells_what_is_new_and_asks_no_sick_device_again() {
    let (cx, os) = machine();
    let hot = || found("GpuTooHot", "GPU 1");
    let second = said("unhealthy", vec![hot(), found("Xid79", "GPU 3")]);
    let (health, asked) = step(vec![Ok(said("degraded", vec![hot()])), Ok(second)]);
    note(&cx, StepId::Health, health.check(&cx, &os).unwrap().findings);
    let verify = Verify::new(vec![Arc::new(health)]);
    let check = verify.check(&cx, &os).unwrap();
    assert_eq!(check.findings.iter().map(|told| told.code).collect::<Vec<_>>(), ["Xid79"]);
    assert_eq!(check.summary, "1 step looked at again; unhealthy: 8 GPUs, 32 EFA interfaces");
    note(&cx, StepId::Health, check.findings);
    assert_eq!(verify.check(&cx, &os).unwrap().summary, "0 steps looked at again");
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[test]
fn a_good_look_that_is_fresh_is_not_repeated_and_says_how_old_it_is() {
    let (cx, os) = machine();
    let all_good = || Ok(said("healthy", vec![]));
    let (mut health, asked) =
        step(vec![all_good(), all_good(), Ok(said("degraded", vec![found("GpuTooHot", "GPU 1")]))]);
    health.fresh = Duration::from_secs(3600);
    assert_eq!(health.check(&cx, &os).unwrap().summary, "healthy: 8 GPUs, 32 EFA interfaces");
    let again = health.check(&cx, &os).unwrap();
    assert!(again.summary.starts_with("healthy: 8 GPUs, 32 EFA interfaces, 0."), "{}", again.summary);
    assert_eq!(asked.lock().unwrap().len(), 1);
    health.fresh = Duration::ZERO;
    for looks in [2, 3] {
        health.check(&cx, &os).unwrap();
        assert_eq!(asked.lock().unwrap().len(), looks);
    }
    health.fresh = Duration::from_secs(3600);
    assert!(health.just_seen().is_none(), "what was worth a warning is looked at again");
}
