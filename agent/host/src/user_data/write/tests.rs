use proptest::prelude::*;

use super::*;
use crate::spec::settings::ALL;
use crate::spec::{self, Layer};
use crate::user_data::{node_configs, parse};

const URL: &str = "https://bucket.s3.us-east-1.amazonaws.com/gpunode-agent";
const SUM: &str = "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef";
const NODE_CONFIG: &str = "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec: {}\n";

fn fetch() -> Start {
    Start::Fetch(Fetch::new(URL, SUM).unwrap())
}

fn data(start: Start, settings: &str, node_configs: &[&str]) -> UserData {
    let node_configs = node_configs.iter().map(|text| (*text).to_owned()).collect();
    UserData { start, settings: settings.to_owned(), node_configs }
}

#[test]
fn the_parts_come_back_and_the_script_is_whole() {
    let data = data(fetch(), "onFailure = \"halt\"\n", &[NODE_CONFIG]);
    for gzip in [false, true] {
        let bytes = data.mime(gzip).unwrap();
        let parts = parse(&bytes).unwrap();
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].text, "onFailure = \"halt\"\n");
        assert_eq!(node_configs(&bytes), [NODE_CONFIG]);
        assert_eq!(bytes, data.mime(gzip).unwrap());
    }
    let text = String::from_utf8(data.mime(false).unwrap()).unwrap();
    assert!(text.contains(&format!("url='{URL}'\nsha256='{}'\n", SUM.to_lowercase())), "{text}");
    assert!(text.contains("#!/bin/sh\nset -eu\n") && !text.contains('@'), "{text}");
    assert!(text.len() < LIMIT / 4, "{} bytes", text.len());
}

#[test]
fn a_baked_image_needs_no_script_and_a_document_is_never_empty() {
    let empty = String::from_utf8(data(Start::Baked, "", &[]).mime(false).unwrap()).unwrap();
    assert!(!empty.contains("shellscript") && empty.contains("# Settings"), "{empty}");
    let parts = parse(empty.as_bytes()).unwrap();
    let layers: Vec<_> = parts.iter().map(Layer::user_data).collect();
    assert_eq!(spec::load(&layers).unwrap().0, spec::load(&[]).unwrap().0);
    let other = data(Start::Baked, "", &[NODE_CONFIG]).mime(false).unwrap();
    assert!(parse(&other).unwrap().is_empty());
}

#[test]
fn what_is_too_large_says_by_how_much_and_which_part_it_is() {
    let config = format!("{NODE_CONFIG}# {}\n", "x".repeat(LIMIT));
    let error = data(fetch(), "", &[&config]).mime(false).unwrap_err();
    let WriteError::TooLarge { size, limit: LIMIT, largest: "the NodeConfig", largest_size } = error else {
        panic!("{error}")
    };
    assert_eq!(largest_size, config.len());
    assert!(error.to_string().contains(&format!("{} more than", size - LIMIT)), "{error}");
    assert!(data(fetch(), "", &[&config]).mime(true).is_ok());
}

#[test]
fn a_line_that_looks_like_the_boundary_splits_nothing() {
    let config = format!("{NODE_CONFIG}--gpunode\n--gpunode-1 \n");
    let bytes = data(fetch(), "skip = [\"efa\"]\n", &[&config]).mime(false).unwrap();
    assert_eq!(node_configs(&bytes), [config]);
    assert_eq!(parse(&bytes).unwrap().len(), 1);
}

#[test]
fn karpenter_gets_yaml_with_room_for_its_own_part() {
    let data_of = |config: &str| data(fetch(), "onFailure = \"halt\"\n", &[config]);
    let yaml = data_of(NODE_CONFIG).karpenter().unwrap();
    let body = yaml.strip_prefix("spec:\n  userData: |\n").unwrap();
    let text: String =
        body.lines().flat_map(|line| [line.strip_prefix("    ").unwrap_or(line), "\n"]).collect();
    assert_eq!(text.as_bytes(), data_of(NODE_CONFIG).mime(false).unwrap());
    let error = data_of(&format!("{NODE_CONFIG}--//\n")).karpenter().unwrap_err();
    assert!(matches!(error, WriteError::Unfit { part: "the NodeConfig", line: 4, .. }), "{error}");
    let large = format!("{NODE_CONFIG}# {}\n", "x".repeat(LIMIT - KARPENTER_ROOM));
    assert!(matches!(
        data_of(&large).karpenter(),
        Err(WriteError::TooLarge { limit, .. }) if limit == LIMIT - KARPENTER_ROOM
    ));
}

