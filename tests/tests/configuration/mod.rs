//! The settings as the agent's own reference tells of them, and places to try them in.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test takes what it needs"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use gpunode_tests::agent::{self, Run, finish, folder, text};
use tempfile::TempDir;

/// One row of the reference.
pub struct Setting {
    pub path: String,
    /// The default as TOML; `None` where it is not set.
    pub default: Option<String>,
    pub allowed: String,
    /// Our own variable first, then the operator's, if it has one.
    pub variables: Vec<String>,
}

pub fn settings() -> Vec<Setting> {
    let run = agent::run(&["reference", "config"]);
    assert_eq!(run.code, 0);
    let bare = |cell: &str| cell.trim().trim_matches('`').to_owned();
    let rows = run.stdout.lines().filter(|line| line.starts_with("| `"));
    let settings: Vec<_> = rows
        .map(|row| {
            let cells: Vec<_> = row.trim_matches('|').split(" | ").collect();
            let [path, default, allowed, variables, about] = cells.as_slice() else {
                panic!("{row}");
            };
            assert!(about.trim().ends_with('.'), "{row}");
            Setting {
                path: bare(path),
                default: (*default != "not set").then(|| bare(default)),
                allowed: (*allowed).to_owned(),
                variables: variables.split(", ").map(bare).collect(),
            }
        })
        .collect();
    assert!(settings.len() > 30, "{}", run.stdout);
    settings
}

/// Lines of TOML, one for each setting, and the number of each setting's line.
pub fn file(settings: &[Setting], value: impl Fn(&Setting) -> String) -> (String, BTreeMap<String, usize>) {
    let mut lines = Vec::new();
    let mut places = BTreeMap::new();
    for setting in settings {
        lines.push(format!("{} = {}", setting.path, value(setting)));
        places.insert(setting.path.clone(), lines.len());
    }
    (lines.join("\n") + "\n", places)
}

/// A folder with an empty machine in it.
pub struct Place(pub TempDir);

impl Place {
    pub fn new() -> Self {
        let dir = folder();
        fs::create_dir_all(dir.path().join("root/etc/gpunode")).unwrap();
        Self(dir)
    }

    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    pub fn run(&self, words: &[&str], environment: &[(&str, &str)]) -> Run {
        let mut command = agent::command();
        command.arg("config").args(words).args(["--root", text(&self.0.path().join("root"))]);
        finish(command.envs(environment.iter().copied()))
    }

    pub fn check(&self, name: &str, bytes: impl AsRef<[u8]>) -> Run {
        let path = self.put(name, bytes);
        self.run(&["check", "--config", text(&path)], &[])
    }
}

/// The line that tells of `key`, which must be told once.
pub fn told<'a>(run: &'a Run, key: &str) -> &'a str {
    let is_about =
        |line: &&str| line.contains(&format!(": {key} = ")) || line.contains(&format!(": {key}: "));
    let lines: Vec<_> = run.stderr.lines().filter(is_about).collect();
    let [line] = lines.as_slice() else {
        panic!("{key}: {lines:#?} in\n{}", run.stderr);
    };
    line
}

pub fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A document with a shell script, a NodeConfig and our part.
pub fn document(ours: &str) -> String {
    format!(
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b\"\n\n\
         --b\nContent-Type: text/x-shellscript\n\n#!/bin/sh\nexit 1\n\
         --b\nContent-Type: application/node.eks.aws\n\napiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\n\
         --b\nContent-Type: application/vnd.gpunode.node+toml\n\n{ours}\n--b--\n"
    )
}
