use super::*;
use proptest::prelude::*;

#[test]
fn exactly_the_daemonsets_devices() {
    let nodes = select([
        "/dev/nvidia1",
        "/dev/nvidia0",
        "/dev/nvidiactl",
        "/dev/nvidia-uvm",
        "/dev/nvidia-uvm-tools",
        "/dev/nvidia-modeset",
        "/dev/nvidia-nvswitchctl",
        "/dev/nvidia-nvswitch0",
        "/dev/nvidia-caps/nvidia-cap1",
        "/dev/infiniband/uverbs31",
        "/dev/kmsg",
        "/dev/kmsg",
        // Not these.
        "/dev/nvidia",
        "/dev/nvidia0p1",
        "/dev/nvidia-caps",
        "/dev/infiniband/rdma_cm",
        "/dev/infiniband/umad0",
        "/dev/mem",
        "/dev/nvme0n1",
        "/etc/passwd",
    ]);
    let paths: Vec<_> = nodes.iter().map(|node| node.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/dev/infiniband/uverbs31",
            "/dev/kmsg",
            "/dev/nvidia-caps/nvidia-cap1",
            "/dev/nvidia-modeset",
            "/dev/nvidia-nvswitch0",
            "/dev/nvidia-nvswitchctl",
            "/dev/nvidia-uvm",
            "/dev/nvidia-uvm-tools",
            "/dev/nvidia0",
            "/dev/nvidia1",
            "/dev/nvidiactl",
        ]
    );
}

#[test]
fn only_character_devices_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let root = Root::new(dir.path());
    std::fs::create_dir_all(root.at("/dev/infiniband")).unwrap();
    std::os::unix::fs::symlink("/dev/null", root.at("/dev/infiniband/uverbs0")).unwrap();
    std::os::unix::fs::symlink("/dev/null", root.at("/dev/nvidia0")).unwrap();
    std::fs::write(root.at("/dev/nvidia1"), "").unwrap();
    std::fs::create_dir(root.at("/dev/nvidiactl")).unwrap();
    std::os::unix::fs::symlink("/nowhere", root.at("/dev/kmsg")).unwrap();
    let paths: Vec<_> = discover(&root).into_iter().map(|node| node.path).collect();
    assert_eq!(paths, ["/dev/infiniband/uverbs0", "/dev/nvidia0"]);
}

#[test]
fn nothing_to_name_is_no_file() {
    assert_eq!(file(&[]), None);
}

/// The rules of SPEC.md and schema.json of the Container Device Interface that concern us.
fn check_form(spec: &Value) {
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let name_is_good = |name: &str| {
        let bytes = name.as_bytes();
        bytes.first().is_some_and(u8::is_ascii_alphanumeric)
            && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(byte))
    };
    assert_eq!(keys(spec), ["cdiVersion", "devices", "kind"]);
    assert_eq!(spec["cdiVersion"], "0.5.0");
    let (vendor, class) = spec["kind"].as_str().unwrap().split_once('/').unwrap();
    assert!(vendor.contains('.') && vendor.bytes().all(|b| b.is_ascii_lowercase() || b == b'.'), "{vendor}");
    assert!(class.starts_with(|c: char| c.is_ascii_alphabetic()) && name_is_good(class), "{class}");
    let devices = spec["devices"].as_array().unwrap();
    assert_eq!(devices.len(), 1);
    for device in devices {
        assert_eq!(keys(device), ["containerEdits", "name"]);
        assert!(name_is_good(device["name"].as_str().unwrap()));
        assert_eq!(keys(&device["containerEdits"]), ["deviceNodes"]);
        let nodes = device["containerEdits"]["deviceNodes"].as_array().unwrap();
        assert!(!nodes.is_empty());
        for node in nodes {
            assert_eq!(keys(node), ["path", "permissions"]);
            assert!(node["path"].as_str().unwrap().starts_with("/dev/"));
            assert!(node["permissions"].as_str().unwrap().chars().all(|c| "rwm".contains(c)));
        }
    }
}

proptest! {
    #[test]
    fn the_specification_is_valid_and_does_not_depend_on_the_order(
        numbers in prop::collection::btree_set(0u32..40, 1..12),
        kmsg: bool,
    ) {
        let mut paths: Vec<_> = numbers
            .iter()
            .flat_map(|n| [format!("/dev/nvidia{n}"), format!("/dev/infiniband/uverbs{n}")])
            .chain(kmsg.then(|| "/dev/kmsg".to_owned()))
            .collect();
        let forward = file(&select(paths.iter().map(String::as_str))).unwrap();
        paths.reverse();
        let backward = file(&select(paths.iter().map(String::as_str))).unwrap();
        prop_assert_eq!(&forward, &backward);
        let spec: Value = serde_json::from_str(&forward.content).unwrap();
        check_form(&spec);
        let nodes = spec["devices"][0]["containerEdits"]["deviceNodes"].as_array().unwrap();
        prop_assert_eq!(nodes.len(), numbers.len() * 2 + usize::from(kmsg));
        for node in nodes {
            let writable = node["permissions"].as_str().unwrap().contains('w');
            prop_assert_eq!(writable, node["path"] != "/dev/kmsg");
        }
    }
}