#[test]
fn what_no_reader_would_take_is_refused() {
    assert_eq!(data(fetch(), "", &["kind: Pod\n"]).mime(false), Err(WriteError::NotNodeConfig));
    for bad in ["a\0b", "a\u{1b}[0m", "a\rb", "a\u{2028}b"] {
        let error = data(fetch(), "", &[&format!("{NODE_CONFIG}{bad}\n")]).mime(false).unwrap_err();
        assert!(matches!(error, WriteError::Unfit { line: 4, .. }), "{bad:?}: {error}");
    }
    let windows = NODE_CONFIG.replace('\n', "\r\n");
    assert_eq!(node_configs(&data(fetch(), "", &[&windows]).mime(false).unwrap()), [NODE_CONFIG]);
}

#[test]
fn only_a_url_and_a_sum_are_put_into_a_shell_script() {
    for url in ["", "ftp://a/b", "https://", "https:///x", "https://:80/", "https://u:p@h/x", "https://h/a'b"]
    {
        assert!(matches!(Fetch::new(url, SUM), Err(FetchError::Url { .. })), "{url}");
    }
    for url in ["https://h/a b", "https://h/a\nb", "https://h/\u{e4}", "https://h/`id`", "https://h/@URL@"] {
        assert!(matches!(Fetch::new(url, SUM), Err(FetchError::Url { .. })), "{url}");
    }
    assert!(Fetch::new(&format!("https://h/{}", "a".repeat(MAX)), SUM).is_err());
    assert!(Fetch::new("https://h/x?X-Amz-Signature=a%2Fb&c=1", SUM).is_ok());
    for sum in ["", "abc", &SUM[1..], &SUM.replace('0', "g"), &format!("{SUM}0")] {
        assert!(matches!(Fetch::new(URL, sum), Err(FetchError::Sum { .. })), "{sum}");
    }
}

const MAX: usize = 2048;

/// Flags that settings take, among some that they do not.
fn flags() -> impl Strategy<Value = Vec<String>> {
    let path = proptest::sample::select(ALL).prop_map(|setting| setting.path.to_owned());
    let table = prop_oneof![
        "nccl\\.env\\.[A-Z]{1,6}=[ -~]{1,12}",
        "kubelet\\.labels\\.[a-z]{1,5}(\\.[a-z]{2,4}/[a-z]{1,4})?=[a-z0-9]{0,5}",
        "sysctl\\.extra\\.vm\\.[a-z_]{1,8}=[0-9]{1,4}",
        "deadlines\\.(efa|limits)=[1-9][0-9]{0,2}",
    ];
    let value =
        prop_oneof!["[a-z]{1,8}", "[0-9]{1,6}", "true", "/mnt/[a-z]{1,6}", "halt", "gpu", "none", "latest"];
    let flag = prop_oneof![(path, value).prop_map(|(path, value)| format!("{path}={value}")), table];
    proptest::collection::vec(flag, 0..10)
}

proptest! {
    #[test]
    fn the_reader_finds_the_same_configuration(flags in flags(), gzip in any::<bool>(), baked in any::<bool>()) {
        let usable: Vec<_> = flags.iter().filter(|flag| spec::load(&[Layer::flags([*flag])]).is_ok()).collect();
        let layers = [Layer::flags(usable.iter().map(|flag| flag.as_str()))];
        let settings = spec::written_toml(&layers).unwrap();
        let start = if baked { Start::Baked } else { fetch() };
        let bytes = data(start, &settings, &[]).mime(gzip).unwrap();
        let read: Vec<_> = parse(&bytes).unwrap().iter().map(Layer::user_data).collect();
        prop_assert_eq!(spec::load(&read).unwrap().0, spec::load(&layers).unwrap().0);
    }

    #[test]
    fn any_node_config_comes_back_or_is_refused(text in "(\\PC|\n|--gpunode(-[12])?|--//){0,60}") {
        let config = format!("# node.eks.aws/\n{text}");
        if let Ok(bytes) = data(fetch(), "skip = [\"efa\"]\n", &[&config]).mime(false) {
            prop_assert_eq!(node_configs(&bytes), [config]);
            prop_assert_eq!(parse(&bytes).unwrap().len(), 1);
        }
    }
}
