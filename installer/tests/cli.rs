//! The command line as its users meet it: exit codes, files, what is printed where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const LEAST: &str = "CLUSTER_NAME=research\nAWS_REGION=us-west-2\nVPC_ID=vpc-0123456789abcdef0\n\
                     PRIVATE_SUBNET_A=subnet-0123456789abcdef0\nAWS_ACCOUNT_ID=012345678901\n";

#[expect(clippy::disallowed_methods, reason = "a test's programs are not the product's")]
fn installer(folder: &Path, words: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_installer"));
    command.args(words).current_dir(folder).env_clear().envs(environment.iter().copied());
    command.output().unwrap()
}

fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn init_writes_once_and_again_only_by_force() {
    let folder = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| told(&installer(folder.path(), words, &[]));
    let (code, text, _) = run(&["init", "--stdout"]);
    assert_eq!(code, 0);
    assert!(!folder.path().join(".env").exists());
    assert_eq!(run(&["init"]).0, 0);
    assert_eq!(fs::read_to_string(folder.path().join(".env")).unwrap(), text);
    fs::write(folder.path().join(".env"), "mine").unwrap();
    let (code, _, problem) = run(&["init"]);
    assert_eq!((code, problem.contains(".env exists; --force writes over it")), (1, true), "{problem}");
    assert_eq!(fs::read_to_string(folder.path().join(".env")).unwrap(), "mine");
    assert_eq!(run(&["init", "--force"]).0, 0);
    assert_eq!(fs::read_to_string(folder.path().join(".env")).unwrap(), text);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something was left behind");
    assert_eq!(run(&["init", "--file", "no/such/folder"]).0, 1);
}

#[test]
fn config_check_tells_every_mistake_and_its_exit_code_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let run =
        |words: &[&str], environment: &[(&str, &str)]| told(&installer(folder.path(), words, environment));
    let (code, _, problems) = run(&["config", "check"], &[]);
    assert_eq!(code, 2);
    assert!(problems.contains("CLUSTER_NAME: must be set") && problems.contains("there is no .env here"));
    fs::write(folder.path().join(".env"), LEAST).unwrap();
    assert_eq!(run(&["config", "check"], &[]), (0, "the settings can be used\n".to_owned(), String::new()));
    let (code, _, problems) = run(&["config", "check"], &[("IO2_IOPS", "999"), ("GPU_MIN_SIZE", "x")]);
    assert_eq!((code, problems.lines().count()), (2, 2), "{problems}");
    let (code, text, _) = run(&["config", "check", "--json"], &[("IO2_IOPS", "999")]);
    let said: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, said["usable"].as_bool()), (2, Some(false)));
    assert_eq!(said["mistakes"][0]["key"], "IO2_IOPS");
    assert_eq!(run(&["config", "check", "--file", "nowhere"], &[]).0, 1);
    assert_eq!(run(&["config", "check", "--no-such-flag"], &[]).0, 64);
    assert_eq!(run(&["--help"], &[]).0, 0);
}

#[test]
fn config_show_says_where_each_value_came_from() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".env"), LEAST).unwrap();
    let run = |words: &[&str]| told(&installer(folder.path(), words, &[("IO2_IOPS", "2000")]));
    let (code, text, _) = run(&["config", "show"]);
    assert_eq!(code, 0);
    let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap();
    assert!(line("CLUSTER_NAME").ends_with(".env:1"), "{text}");
    assert!(line("IO2_IOPS").ends_with("environment IO2_IOPS"), "{text}");
    assert!(line("GPU_MAX_SIZE").ends_with("default"), "{text}");
    let (_, json, _) = run(&["config", "show", "--json"]);
    assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
}

#[test]
fn layout_shows_the_interfaces_of_a_type() {
    let folder = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| told(&installer(folder.path(), words, &[]));
    let (code, text, _) = run(&["layout", "p5en.48xlarge"]);
    assert_eq!((code, text.lines().count()), (0, 18));
    let (code, text, _) = run(&["layout", "p5en.48xlarge", "--layout", "combined", "--efa", "4", "--json"]);
    let said: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, said["interfaces"].as_array().unwrap().len()), (0, 4));
    assert_eq!(run(&["layout", "p5en.48xlarge", "--efa", "17"]).0, 64);
    assert_eq!(run(&["layout", "p99.48xlarge"]).0, 64);
}

#[test]
fn render_writes_what_is_asked_for_and_nothing_when_the_settings_are_wrong() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".env"), LEAST).unwrap();
    let run =
        |words: &[&str], environment: &[(&str, &str)]| told(&installer(folder.path(), words, environment));
    let (code, text, problems) = run(&["render", "launch-template", "--out", "out"], &[]);
    assert_eq!((code, text.as_str(), problems.as_str()), (0, "out/launch-template.json\n", ""));
    let written = fs::read_to_string(folder.path().join("out/launch-template.json")).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&written).is_ok());
    let (code, _, problems) = run(&["render", "--out", "wrong"], &[("GPU_NUM_ENIS", "17")]);
    assert_eq!((code, problems.contains("p5en.48xlarge has 16 EFA interfaces")), (2, true), "{problems}");
    assert!(!folder.path().join("wrong").exists());
    assert_eq!(run(&["render", "nonsense", "--out", "out"], &[]).0, 64);
    assert_eq!(run(&["render"], &[]).0, 64);
    // A file stands where the folder would have to be.
    assert_eq!(run(&["render", "user-data", "--out", ".env"], &[]).0, 1);
}
