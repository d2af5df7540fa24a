use proptest::prelude::*;

use super::*;
use crate::event::Told;

fn response(status: u16) -> Response {
    Response { status, ..Response::default() }
}

fn failure(call: &Call, status: u16) -> Failure {
    match outcome(call, &response(status)) {
        Outcome::Failed(failure) => failure,
        Outcome::Done(_) => panic!("{status} is no success"),
    }
}

fn event_call(exists: bool) -> Call {
    let told = Told {
        reason: "Xid79".into(),
        warning: true,
        note: "n".into(),
        action: "Found".into(),
        at_unix_ms: 0,
    };
    let (name, first_unix_ms, last_unix_ms, count) = ("node-1.ab".into(), 0, 5000, 3);
    Call::Event(EventWrite { name, told, first_unix_ms, last_unix_ms, count, exists })
}

#[test]
fn an_apply_of_labels_names_the_object_it_is_for_and_nothing_of_its_status() {
    let request = labels("node-1", &json!({"gpunode.io/gpu.count": "8"}), Some("u-1"));
    assert_eq!(request.path, "/api/v1/nodes/node-1?fieldManager=gpunode-daemonset&force=true");
    assert_eq!(
        request.body,
        json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": "node-1", "uid": "u-1", "labels": {"gpunode.io/gpu.count": "8"}},
        })
    );
}

#[test]
fn a_status_that_has_nothing_of_ours_takes_everything_of_ours_away() {
    let request = status("node-1", &[]);
    assert_eq!(request.path, "/api/v1/nodes/node-1/status?fieldManager=gpunode-daemonset&force=true");
    assert_eq!(request.body["status"], json!({"conditions": []}));
}

#[test]
fn the_taints_of_others_stay_as_they_are() {
    let other = json!({"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"});
    let there = json!({"spec": {"taints": [other]}});
    let request = taint("node-1", &there, Some("GPUHealthy")).unwrap();
    assert_eq!(request.body[0], json!({"op": "test", "path": "/spec/taints", "value": [other]}));
    assert_eq!(request.body[1]["value"][0], other);
    assert_eq!(request.body[1]["value"][1]["value"], "GPUHealthy");
    let tainted = json!({"spec": {"taints": request.body[1]["value"]}});
    assert_eq!(taint("node-1", &tainted, Some("GPUHealthy")), None);
    let off = taint("node-1", &tainted, None).unwrap();
    assert_eq!(off.body[1]["value"], json!([other]));
    assert_eq!(taint("node-1", &json!({}), None), None);
    let first = taint("node-1", &json!({"spec": {}}), Some("EFAHealthy")).unwrap();
    assert_eq!(first.body[0]["value"], Value::Null);
}

#[test]
fn a_series_changes_its_count_and_nothing_else() {
    let from = From { node: "node-1", uid: Some("u"), instance: "pod" };
    let Call::Event(write) = event_call(true) else { unreachable!() };
    let request = event(&write, &from);
    assert_eq!((request.method, request.content_type), ("PATCH", MERGE));
    let series = json!({"series": {"count": 3, "lastObservedTime": "1970-01-01T00:00:05.000000Z"}});
    assert_eq!(request.body, series);
    let new = event(&EventWrite { exists: false, ..write }, &from);
    assert_eq!((new.method, &new.body["regarding"]["uid"]), ("POST", &json!("u")));
    assert_eq!(new.body["series"], Value::Null);
}

#[test]
fn each_answer_has_its_consequence() {
    let (status, labels) = (Call::Status(Vec::new()), Call::Labels { labels: [].into(), uid: None });
    let away = Failure::Away { asked: None };
    for code in [401, 408, 429, 500, 503, 504] {
        assert_eq!(failure(&status, code), away, "{code}");
    }
    assert_eq!(failure(&status, 403), Failure::Forbidden);
    assert_eq!(failure(&status, 404), Failure::NoNode);
    assert_eq!(failure(&status, 409), Failure::Again);
    assert_eq!(failure(&labels, 409), Failure::NoNode);
    assert_eq!(failure(&status, 422), Failure::Refused);
    assert_eq!(failure(&Call::Taint(None), 422), Failure::Again);
    assert_eq!(failure(&event_call(true), 404), Failure::Event(OfEvent::Absent));
    assert_eq!(failure(&event_call(false), 404), Failure::Again);
    assert_eq!(failure(&event_call(false), 409), Failure::Event(OfEvent::Exists));
    assert_eq!(failure(&event_call(true), 409), Failure::Again);
    let done = Response { status: 200, body: json!({"metadata": {"uid": "u"}}), ..Response::default() };
    assert_eq!(outcome(&status, &done), Outcome::Done(Found { uid: Some("u".into()), labels: None }));
    assert_eq!(outcome(&event_call(false), &done), Outcome::Done(Found::default()));
}

proptest! {
    #[test]
    fn every_status_means_something(code in any::<u16>(), exists in any::<bool>()) {
        for call in [Call::Status(Vec::new()), Call::Taint(None), event_call(exists)] {
            let done = matches!(outcome(&call, &response(code)), Outcome::Done(_));
            prop_assert_eq!(done, (200..300).contains(&code));
        }
    }
}
