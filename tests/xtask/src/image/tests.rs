//! The image by the programs that people use on images: skopeo looks at it, umoci unpacks it.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use serde_json::Value;

use super::*;

fn recipe(kind: Kind) -> Recipe {
    Recipe { kind, version: "1.2.3".into(), revision: Some("abc".into()), epoch: 1_700_000_000 }
}

/// A static program of another maker, and the same for the other processor: only the header says which.
fn programs(dir: &Path) -> [PathBuf; 2] {
    let mut bytes = fs::read("/bin/busybox").unwrap();
    let paths = [dir.join("one"), dir.join("other")];
    fs::write(&paths[0], &bytes).unwrap();
    let other: u16 = if cfg!(target_arch = "x86_64") { 183 } else { 62 };
    bytes[18..20].copy_from_slice(&other.to_le_bytes());
    fs::write(&paths[1], &bytes).unwrap();
    paths
}

fn tool(words: &[&str]) -> String {
    run::read(run::program(words[0]).args(&words[1..])).unwrap()
}

fn inspect(words: &[&str]) -> Value {
    serde_json::from_str(&tool(&[&["skopeo", "inspect"], words].concat())).unwrap()
}

fn native() -> &'static str {
    if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let binaries = programs(dir.path());
    let [one, two] = ["one.d", "two.d"].map(|name| dir.path().join(name));
    make(&recipe(Kind::Daemonset), &binaries, &one).unwrap();
    // The order of the binaries does not matter, and a second run replaces the first.
    let turned: Vec<_> = binaries.iter().rev().cloned().collect();
    make(&recipe(Kind::Check), &turned, &two).unwrap();
    make(&recipe(Kind::Daemonset), &turned, &two).unwrap();
    let differs = run::read(run::program("diff").args(["--recursive", "--brief"]).arg(&one).arg(&two));
    assert_eq!(differs.unwrap(), "");
    let other = Recipe { epoch: 1, ..recipe(Kind::Daemonset) };
    let digest = |recipe: &Recipe| make(recipe, &binaries, &two).unwrap()[1].clone();
    assert_ne!(digest(&other), digest(&recipe(Kind::Daemonset)));
}

#[test]
fn skopeo_finds_what_the_recipe_says_in_layout_and_archive() {
    let dir = tempfile::tempdir().unwrap();
    let binaries = programs(dir.path());
    let out = dir.path().join("out");
    make(&recipe(Kind::Check), &binaries[..1], &out).unwrap();
    let layout = format!("oci:{}", out.join("oci").display());
    let archive = format!("docker-archive:{}", out.join(format!("gpunode-check-{}.tar", native())).display());
    for place in [&layout, &archive] {
        let config = inspect(&["--config", place]);
        assert_eq!(config["architecture"], native());
        let entrypoint = ["/gpunode-agent", "check", "--root", "/.bottlerocket/rootfs"];
        assert_eq!(config["config"]["Entrypoint"], serde_json::json!(entrypoint));
        assert_eq!(config["config"]["User"], "0:0");
        assert_eq!(config["created"], "2023-11-14T22:13:20Z");
        let labels = &config["config"]["Labels"];
        assert_eq!(labels["org.opencontainers.image.version"], "1.2.3");
        assert_eq!(labels["org.opencontainers.image.revision"], "abc");
    }
}

#[test]
fn each_processor_has_its_image_in_one_index() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let lines = make(&recipe(Kind::Daemonset), &programs(dir.path()), &out).unwrap();
    let layout = format!("oci:{}", out.join("oci").display());
    let raw = inspect(&["--raw", &layout]);
    let names: Vec<_> =
        raw["manifests"].as_array().unwrap().iter().map(|one| &one["platform"]["architecture"]).collect();
    assert_eq!(names, ["amd64", "arm64"]);
    for name in ["amd64", "arm64"] {
        let config = inspect(&["--config", "--override-arch", name, &layout]).to_string();
        assert!(config.contains(&format!("\"architecture\":\"{name}\"")), "{config}");
    }
    // All of it can be copied, so every blob has the digest and the size that are said of it.
    let copy = format!("oci:{}", dir.path().join("copy").display());
    tool(&["skopeo", "--insecure-policy", "copy", "--all", "--quiet", &layout, &copy]);
    assert!(lines[1].starts_with("  digest  sha256:"), "{lines:?}");
}

#[test]
fn umoci_unpacks_one_program_of_root_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let binaries = programs(dir.path());
    let out = dir.path().join("out");
    make(&recipe(Kind::Daemonset), &binaries[..1], &out).unwrap();
    let bundle = dir.path().join("bundle");
    let image = format!("{}:1.2.3", out.join("oci").display());
    let mut words = vec!["umoci", "unpack", "--image", &image];
    if !nix::unistd::geteuid().is_root() {
        words.push("--rootless");
    }
    let bundle_text = bundle.display().to_string();
    words.push(&bundle_text);
    tool(&words);
    let names: Vec<_> =
        fs::read_dir(bundle.join("rootfs")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["gpunode-daemonset"]);
    let program = bundle.join("rootfs/gpunode-daemonset");
    assert_eq!(fs::read(&program).unwrap(), fs::read(&binaries[0]).unwrap());
    let about = program.metadata().unwrap();
    assert_eq!((about.permissions().mode() & 0o7777, about.mtime()), (0o755, 1_700_000_000));
    let config: Value =
        serde_json::from_str(&fs::read_to_string(bundle.join("config.json")).unwrap()).unwrap();
    assert_eq!(config["process"]["args"], serde_json::json!(["/gpunode-daemonset"]));
}

#[test]
fn only_static_programs_for_two_processors_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |bytes: &[u8]| {
        let path = dir.path().join("program");
        fs::write(&path, bytes).unwrap();
        make(&recipe(Kind::Daemonset), &[path], &dir.path().join("out")).unwrap_err().to_string()
    };
    assert!(refused(&fs::read("/usr/bin/env").unwrap()).contains("asks for a loader"));
    assert!(refused(b"#!/bin/sh\n").contains("not a 64-bit"));
    let mut bytes = fs::read("/bin/busybox").unwrap();
    bytes[18] = 3;
    assert!(refused(&bytes).contains("another processor"));
    assert!(refused(&fs::read("/bin/busybox").unwrap()[..70]).contains("not a 64-bit"));
    let [one, _] = programs(dir.path());
    let twice = make(&recipe(Kind::Daemonset), &[one.clone(), one], &dir.path().join("out")).unwrap_err();
    assert!(twice.to_string().contains("two of the binaries"), "{twice}");
}
