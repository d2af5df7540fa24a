use std::io::Write;

use proptest::prelude::*;

use super::*;
use crate::nccl::{Inputs, Origin, Profile, plan};

const NASTY: [&str; 15] = [
    "",
    "^docker,lo",
    "=eth0",
    "a b  c",
    " lead and trail ",
    "it's",
    "''",
    "say \"hi\"",
    "$HOME ${HOME} $(id) `id` $$ $",
    "back\\slash\\",
    "\\n",
    "#;not a comment",
    "!history * ? [a] ~ {a,b} | & ; < >",
    "-n",
    "żółw 日本",
];

fn with(values: &[&str]) -> Plan {
    let additions =
        values.iter().enumerate().map(|(i, value)| (format!("NCCL_X{i:02}"), (*value).to_owned()));
    plan(&Inputs { profile: Profile::None, additions: additions.collect(), ..Inputs::default() }).unwrap()
}

/// What a program sees of `plan` after `command` has read the script, values divided by NUL.
#[expect(clippy::disallowed_methods, reason = "the quoting is for a real shell, so a real shell judges it")]
fn values_in_sh(plan: &Plan) -> Vec<String> {
    let mut script = tempfile::NamedTempFile::new().unwrap();
    script.write_all(profile_sh(plan).as_bytes()).unwrap();
    let names: Vec<_> = plan.lines.iter().map(|line| line.name.as_str()).collect();
    let read = format!(
        ". '{}' && for name in {}; do eval \"printf '%s\\\\0' \\\"\\${{$name}}\\\"\"; done",
        script.path().display(),
        names.join(" ")
    );
    let output = std::process::Command::new("/bin/sh").env_clear().arg("-euc").arg(read).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.strip_suffix('\0').unwrap_or(&text).split('\0').map(str::to_owned).collect()
}

#[test]
fn a_shell_reads_every_value_as_it_was() {
    assert_eq!(values_in_sh(&with(&NASTY)), NASTY);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_shell_reads_any_value_as_it_was(values in prop::collection::vec("\\PC{0,12}", 1..16)) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        prop_assert_eq!(values_in_sh(&with(&values)), values);
    }
}

/// What systemd 252 makes of each value was looked at with its generator; see the test below for the real one.
#[test]
fn environment_d_is_quoted_for_systemd() {
    let text = environment_d(&with(&NASTY));
    let values: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once('=').unwrap().1)
        .collect();
    assert_eq!(
        values,
        [
            "${GPUNODE_EMPTY:-}",
            "'^docker,lo'",
            "'=eth0'",
            "'a b  c'",
            "' lead and trail '",
            "'it'\"'\"'s'",
            "''\"'\"''\"'\"''",
            "'say \"hi\"'",
            "'$$HOME $${HOME} $$(id) `id` $$$$ $$'",
            "'back\\slash\\'",
            "'\\n'",
            "'#;not a comment'",
            "'!history * ? [a] ~ {a,b} | & ; < >'",
            "-n",
            "'żółw 日本'",
        ]
    );
}

#[test]
#[ignore = "needs systemd's environment.d generator; run with --ignored on a machine that has it"]
#[expect(clippy::disallowed_methods, reason = "the quoting is for the real generator, so it judges it")]
fn systemd_reads_every_value_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("environment.d")).unwrap();
    std::fs::write(dir.path().join("environment.d/90-gpunode-nccl.conf"), environment_d(&with(&NASTY)))
        .unwrap();
    let generator = "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator";
    let output = std::process::Command::new(generator)
        .env_clear()
        .env("XDG_CONFIG_HOME", dir.path())
        .output()
        .unwrap();
    // The generator prints assignments for a shell, which judges in turn.
    let assignments = String::from_utf8(output.stdout).unwrap();
    let prints = (0..NASTY.len()).map(|i| format!("printf '%s\\0' \"$NCCL_X{i:02}\"\n"));
    let script: String = std::iter::once(assignments).chain(prints).collect();
    let read = std::process::Command::new("/bin/sh").env_clear().arg("-c").arg(script).output().unwrap();
    let text = String::from_utf8(read.stdout).unwrap();
    assert_eq!(
        text.split_terminator('\0').collect::<Vec<_>>(),
        NASTY,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// NCCL's reader, as `setEnvFile` works with and without knowledge of `#`.
fn read_as_nccl(text: &str, knows_comments: bool) -> Vec<(String, String)> {
    let kept = |line: &&str| !(knows_comments && line.starts_with('#'));
    let pairs = text.lines().filter(kept).filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn old_and_new_nccl_read_the_same_from_nccl_conf() {
    let mut planned = with(&NASTY);
    let other = Line { name: "FI_PROVIDER".into(), value: "efa".into(), why: "x", origin: Origin::Rule };
    planned.lines.push(other);
    let text = nccl_conf(&planned);
    let wanted: Vec<_> =
        NASTY.iter().enumerate().map(|(i, value)| (format!("NCCL_X{i:02}"), (*value).to_owned())).collect();
    assert_eq!(read_as_nccl(&text, true), wanted);
    assert_eq!(read_as_nccl(&text, false), wanted);
}

#[test]
fn the_cdi_spec_has_one_device_with_every_variable() {
    let spec: serde_json::Value = serde_json::from_str(&cdi_spec(&with(&["it's", "a=b"]))).unwrap();
    assert_eq!(spec["kind"], "gpunode.io/nccl");
    assert_eq!(spec["devices"][0]["name"], "env");
    assert_eq!(
        CDI_DEVICE,
        format!("{}={}", spec["kind"].as_str().unwrap(), spec["devices"][0]["name"].as_str().unwrap())
    );
    assert_eq!(
        spec["devices"][0]["containerEdits"]["env"],
        json!(["GPUNODE_NCCL_PROFILE=none", "NCCL_X00=it's", "NCCL_X01=a=b"])
    );
}

#[test]
fn an_empty_plan_still_gives_valid_files() {
    let plan = Plan::default();
    let [conf, environment, profile, cdi] = files(&plan).map(|(_, text)| text);
    assert_eq!((conf.as_str(), environment.as_str(), profile.as_str()), (HEADER, HEADER, HEADER));
    let spec: serde_json::Value = serde_json::from_str(&cdi).unwrap();
    assert_eq!(spec["devices"][0]["containerEdits"]["env"], json!(["GPUNODE_NCCL_PROFILE=auto"]));
}
