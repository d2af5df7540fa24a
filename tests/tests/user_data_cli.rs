//! `gpunode-agent user-data`, read by those who will read it: Python's MIME reader (which cloud-init uses), cloud-init
//! itself, a YAML reader, a shell's checker, and the agent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs;
use std::path::Path;

use gpunode_host::{bottlerocket, user_data};
use gpunode_tests::agent::{Run, command, finish, folder, program, text};
use serde_json::Value;
use tempfile::TempDir;

const URL: &str = "https://host.example/gpunode-agent?v=1&x=%20";
const SUM: &str = "ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789";
const NODE_CONFIG: &str =
    "---\napiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  cluster:\n    name: demo\n";

/// Prints the parts of a MIME document: content type, file name or nothing, text.
const PYTHON: &str = "import email, json, sys
message = email.message_from_bytes(open(sys.argv[1], 'rb').read())
parts = [p for p in message.walk() if not p.is_multipart()]
print(json.dumps({'defects': [str(d) for p in message.walk() for d in p.defects],
                  'parts': [[p.get_content_type(), p.get_payload(decode=True).decode()] for p in parts]}))";

/// The same through cloud-init's own processor, which also inflates.
const CLOUD_INIT: &str = "import json, logging, sys
from cloudinit.user_data import UserDataProcessor
from cloudinit import handlers
logging.disable(logging.CRITICAL)
message = UserDataProcessor({}).process(open(sys.argv[1], 'rb').read())
seen = []
handlers.walk(message, lambda data, name, text, headers: seen.append(
    [headers['Content-Type'].split(';')[0], text if isinstance(text, str) else text.decode()]), {'handlers': None})
print(json.dumps({'defects': [], 'parts': seen}))";

fn place() -> TempDir {
    let dir = folder();
    fs::write(dir.path().join("node.yaml"), NODE_CONFIG).unwrap();
    fs::write(
        dir.path().join("agent.toml"),
        "# A comment that costs bytes.\nonFailure = \"halt\"\n[kubelet.labels]\n\"example.com/pool\" = \"gpu\"\n",
    )
    .unwrap();
    dir
}

fn user_data(dir: &Path, words: &[&str]) -> (Run, Vec<u8>) {
    // Not as text: it may be gzip.
    let out = dir.join("out");
    let mut command = command();
    command.arg("user-data").args(words).current_dir(dir).stdout(fs::File::create(&out).unwrap());
    let run = finish(&mut command);
    (run, fs::read(out).unwrap())
}

fn parts(dir: &Path, script: &str) -> Vec<(String, String)> {
    let run = finish(program("/usr/bin/python3").args(["-c", script, text(&dir.join("out"))]));
    assert_eq!(run.code, 0, "{run:?}");
    let read: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(read["defects"], serde_json::json!([]));
    serde_json::from_value(read["parts"].clone()).unwrap()
}

const ALL: [&str; 8] =
    ["--url", URL, "--sha256", SUM, "--config", "agent.toml", "--node-config", "node.yaml"];

#[test]
fn pythons_reader_and_cloud_init_find_the_same_parts() {
    let dir = place();
    for (gzip, script) in [(false, PYTHON), (false, CLOUD_INIT), (true, CLOUD_INIT)] {
        let mut words = ALL.to_vec();
        words.extend(gzip.then_some("--gzip"));
        let (run, bytes) = user_data(dir.path(), &words);
        assert_eq!(run.code, 0, "{run:?}");
        assert_eq!(bytes.starts_with(&[0x1f, 0x8b]), gzip);
        let parts = parts(dir.path(), script);
        let of = |kind: &str| {
            let found: Vec<_> = parts.iter().filter(|(this, _)| this == kind).collect();
            assert_eq!(found.len(), 1, "{kind}: {parts:?}");
            found[0].1.clone()
        };
        assert_eq!(parts.len(), 3, "{parts:?}");
        assert_eq!(of("application/node.eks.aws").trim_end(), NODE_CONFIG.trim_end());
        assert!(of("application/vnd.gpunode.node+toml").starts_with("onFailure = \"halt\"\n"));
        let shell = of("text/x-shellscript");
        assert!(shell.starts_with("#!/bin/sh\n") && shell.contains(&format!("url='{URL}'\n")), "{shell}");
        assert!(shell.contains(&format!("sha256='{}'\n", SUM.to_lowercase())), "{shell}");
    }
}

#[test]
fn the_script_in_it_passes_shellcheck() {
    let dir = place();
    user_data(dir.path(), &ALL);
    let parts = parts(dir.path(), PYTHON);
    let script = &parts.iter().find(|(kind, _)| kind == "text/x-shellscript").unwrap().1;
    let file = dir.path().join("script.sh");
    fs::write(&file, script).unwrap();
    let run = finish(program("shellcheck").arg(&file));
    assert_eq!(run.code, 0, "{}", run.stdout);
}

