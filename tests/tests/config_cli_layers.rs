//! `gpunode-agent config show`: every value with where it came from.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs;

use gpunode_tests::agent::text;
use serde_json::{Value, json};

mod configuration;
use configuration::{Place, document, file, settings, zipped};

#[test]
fn every_default_is_itself_allowed() {
    let settings = settings();
    let with_default: Vec<_> = settings.into_iter().filter(|setting| setting.default.is_some()).collect();
    let (content, places) = file(&with_default, |setting| setting.default.clone().unwrap());
    let place = Place::new();
    let path = place.put("agent.toml", &content);
    let run = place.run(&["show", "--json", "--config", text(&path)], &[]);
    assert_eq!(run.code, 0, "{run:?}");
    let rows: Vec<Value> = serde_json::from_str(&run.stdout).unwrap();
    for (setting, line) in places {
        let row = rows.iter().find(|row| row["path"] == *setting).unwrap_or_else(|| panic!("{setting}"));
        if row["source"] == json!({"from": "default"}) {
            // An empty table sets nothing.
            assert_eq!(row["value"], json!({}), "{row}");
        } else {
            assert_eq!(row["source"]["line"], line, "{row}");
        }
    }
}

#[test]
fn the_later_layer_wins_and_each_value_names_its_own() {
    let place = Place::new();
    // Ever fewer settings from layer to layer; what is written is one of each layer's.
    let file = "limits.nofile = 1025\nlimits.memlock = 65537\nnccl.version = \"2.21.5\"\nimds.deadlineSeconds = 11\n";
    fs::write(place.0.path().join("root/etc/gpunode/agent.toml"), file).unwrap();
    let user_data = place.put(
        "user-data",
        "# gpunode\nlimits.memlock = 65538\nnccl.version = \"2.22.3\"\nimds.deadlineSeconds = 12\n",
    );
    let run = place.run(
        &["show", "--json", "--user-data", text(&user_data), "--set", "imds.deadlineSeconds=14"],
        &[("NCCL_VERSION", "2.23.4"), ("GPUNODE_IMDS_DEADLINE_SECONDS", "13")],
    );
    assert_eq!(run.code, 0, "{run:?}");
    let rows: Vec<Value> = serde_json::from_str(&run.stdout).unwrap();
    let row = |path: &str| {
        let row = rows.iter().find(|row| row["path"] == path).unwrap();
        (row["value"].clone(), row["source"].clone())
    };
    assert_eq!(row("sysctl.qdisc"), (json!("fq"), json!({"from": "default"})));
    let in_file = json!({"from": "file", "path": "/etc/gpunode/agent.toml", "line": 1});
    assert_eq!(row("limits.nofile"), (json!(1025), in_file));
    let in_user_data = json!({"from": "userData", "part": 1, "line": 2, "decoded": false});
    assert_eq!(row("limits.memlock"), (json!(65538), in_user_data));
    assert_eq!(row("nccl.version"), (json!("2.23.4"), json!({"from": "env", "name": "NCCL_VERSION"})));
    assert_eq!(row("imds.deadlineSeconds"), (json!(14), json!({"from": "flag"})));
}

#[test]
fn variables_of_others_are_none_of_our_business() {
    let others = [("PATH_TO_MODEL", "/m"), ("NCCL_DEBUG", "INFO"), ("EFA", "1"), ("gpunode_skip", "x")];
    let run = Place::new().run(&["check"], &others);
    assert_eq!((run.code, run.stdout.trim()), (0, "The configuration is good."), "{run:?}");
}

#[test]
fn user_data_in_mime_and_gzip_is_merged() {
    let document = document("limits.nofile = 4242");
    for bytes in [document.clone().into_bytes(), zipped(document.as_bytes())] {
        let place = Place::new();
        let path = place.put("user-data", bytes);
        let run = place.run(&["show", "--json", "--user-data", text(&path)], &[]);
        assert_eq!(run.code, 0, "{run:?}");
        let rows: Vec<Value> = serde_json::from_str(&run.stdout).unwrap();
        let row = rows.iter().find(|row| row["path"] == "limits.nofile").unwrap();
        assert_eq!(row["value"], 4242);
        let line = document.lines().position(|line| line.starts_with("limits")).unwrap() + 1;
        assert_eq!(row["source"], json!({"from": "userData", "part": 3, "line": line, "decoded": false}));
    }
}
