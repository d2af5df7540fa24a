//! A metadata service that is away, slow or wrong: the run ends in its time, says what it met, and prepares the machine
//! with what it knows without.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use gpunode_tests::agent::{self, Run, bootstrap, fresh_machine};
use gpunode_tests::report::Report;

mod service;
use service::fake::{Act, Seen, status};
use service::{KIND, SHORT, boot, service};

fn went_on_without(name: &str, run: &Run) -> Report {
    assert_eq!(run.code, 1, "{name}: {run:?}");
    let report = run.report();
    assert_eq!(report.verdict(), "degraded", "{name}");
    let finding = report.finding("ImdsUnavailable");
    assert_eq!((finding.step, finding.severity), ("facts", "error"), "{name}");
    // The type is read from DMI, and every other step does its work.
    assert_eq!(report.0["instanceType"], KIND, "{name}");
    assert_eq!(report.0["instanceId"], serde_json::Value::Null, "{name}");
    for (step, outcome) in report.outcomes() {
        assert_ne!(outcome, "not-run", "{name}: {step}");
    }
    assert_eq!(report.outcome("sysctl"), "changed", "{name}");
    report
}

#[test]
fn whatever_is_wrong_with_it_the_boot_goes_on_and_says_so() {
    type Script = fn(&Seen) -> Option<Act>;
    let faults: &[(&str, &str, Script)] = &[
        ("never answers", "deadline 2s", |_| Some(Act::Hang(Vec::new()))),
        ("stops in the middle", "deadline 2s", |seen| {
            (seen.method == "GET")
                .then(|| Act::Hang(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{".to_vec()))
        }),
        ("always 401", "", |_| Some(status(401))),
        ("401 to every question", "", |seen| (seen.method == "GET").then(|| status(401))),
        ("403: switched off", "", |seen| (seen.method == "PUT").then(|| status(403))),
        ("always 404", "", |_| Some(status(404))),
        ("no such thing, ever", "", |seen| (seen.method == "GET").then(|| status(404))),
        ("always 500", "500", |_| Some(status(500))),
        ("500 to every question", "500", |seen| (seen.method == "GET").then(|| status(500))),
        ("not HTTP", "deadline 2s", |_| Some(Act::Raw(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()))),
        ("hangs up", "deadline 2s", |_| Some(Act::Raw(Vec::new()))),
        ("a document of garbage", "identity", |seen| {
            seen.path.starts_with("dynamic/").then(|| Act::Answer(200, vec![0xff, 0x00, 0x7b]))
        }),
        ("a token of garbage", "token", |seen| {
            (seen.method == "PUT").then(|| Act::Answer(200, b"a\r\nb\0".to_vec()))
        }),
        ("a body without end", "", |seen| {
            seen.path.starts_with("dynamic/").then(|| Act::Answer(200, vec![b'x'; 1 << 20]))
        }),
    ];
    std::thread::scope(|scope| {
        for (name, says, script) in faults {
            scope.spawn(move || {
                let dir = fresh_machine(KIND);
                let imds = service(None, script);
                let report = went_on_without(name, &boot(dir.path(), &imds.settings().endpoint));
                let message = report.finding("ImdsUnavailable").message.to_owned();
                assert!(message.contains(says), "{name}: {message}");
                assert!(message.contains("going on without it"), "{name}: {message}");
            });
        }
    });
}

#[test]
fn nobody_listens() {
    let dir = fresh_machine(KIND);
    // Discard (RFC 863): a port that was free a moment ago is soon another test's.
    let report = went_on_without("refused", &boot(dir.path(), "http://127.0.0.1:9"));
    let message = report.finding("ImdsUnavailable").message;
    assert!(message.contains("Connection refused"), "{message}");
}

#[test]
fn a_token_that_runs_out_is_replaced_and_nothing_is_told() {
    let dir = fresh_machine(KIND);
    let first_is_old = |seen: &Seen| {
        (seen.token.as_deref() == Some("token-1") && seen.path.contains("macs")).then(|| status(401))
    };
    let imds = service(None, first_is_old);
    let report = boot(dir.path(), &imds.settings().endpoint).report();
    assert!(!report.has("ImdsUnavailable"), "{report:?}");
    assert_eq!(report.0["instanceId"], "i-0123456789abcdef0");
    assert_eq!(imds.count("PUT"), 2);
}

#[test]
fn a_hiccup_is_tried_again_and_nothing_is_told() {
    let dir = fresh_machine(KIND);
    let imds =
        service(None, |seen| (seen.nth == 1 && seen.path.starts_with("dynamic/")).then(|| status(503)));
    let patient = ["--set", "imds.deadlineSeconds=30"];
    let run = agent::finish(&mut bootstrap(dir.path(), &imds.settings().endpoint, &patient));
    let report = run.report();
    assert!(!report.has("ImdsUnavailable"), "{run:?}");
    assert_eq!(report.0["instanceId"], "i-0123456789abcdef0");
}

#[test]
fn a_leaf_that_is_missing_is_told_and_the_identity_stays() {
    let dir = fresh_machine(KIND);
    let imds = service(None, |seen| seen.path.ends_with("/interface-id").then(|| status(404)));
    let run = boot(dir.path(), &imds.settings().endpoint);
    let report = run.report();
    let finding = report.finding("ImdsIncomplete");
    assert_eq!((finding.step, finding.severity), ("facts", "warning"), "{run:?}");
    assert!(finding.message.contains("/interface-id: not found"), "{finding:?}");
    assert!(!report.has("ImdsUnavailable"), "{run:?}");
    assert_eq!(report.0["instanceId"], "i-0123456789abcdef0");
}

#[test]
fn another_type_than_expected_is_an_error() {
    let dir = fresh_machine(KIND);
    let imds = service(None, |_| None);
    let mut command = bootstrap(dir.path(), &imds.settings().endpoint, &SHORT);
    command.args(["--set", "instance.expectedType=p5.48xlarge"]);
    let run = agent::finish(&mut command);
    assert_eq!(run.code, 1, "{run:?}");
    let report = run.report();
    let finding = report.finding("InstanceTypeUnexpected");
    assert!(finding.message.contains("p5.4xlarge") && finding.message.contains("p5.48xlarge"), "{finding:?}");
}
