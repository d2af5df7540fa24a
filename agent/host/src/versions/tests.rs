use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Root) {
    let dir = tempfile::tempdir().unwrap();
    let root = Root::new(dir.path());
    for (path, text) in files {
        let path = root.at(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    (dir, root)
}

#[test]
fn numbers_and_suffix() {
    for (text, numbers, suffix) in [
        ("1", [1, 0, 0, 0], ""),
        ("550.127.05", [550, 127, 5, 0], ""),
        ("2.4.0amzn5.0", [2, 4, 0, 0], "amzn5.0"),
        ("1.13.2-aws", [1, 13, 2, 0], "-aws"),
        ("6.1.159-182.297.amzn2023.x86_64", [6, 1, 159, 0], "-182.297.amzn2023.x86_64"),
        ("2.22.3.1.5", [2, 22, 3, 1], ".5"),
        ("1.", [1, 0, 0, 0], "."),
        ("1..2", [1, 0, 0, 0], "..2"),
    ] {
        let parsed = version(text);
        assert_eq!((parsed.numbers(), parsed.suffix(), parsed.to_string().as_str()), (numbers, suffix, text));
    }
}

#[test]
fn what_is_no_version_is_named() {
    for text in ["", "v1", ".1", "git-6e504db", "latest", "1 2", "1\n", "4294967296", &"1".repeat(200)] {
        let error = text.parse::<Version>().unwrap_err();
        assert!(text.starts_with(&error.value), "{text:?}: {error}");
        assert!(error.to_string().contains("is not a version"), "{error}");
    }
}

#[test]
fn versions_are_ordered_by_number_then_suffix() {
    let ordered =
        ["1.5.0", "1.5.1", "1.10", "2.4.0", "2.4.0amzn1.0", "2.4.0amzn5.0", "2.4.1", "550.9", "550.127.05"];
    for pair in ordered.windows(2) {
        assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
    }
    assert_eq!(version("1.29"), version("1.29.0"));
    assert!(version("1.29.1-aws").at_least(1, 29, 1) && !version("1.29.0").at_least(1, 29, 1));
}

proptest! {
    #[test]
    fn any_text_parses_or_fails_and_order_is_total(a in "\\PC{0,12}|[0-9.a-c-]{1,12}", b in "[0-9.a-c-]{1,12}") {
        if let (Ok(a), Ok(b)) = (a.parse::<Version>(), b.parse::<Version>()) {
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
        }
    }

    #[test]
    fn a_version_shows_as_it_was_written(text in "[0-9]{1,4}(\\.[0-9]{1,4}){0,4}[a-z~+-]{0,6}") {
        prop_assert_eq!(text.parse::<Version>().unwrap().to_string(), text);
    }
}

#[test]
fn an_empty_tree_has_nothing_and_no_problem() {
    let (_dir, root) = tree(&[]);
    let found = Versions::read(&root);
    assert!(found.problems.is_empty());
    assert!(
        found.nvidia.is_none() && found.libfabric.is_none() && found.kernel.is_none() && found.os.is_none()
    );
}

#[test]
fn a_full_node() {
    let (_dir, root) = tree(&[
        (
            "/proc/driver/nvidia/version",
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release\n",
        ),
        ("/sys/module/nvidia/version", "570.1.1\n"),
        ("/sys/module/efa/version", "3.3.1g\n"),
        (
            "/opt/amazon/efa_installed_packages",
            "# EFA installer version: 1.51.0\n# Debug packages installed: no\n# Packages installed:\n\
             efa-config-1.18-1.amzn2023.noarch libfabric-aws-2.7.0amzn2.0-1.amzn2023.x86_64 \
             libnccl-ofi-1.22.0-1.amzn2023.x86_64\n",
        ),
        ("/opt/amazon/ofi-nccl/lib/libnccl-net-ofi.so", "\u{0}Initializing aws-ofi-nccl 1.22.0\u{0}"),
        ("/usr/lib64/libnccl.so.2", ""),
        ("/usr/lib64/libnccl.so.2.22.3", ""),
        ("/proc/sys/kernel/osrelease", "6.12.55-74.119.amzn2023.x86_64\n"),
        ("/usr/lib/os-release", "ID=amzn\nVERSION_ID=2023\n"),
        ("/usr/bin/nvidia-ctk", ""),
    ]);
    let found = Versions::read(&root);
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    let driver = found.nvidia.unwrap();
    assert_eq!((driver.found.version.as_str(), driver.build), ("580.95.05", Some(DriverBuild::Open)));
    assert_eq!(found.efa_driver.unwrap().version.as_str(), "3.3.1g");
    assert_eq!(found.efa_installer.unwrap().version.as_str(), "1.51.0");
    let libfabric = found.libfabric.unwrap();
    assert_eq!((libfabric.version.as_str(), libfabric.by), ("2.7.0amzn2.0", By::PackageList));
    let ofi = found.ofi_nccl.unwrap();
    assert_eq!((ofi.version.as_str(), ofi.by), ("1.22.0", By::Bytes));
    assert_eq!(found.nccl.unwrap().version.as_str(), "2.22.3");
    assert!(found.kernel.unwrap().at_least(6, 12, 55));
    assert_eq!(found.os.unwrap().id, "amzn");
    assert_eq!(
        (found.container_toolkit.runtime, found.container_toolkit.ctk),
        (None, Some("/usr/bin/nvidia-ctk".into()))
    );
}

#[test]
fn sources_fall_back_and_say_so() {
    let (_dir, root) = tree(&[
        ("/sys/module/nvidia/version", "550.127.05\n"),
        ("/opt/amazon/efa/lib64/libfabric.so.1", ""),
        ("/opt/amazon/efa/lib64/libfabric.so.1.27.0", ""),
        (
            "/opt/amazon/efa_installed_packages",
            "# EFA installer version: 1.29.0\nlibnccl-ofi_1.7.4-1_amd64\n",
        ),
        ("/opt/aws-ofi-nccl/lib/libnccl-net.so", "stripped of its strings"),
    ]);
    let found = Versions::read(&root);
    assert_eq!(found.nvidia.unwrap().build, None);
    let libfabric = found.libfabric.unwrap();
    assert_eq!((libfabric.version.as_str(), libfabric.by), ("1.27.0", By::FileName));
    assert_eq!(libfabric.path, PathBuf::from("/opt/amazon/efa/lib64/libfabric.so.1.27.0"));
    assert_eq!(found.ofi_nccl_plugin, Some("/opt/aws-ofi-nccl/lib/libnccl-net.so".into()));
    assert_eq!(
        (found.ofi_nccl.as_ref().unwrap().by, found.ofi_nccl.unwrap().version.as_str()),
        (By::PackageList, "1.7.4")
    );
}

#[test]
fn what_does_not_tell_its_version_is_a_problem_that_names_the_file() {
    let (_dir, root) = tree(&[
        ("/proc/driver/nvidia/version", "something new\n"),
        ("/sys/module/efa/version", "unknown\n"),
        ("/opt/amazon/efa_installed_packages", "libfabric\n"),
        ("/opt/amazon/ofi-nccl/lib/libnccl-net.so", "aws-ofi-nccl git-6e504db\u{0}"),
        ("/etc/os-release", "NAME=x\n"),
    ]);
    let found = Versions::read(&root);
    let messages: Vec<_> = found.problems.iter().map(ToString::to_string).collect();
    assert_eq!(messages.len(), 5, "{messages:?}");
    for path in [
        "/proc/driver/nvidia/version",
        "/sys/module/efa/version",
        "efa_installed_packages",
        "libnccl-net.so",
        "/etc/os-release",
    ] {
        assert!(messages.iter().any(|message| message.contains(path)), "{path}: {messages:?}");
    }
}
