//! The metadata tree with values missing, renamed, or not what they should be.
#![allow(clippy::unwrap_used)]

mod fake;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use fake::{Act, Fake, chain, next_token, ok, run, status};
use gpunode_host::metadata::{Eni, Identity, Metadata};
use gpunode_imds::server::{Content, Server, tree};
use gpunode_imds::{Error, Settings, fetch_blocking};

const MAC: &str = "02:00:00:00:00:01";
const ENI: &str = "meta-data/network/interfaces/macs/02:00:00:00:00:01";

fn metadata() -> Metadata {
    Metadata {
        identity: Identity {
            instance_id: "i-0123456789abcdef0".into(),
            instance_type: "p5en.48xlarge".into(),
            image_id: "ami-1".into(),
            region: "us-west-2".into(),
            availability_zone: "us-west-2c".into(),
            account_id: "123456789012".into(),
            architecture: "x86_64".into(),
            ..Identity::default()
        },
        enis: vec![Eni {
            mac: MAC.into(),
            eni_id: "eni-1".into(),
            subnet_id: "subnet-1".into(),
            ipv4: vec!["10.0.0.1".into()],
            ..Eni::default()
        }],
        ..Metadata::default()
    }
}

type Tree = BTreeMap<String, Vec<u8>>;

/// What the client makes of the tree after `change`.
fn read(change: impl FnOnce(&mut Tree)) -> Result<Metadata, Error> {
    let mut tree = tree(&metadata(), None);
    change(&mut tree);
    let server = Server::start(([127, 0, 0, 1], 0).into(), Content { tree, files: None }).unwrap();
    fetch_blocking(Settings { endpoint: server.endpoint(), ..Settings::default() }).map(|(read, _)| read)
}

fn with(path: &str, value: &[u8]) -> Result<Metadata, Error> {
    read(|tree| drop(tree.insert(path.to_owned(), value.to_vec())))
}

fn without(path: &str) -> Result<Metadata, Error> {
    read(|tree| drop(tree.remove(path).unwrap()))
}

#[test]
fn garbage_names_its_path_and_itself() {
    let cases: [(&str, &[u8]); 14] = [
        ("device-number", b"one"),
        ("device-number", b"-1"),
        ("device-number", b""),
        ("device-number", b"1\n2"),
        ("network-card", b"4294967296"),
        ("network-card", b"\xff\xfe"),
        ("interface-id", b"vpc-1"),
        ("interface-id", b"eni-"),
        ("subnet-id", b"<html>"),
        ("local-ipv4s", b"10.0.0.1\n10.0.0"),
        ("local-ipv4s", b"fd00::1"),
        ("ipv6s", b"10.0.0.1"),
        ("ipv6s", b"\xff"),
        ("subnet-id", &[b'x'; 500]),
    ];
    for (leaf, value) in cases {
        let path = format!("{ENI}/{leaf}");
        let error = with(&path, value).unwrap_err();
        assert!(matches!(error, Error::Value { .. }), "{leaf}: {error:?}");
        let text = error.to_string();
        let start: String = String::from_utf8_lossy(value).chars().take(80).collect();
        let shown = format!("{start:?}");
        assert!(text.contains(&path) && text.contains(&shown), "{shown} in {text}");
        assert!(text.len() < 400, "{text}");
    }
    let error = with("meta-data/network/interfaces/macs/not-a-mac/device-number", b"0").unwrap_err();
    assert!(error.to_string().contains("not-a-mac"), "{error}");
    let error = with("meta-data/tags/instance/key", b"two\nlines").unwrap_err();
    assert!(matches!(error, Error::Value { .. }), "{error:?}");
    // A path that EC2 could not have, so that it is refused before it is asked for.
    let error = with("meta-data/tags/instance/my key", b"x").unwrap_err();
    assert!(matches!(error, Error::Path { .. }), "{error:?}");
}

#[test]
fn the_card_is_optional_and_has_two_names() {
    let card = format!("{ENI}/network-card");
    assert_eq!(without(&card).unwrap().enis[0].network_card, 0);
    let renamed = read(|tree| {
        tree.remove(&card);
        tree.insert(format!("{card}-index"), b"7".to_vec());
    });
    assert_eq!(renamed.unwrap().enis[0].network_card, 7);
}

#[test]
fn upper_case_macs_are_asked_for_as_listed_and_kept_in_lower_case() {
    let upper = read(|tree| {
        for (path, value) in tree.clone().range(format!("{ENI}/")..format!("{ENI}0")) {
            tree.remove(path);
            tree.insert(path.replace(MAC, "02:00:00:00:00:AB"), value.clone());
        }
    });
    assert_eq!(upper.unwrap().enis[0].mac, "02:00:00:00:00:ab");
}

