//! Whatever is written, the answer is a configuration or mistakes.

use proptest::prelude::*;

use super::*;

/// TOML that is nearly ours: known and unknown paths with values of any type.
fn lines() -> impl Strategy<Value = String> {
    let path = prop_oneof![
        proptest::sample::select(ALL).prop_map(|setting| setting.path.to_owned()),
        "[a-zA-Z]{1,8}(\\.[a-zA-Z\"]{1,8}){0,2}",
    ];
    let value = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<bool>().prop_map(|value| value.to_string()),
        "\"[a-z0-9/.:=-]{0,20}\"",
        "\\[(\"[a-z]{0,5}\",?){0,3}\\]",
        "\\{[a-z]{1,4} = \"[a-z]{0,4}\"\\}",
        "\\PC{0,12}",
    ];
    let line = (path, value).prop_map(|(path, value)| format!("{path} = {value}\n"));
    proptest::collection::vec(line, 0..12).prop_map(|lines| lines.concat())
}

/// A value that the setting takes, other than by chance.
fn count() -> impl Strategy<Value = Option<u64>> {
    proptest::option::of(0_u64..=64)
}

#[test]
fn deep_and_wide_texts_are_answered() {
    let deep = 200_000;
    for text in [
        format!("skip = {}", "[".repeat(deep)),
        format!("nccl.env = {}", "{a=".repeat(deep)),
        format!("a{} = 1", ".a".repeat(deep)),
        format!("[a{}]", ".a".repeat(deep)),
        format!("[nccl.env{}]\nA = 1", ".a".repeat(70)),
        (0..40_000).map(|n| format!("[sysctl.a{n}]\n")).collect::<Vec<_>>().concat(),
        (0..40_000).map(|n| format!("sysctl.extra.a{n}.b = 1\n")).collect::<Vec<_>>().concat(),
        format!("skip = [{}]", "'efa',".repeat(100_000)),
        format!(
            "kubelet.taints = [{}]",
            (0..40_000).map(|n| format!("'a{n}:NoExecute',")).collect::<Vec<_>>().concat()
        ),
    ] {
        fuzz(text.as_bytes());
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        fuzz(&bytes);
    }

    #[test]
    fn any_text_is_answered(text in "\\PC{0,300}") {
        let _ = load(&[file(&text)]);
        let _ = load(&[Layer::flags([&text]), Layer::env([("GPUNODE_NCCL_ENV", &text), ("GPUNODE_SKIP", &text)])]);
    }

    #[test]
    fn nearly_ours_is_answered_with_lines_that_exist(text in lines()) {
        match load(&[file(&text)]) {
            Ok((spec, _)) => {
                let json = serde_json::to_value(&spec).unwrap();
                prop_assert_eq!(serde_json::from_value::<NodeSpec>(json).unwrap(), spec);
            }
            Err(errors) => {
                prop_assert!(!errors.mistakes.is_empty());
                for mistake in &errors.mistakes {
                    let line = mistake.source.line().unwrap();
                    prop_assert!((1..=text.lines().count() + 1).contains(&line), "{}", mistake);
                }
            }
        }
    }

    #[test]
    fn the_last_layer_that_speaks_wins(counts in proptest::collection::vec(count(), 0..6)) {
        let layers: Vec<_> = counts
            .iter()
            .enumerate()
            .map(|(place, count)| match (count, place % 3) {
                (None, _) => file(""),
                (Some(count), 0) => file(&format!("efa.expectedCount = {count}")),
                (Some(count), 1) => Layer::env([("GPU_NUM_ENIS", count.to_string())]),
                (Some(count), _) => Layer::flags([format!("efa.expectedCount={count}")]),
            })
            .collect();
        let expected = counts.iter().rev().find_map(|count| *count);
        prop_assert_eq!(spec(&layers).efa.expected_count, expected);
    }

    #[test]
    fn an_accepted_mount_path_is_safe(path in "/?[a-z./]{0,12}|/(etc|usr|var|proc|mnt)(/[a-z.]{0,4}){0,3}") {
        if let Ok((spec, _)) = load(&[Layer::flags([format!("dataVolumes.mountPath={path}")])]) {
            let path = std::path::Path::new(&spec.data_volumes.mount_path).to_owned();
            prop_assert!(path.is_absolute() && path.components().count() > 1);
            prop_assert!(path.components().all(|part| part != std::path::Component::ParentDir));
            for system in ["/etc", "/usr", "/proc", "/dev", "/boot"] {
                prop_assert!(!path.starts_with(system), "{}", path.display());
            }
        }
    }
}
