//! The stories of `cases/health`: each machine, each fault, exactly its findings, and what takes them away.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::Path;

use gpunode_tests::health::{Case, play};

/// Plays every case whose file's name begins so; all failures are told together.
fn play_all(prefix: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/health");
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let mut files: Vec<_> = files.filter(|path| name(path).starts_with(prefix)).collect();
    files.sort();
    assert!(!files.is_empty(), "no case begins with {prefix}");
    let mut failures = Vec::new();
    for path in &files {
        let case = Case::read(path).unwrap();
        assert!(case.instances().next().is_some(), "{}: no instance type", path.display());
        for instance in case.instances() {
            if let Err(why) = play(&case, instance) {
                failures.push(format!("{} on {instance}, {}\n{why}", name(path), case.about));
            }
        }
    }
    assert!(failures.is_empty(), "{} failed\n\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn healthy_machines_have_no_findings() {
    play_all("healthy");
}

#[test]
fn faults_of_gpus() {
    play_all("gpu-");
}

#[test]
fn xids() {
    play_all("xid-");
}

#[test]
fn faults_of_efa() {
    play_all("efa-");
}
