//! The files in `ami/`, read by the parsers of those who will read them. Packer itself is not packaged anywhere that
//! these tests can take it from, so its template is parsed by an HCL parser and its names are checked here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use gpunode_tests::agent::{Run, finish, folder, program, text};
use gpunode_tests::binary;
use hcl::Body;

fn ami() -> PathBuf {
    binary::bed().parent().unwrap().join("ami")
}

fn run(words: &[&str]) -> Run {
    finish(program(words[0]).args(&words[1..]))
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let root = folder();
    let units = root.path().join("etc/systemd/system");
    fs::create_dir_all(&units).unwrap();
    let unit = fs::read_to_string(ami().join("gpunode-agent.service")).unwrap();
    fs::write(units.join("gpunode-agent.service"), &unit).unwrap();
    let program = root.path().join("usr/local/bin/gpunode-agent");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    fs::write(&program, "").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    // The targets that it names, of this machine's systemd.
    let vendor = root.path().join("usr/lib/systemd/system");
    fs::create_dir_all(vendor.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/usr/lib/systemd/system", &vendor).unwrap_or_default();
    let verify =
        |name: &str| run(&["systemd-analyze", "verify", "--man=no", "--root", text(root.path()), name]);
    let good = verify("gpunode-agent.service");
    assert!(good.code == 0 && !good.stderr.contains("gpunode-agent.service"), "{}", good.stderr);
    // The same tool says so when something is wrong.
    let broken = unit
        .replace("Type=oneshot", "Type=onceshot")
        .replace("ExecStart=/usr/local", "ExecStart=/usr/nowhere");
    fs::write(units.join("broken.service"), broken).unwrap();
    let bad = verify("broken.service");
    assert!(bad.code != 0 && bad.stderr.contains("broken.service"), "{bad:?}");
}

#[test]
fn shellcheck_finds_nothing_in_the_script() {
    let script = ami().join("user-data.sh");
    let run = run(&["shellcheck", "--severity=style", text(&script)]);
    assert_eq!(run.code, 0, "{}", run.stdout);
}

fn template() -> Body {
    hcl::parse(&fs::read_to_string(ami().join("packer/gpunode.pkr.hcl")).unwrap()).unwrap()
}

fn labelled<'a>(body: &'a Body, kind: &str, label: &str) -> &'a Body {
    let mut blocks = body.blocks().filter(|block| block.identifier() == kind);
    let found =
        blocks.find(|block| label.is_empty() || block.labels().iter().any(|one| one.as_str() == label));
    found.unwrap_or_else(|| panic!("no {kind} {label}")).body()
}

fn attribute(body: &Body, name: &str) -> String {
    let found = body.attributes().find(|one| one.key() == name);
    found.unwrap_or_else(|| panic!("no {name}")).expr().to_string()
}

/// Every `PREFIX.name` in the text of the template, outside comments.
fn references(prefix: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(ami().join("packer/gpunode.pkr.hcl")).unwrap();
    let code = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
    let prefix = format!("{prefix}.");
    code.split(&prefix)
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect())
        .collect()
}

#[test]
fn every_name_in_the_packer_template_is_declared_and_used() {
    let body = template();
    let variables: BTreeSet<String> = body
        .blocks()
        .filter(|block| block.identifier() == "variable")
        .map(|block| {
            assert!(attribute(block.body(), "description").ends_with(".\""), "{:?}", block.labels());
            block.labels()[0].as_str().to_owned()
        })
        .collect();
    assert_eq!(variables, references("var"));
    let locals: BTreeSet<String> =
        labelled(&body, "locals", "").attributes().map(|one| one.key().to_owned()).collect();
    assert_eq!(locals, references("local"));
}

#[test]
fn the_packer_template_asks_for_imdsv2_an_encrypted_root_and_our_two_commands() {
    let body = template();
    let source = labelled(&body, "source", "amazon-ebs");
    assert_eq!(attribute(source, "imds_support"), "\"v2.0\"");
    let metadata = labelled(source, "metadata_options", "");
    assert_eq!(attribute(metadata, "http_tokens"), "\"required\"");
    let disk = labelled(source, "launch_block_device_mappings", "");
    assert_eq!(attribute(disk, "encrypted"), "true");
    let build = labelled(&body, "build", "");
    let shells: Vec<String> = build
        .blocks()
        .filter(|block| block.identifier() == "provisioner" && block.labels()[0].as_str() == "shell")
        .map(|block| attribute(block.body(), "inline"))
        .collect();
    assert!(shells[0].contains("gpunode-agent install --instance-family"), "{shells:?}");
    // Nothing may come after it.
    assert!(shells.last().unwrap().contains("gpunode-agent generalise"), "{shells:?}");
    labelled(build, "post-processor", "manifest");
    labelled(&body, "data", "amazon-parameterstore");
}

#[test]
fn every_command_line_of_ours_in_these_files_is_one_that_the_agent_takes() {
    let readme = fs::read_to_string(ami().join("README.md")).unwrap();
    let lines = readme.lines().filter_map(|line| line.trim().strip_prefix("gpunode-agent "));
    let mut tried = 0;
    for line in lines.filter(|line| !line.starts_with("generalise") && !line.starts_with("install")) {
        let words =
            line.split('#').next().unwrap().replace("HEX", &"0".repeat(64)).replace("HOST", "host.example");
        let dir = folder();
        let config = dir.path().join("agent.toml");
        fs::write(&config, "onFailure = 'halt'\n").unwrap();
        let words = words.replace("agent.toml", text(&config));
        let run = gpunode_tests::agent::run(&words.split_whitespace().collect::<Vec<_>>());
        assert_eq!(run.code, 0, "{line}: {run:?}");
        tried += 1;
    }
    assert!(tried >= 4, "{tried}");
}
