//! What is in an account, asked by botocore: another client than the one under test.
#![expect(clippy::panic, reason = "a test that cannot look has failed")]

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::emulator;
use crate::python;

/// Everything that the installer could make, by what and name: `role/research-ebs-csi`.
#[derive(Clone, Debug, PartialEq)]
pub struct Inventory(pub BTreeMap<String, Value>);

/// Makes calls of botocore's, each `[service, operation, arguments]`, and returns their answers.
pub(super) fn calls(account: &str, calls: &Value) -> Value {
    ask(account, "calls", &calls.to_string())
}

pub(super) fn inventory(account: &str, cluster: &str) -> Inventory {
    let found = ask(account, "inventory", cluster);
    Inventory(serde_json::from_value(found).unwrap_or_else(|error| panic!("an inventory: {error}")))
}

/// What it has of EC2, and node groups; and a name for each id.
pub(super) fn nodes(account: &str, cluster: &str) -> (Inventory, Value) {
    let found = ask(account, "nodes", cluster);
    let mut found: BTreeMap<String, Value> =
        serde_json::from_value(found).unwrap_or_else(|error| panic!("an inventory: {error}"));
    let ids = found.remove("ids").unwrap_or_default();
    (Inventory(found), ids)
}

/// The form that botocore makes of each call.
pub(super) fn forms(account: &str, calls: &Value) -> Value {
    ask(account, "forms", &calls.to_string())
}

/// The signature of each request.
pub(super) fn signatures(account: &str, requests: &Value) -> Value {
    ask(account, "signatures", &requests.to_string())
}

fn ask(account: &str, task: &str, more: &str) -> Value {
    ask_at(&url(), account, task, more)
}

/// Of the emulator of all tests.
pub(super) fn url() -> String {
    format!("http://127.0.0.1:{}", emulator::port())
}

/// Asks at one URL, or at those of a JSON object, by service.
pub(super) fn ask_at(url: &str, account: &str, task: &str, more: &str) -> Value {
    let words = [url, account, task, more].map(Path::new);
    let said = python::run("aws.py", &words);
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}