#[test]
fn what_every_instance_has_is_missed() {
    for path in [
        &format!("{ENI}/device-number"),
        &format!("{ENI}/interface-id"),
        "dynamic/instance-identity/document",
    ] {
        let error = without(path).unwrap_err();
        assert!(matches!(error, Error::Missing { .. }), "{error:?}");
        assert!(error.to_string().contains(path), "{error}");
    }
    let error = read(|tree| tree.retain(|path, _| !path.starts_with(ENI))).unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error:?}");
}

#[test]
fn the_identity_document_is_checked() {
    let document = "dynamic/instance-identity/document";
    for broken in ["", "<html>", "{}", "[1]", r#"{"instanceId":1}"#] {
        let error = with(document, broken.as_bytes()).unwrap_err();
        assert!(matches!(error, Error::Document { .. }), "{error:?}");
        assert!(chain(&error).contains(document));
    }
    let good = String::from_utf8(tree(&metadata(), None)[document].clone()).unwrap();
    let changes = [
        ("i-0123456789abcdef0", "", "instanceId"),
        ("i-0123456789abcdef0", "i-1/../x", "instanceId"),
        ("p5en.48xlarge", "p5en 48xlarge", "instanceType"),
        ("ami-1", "", "imageId"),
        ("\"us-west-2\"", "\"us\\nwest\"", "region"),
        ("us-west-2c", "", "availabilityZone"),
        ("x86_64", "", "architecture"),
        ("123456789012", "12345678901", "accountId"),
        ("\"privateIp\": null", "\"privateIp\": \"10.0.0\"", "privateIp"),
    ];
    for (from, to, member) in changes {
        assert!(good.contains(from), "{from} in {good}");
        let error = with(document, good.replace(from, to).as_bytes()).unwrap_err();
        assert!(matches!(error, Error::Value { .. }), "{member}: {error:?}");
        assert!(error.to_string().contains(member), "{error}");
    }
}

#[test]
fn tags_are_none_where_they_are_off_and_may_be_empty_words() {
    assert_eq!(read(|_| {}).unwrap().tags, None);
    let tags = with("meta-data/tags/instance/empty", b"").unwrap().tags.unwrap();
    assert_eq!(tags["empty"], "");
}

#[test]
fn a_tag_that_goes_away_meanwhile_is_passed_over() {
    let tree = tree(&metadata(), None);
    let fake = Fake::start(move |seen| match seen.path.as_str() {
        "api/token" => next_token(seen),
        "meta-data/tags/instance/" => ok("gone\nkept"),
        "meta-data/tags/instance/kept" => ok("yes"),
        path => from_tree(&tree, path),
    });
    let tags = run(fake.client().metadata()).unwrap().tags.unwrap();
    assert_eq!(tags, BTreeMap::from([("kept".to_owned(), "yes".to_owned())]));
}

/// Leaves, and the listings of interfaces.
fn from_tree(tree: &Tree, path: &str) -> Act {
    if let Some(bytes) = tree.get(path) {
        return Act::Answer(200, bytes.clone());
    }
    if !path.starts_with("meta-data/network/") {
        return status(404);
    }
    let below = tree.keys().filter_map(|key| key.strip_prefix(path));
    let mut names: Vec<&str> = below.filter_map(|rest| rest.split_inclusive('/').next()).collect();
    names.dedup();
    ok(&names.join("\n"))
}

/// Eight at a time: each of the 32 listings waits for seven others, so fewer would never get through, and the
/// count of requests in progress would show more.
#[test]
fn interfaces_are_read_eight_at_a_time() {
    let mut many = metadata();
    many.enis = (0..32)
        .map(|card| Eni {
            mac: format!("02:00:00:00:00:{card:02x}"),
            network_card: card,
            ..many.enis[0].clone()
        })
        .collect();
    let tree = tree(&many, None);
    let (together, running, most) = (Barrier::new(8), AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let peak = Arc::clone(&most);
    let fake = Fake::start(move |seen| {
        if seen.method == "PUT" {
            return next_token(seen);
        }
        peak.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        if seen.path.contains("/macs/02") && seen.path.ends_with('/') {
            together.wait();
        }
        let act = from_tree(&tree, &seen.path);
        running.fetch_sub(1, Ordering::SeqCst);
        act
    });
    assert_eq!(run(fake.client().metadata()).unwrap().enis, many.enis);
    assert_eq!(most.load(Ordering::SeqCst), 8);
}
