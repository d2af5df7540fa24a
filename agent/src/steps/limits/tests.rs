use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use gpunode_host::Root;

use super::*;
use crate::settings::tests::local;
use crate::steps::answers::Answers;

/// A machine with a running systemd, whose commands that begin so fail.
fn machine(dir: &Path, fails: Option<&'static str>) -> (Os, Arc<Answers>) {
    let root = Root::new(dir);
    std::fs::create_dir_all(root.at("/run/systemd/system")).unwrap();
    let table = BTreeMap::from([("systemctl daemon-reload", String::new())]);
    let answers = Arc::new(Answers { table, run: Mutex::default(), fails });
    (Os::new(root, answers.clone()), answers)
}

/// As a kill between the two does: the files are written, and systemd is not told.
#[test]
fn what_systemd_was_not_told_the_next_run_tells_it() {
    let cx = Context::new(local(&[]), false);
    let dir = tempfile::tempdir().unwrap();
    let (os, _) = machine(dir.path(), Some("systemctl daemon-reload"));
    let first = Limits::default();
    assert!(!first.check(&cx, &os).unwrap().changes.is_empty());
    first.apply(&cx, &os).unwrap_err();

    let (os, answers) = machine(dir.path(), None);
    let second = Limits::default();
    assert_eq!(second.check(&cx, &os).unwrap().changes, ["let systemd read its units again"]);
    second.apply(&cx, &os).unwrap();
    assert_eq!(*answers.run.lock().unwrap(), ["systemctl daemon-reload"]);
    assert!(second.check(&cx, &os).unwrap().changes.is_empty());
    second.apply(&cx, &os).unwrap();
    assert_eq!(answers.run.lock().unwrap().len(), 1, "systemd is told once");
}
