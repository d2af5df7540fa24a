use std::fs;

use super::*;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn families_and_types_become_a_list_of_types() {
    let types = instance_types(&names(&["p5.48xlarge"]), &names(&["p5", "p5en"])).unwrap();
    let found: Vec<_> = types.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(found, ["p5.48xlarge", "p5.4xlarge", "p5en.48xlarge"]);
    assert!(most_demanding(&types).unwrap().needs_fabric_manager());
}

#[test]
fn types_that_cannot_share_an_image_are_refused() {
    let error =
        |types: &[&str], families: &[&str]| instance_types(&names(types), &names(families)).unwrap_err();
    assert!(matches!(error(&[], &["p5", "g5"]), WishError::Flavours(..)));
    assert!(matches!(error(&["p5.48xlarge", "p6e-gb200.36xlarge"], &[]), WishError::Architectures(..)));
    assert!(matches!(error(&["m5.large"], &[]), WishError::UnknownType(_)));
    assert!(error(&["p5.49xlarge"], &[]).to_string().ends_with("; did you mean p5.48xlarge?"));
    assert!(matches!(error(&[], &["p99"]), WishError::UnknownFamily(_)));
    assert_eq!(error(&[], &[]), WishError::Nothing);
}

#[test]
fn what_is_installed_is_read_from_files_and_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    let root = Root::new(dir.path());
    for (path, text) in [
        ("etc/os-release", "ID=ubuntu\nVERSION_ID=\"24.04\"\n"),
        ("lib/modules/6.8.0-1021-aws/modules.dep", ""),
        ("usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1", ""),
        ("usr/lib/x86_64-linux-gnu/libnvidia-ml.so.550.127.05", ""),
        ("opt/amazon/efa_installed_packages", "# EFA installer version: 1.47.0\n"),
    ] {
        let file = dir.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let agent = Agent { version: "1.2.3".into(), sha256: "00".repeat(32) };
    let types = instance_types(&names(&["p5.48xlarge"]), &[]).unwrap();
    let source = Source { name: "efa-installer".into(), from: "https://h/x".into(), sha256: None };
    let read =
        |built: &str| Image::read(&root, agent.clone(), &types, vec![source.clone()], built.to_owned());
    let image = read("2026-01-01T00:00:00Z");
    assert_eq!(image.os.as_deref(), Some("ubuntu 24.04"));
    assert_eq!(image.kernels, ["6.8.0-1021-aws"]);
    assert_eq!(image.versions.nvidia_driver.as_deref(), Some("550.127.05"));
    assert_eq!(image.versions.efa_installer.as_deref(), Some("1.47.0"));
    assert_eq!(serde_json::from_str::<Image>(&image.json()).unwrap(), image);
    assert!(image.says_the_same(&read("2027-01-01T00:00:00Z")));
    assert!(image.versions.nvidia_drivers_carried.is_empty() && !image.json().contains("Carried"));
    fs::write(dir.path().join("opt/amazon/efa_installed_packages"), "# EFA installer version: 1.48.0\n")
        .unwrap();
    assert!(!image.says_the_same(&read("2026-01-01T00:00:00Z")));
}

/// EKS's Amazon Linux 2023 for NVIDIA since autumn 2026: which driver a node has is settled at its first boot.
#[test]
fn drivers_that_the_image_carries_are_named() {
    let dir = tempfile::tempdir().unwrap();
    for (branch, version) in [("lts", "580.126.20"), ("pb", "595.71.05")] {
        let folder = dir.path().join("opt/nvidia").join(branch);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(".version"), format!("{version}\n")).unwrap();
    }
    let agent = Agent { version: "1".into(), sha256: String::new() };
    let image = Image::read(&Root::new(dir.path()), agent, &[], Vec::new(), String::new());
    assert_eq!(image.versions.nvidia_drivers_carried, ["580.126.20", "595.71.05"]);
    assert_eq!(image.versions.nvidia_driver, None);
    assert!(image.json().contains("\"nvidiaDriversCarried\": ["), "{}", image.json());
}

#[test]
fn nothing_installed_is_an_image_too() {
    let dir = tempfile::tempdir().unwrap();
    let agent = Agent { version: "1".into(), sha256: String::new() };
    let image = Image::read(&Root::new(dir.path()), agent, &[], Vec::new(), String::new());
    assert_eq!(image.versions, Installed::default());
    assert_eq!(serde_json::to_value(&image.versions).unwrap(), serde_json::json!({}));
}