#[test]
fn the_agent_on_the_node_reads_the_same_settings() {
    let dir = place();
    let (run, bytes) = user_data(dir.path(), &[&ALL[..], &["--set", "nccl.env.NCCL_DEBUG=INFO"]].concat());
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(user_data::node_configs(&bytes), [NODE_CONFIG]);
    let out = dir.path().join("out");
    let mut show = command();
    show.args(["config", "show", "--json", "--root"]).arg(dir.path()).arg("--user-data").arg(out);
    let shown = finish(&mut show);
    let rows: Vec<Value> = serde_json::from_str(&shown.stdout).unwrap_or_else(|_| panic!("{shown:?}"));
    let value = |path: &str| rows.iter().find(|row| row["path"] == path).map(|row| row["value"].clone());
    assert_eq!(value("onFailure").unwrap(), "halt");
    assert_eq!(value("nccl.env.NCCL_DEBUG").unwrap(), "INFO");
    assert_eq!(value("kubelet.labels.example.com/pool").unwrap(), "gpu");
    let set = rows.iter().filter(|row| row["source"]["from"] == "userData").count();
    assert_eq!(set, 3, "{}", shown.stdout);
}

#[test]
fn neither_the_environment_nor_this_machine_s_settings_change_a_byte() {
    let dir = place();
    let (_, bytes) = user_data(dir.path(), &ALL);
    let (_, again) = user_data(dir.path(), &ALL);
    assert_eq!(bytes, again);
    let out = dir.path().join("other");
    let mut command = command();
    command.env("GPUNODE_ON_FAILURE", "join").env("TZ", "Asia/Tokyo").env("LC_ALL", "tr_TR.UTF-8");
    command.arg("user-data").args(ALL).current_dir(dir.path()).stdout(fs::File::create(&out).unwrap());
    assert_eq!(finish(&mut command).code, 0);
    assert_eq!(bytes, fs::read(out).unwrap());
}

#[test]
fn karpenters_form_is_yaml_with_the_same_document_in_it() {
    let dir = place();
    let (_, plain) = user_data(dir.path(), &ALL);
    let (run, _) = user_data(dir.path(), &[&ALL[..], &["--format", "karpenter"]].concat());
    assert_eq!(run.code, 0, "{run:?}");
    let script = "import sys, yaml
sys.stdout.write(yaml.safe_load(open(sys.argv[1]))['spec']['userData'])";
    let read = finish(program("/usr/bin/python3").args(["-c", script, text(&dir.path().join("out"))]));
    assert_eq!(read.stdout.as_bytes(), plain, "{read:?}");
}

#[test]
fn bottlerockets_form_has_none_but_its_own_keys() {
    let dir = place();
    let words =
        ["--format", "bottlerocket", "--config", "agent.toml", "--check-image", "registry.example/check:1"];
    let (run, bytes) = user_data(dir.path(), &words);
    assert_eq!(run.code, 0, "{run:?}");
    let read: bottlerocket::UserData = toml::from_str(std::str::from_utf8(&bytes).unwrap()).unwrap();
    assert_eq!(read.settings.kubernetes.node_labels["example.com/pool"], "gpu");
    assert_eq!(read.settings.bootstrap_containers["gpunode-check"].source, "registry.example/check:1");
}

#[test]
fn too_much_is_refused_with_the_number_of_bytes_and_the_largest_part() {
    let dir = place();
    fs::write(dir.path().join("node.yaml"), format!("{NODE_CONFIG}# {}\n", "x".repeat(17_000))).unwrap();
    let (run, bytes) = user_data(dir.path(), &ALL);
    assert_eq!((run.code, bytes.len()), (2, 0), "{run:?}");
    assert!(run.stderr.contains("16384") && run.stderr.contains("the NodeConfig (17"), "{run:?}");
    let (run, bytes) = user_data(dir.path(), &[&ALL[..], &["--gzip"]].concat());
    assert!(run.code == 0 && bytes.len() < 2048, "{run:?}");
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_printed() {
    let dir = place();
    fs::write(dir.path().join("pod.yaml"), "kind: Pod\n").unwrap();
    fs::write(dir.path().join("bad.toml"), "onFailure = 'maybe'\nnope = 1\n").unwrap();
    for (words, told) in [
        (&[][..], "--baked"),
        (&["--url", URL], "--sha256"),
        (&["--url", "https://h/it's", "--sha256", SUM], "character"),
        (&["--url", URL, "--sha256", "12"], "64"),
        (&["--url", URL, "--sha256", SUM, "--baked"], "cannot be used with"),
        (&["--baked", "--config", "bad.toml"], "bad.toml:2: nope"),
        (&["--baked", "--set", "onFailure=maybe"], "--set: onFailure"),
        (&["--baked", "--node-config", "pod.yaml"], "not a NodeConfig"),
        (&["--baked", "--config", "absent.toml"], "absent.toml"),
        (&["--baked", "--format", "karpenter", "--gzip"], "compressed"),
        (&["--baked", "--format", "bottlerocket"], "no script"),
        (&["--baked", "--check-image", "x"], "bottlerocket"),
    ] {
        let (run, bytes) = user_data(dir.path(), words);
        assert_eq!((run.code, bytes.len()), (2, 0), "{words:?}: {run:?}");
        assert!(run.stderr.contains(told), "{words:?}: {run:?}");
    }
}
