//! The metadata tree with values missing, renamed, or not what they should be.
#![allow(clippy::unwrap_used)]

mod fake;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use fake::{Act, Fake, chain, next_token, ok, run, status};
use gpunode_host::metadata::{Eni, Identity, Metadata};
use gpunode_imds::server::{Content, Server, tree};
use gpunode_imds::{Error, Reading, Settings, fetch_blocking};

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
fn read_all(change: impl FnOnce(&mut Tree)) -> Result<Reading, Error> {
    let mut tree = tree(&metadata(), None);
    change(&mut tree);
    let server = Server::start(([127, 0, 0, 1], 0).into(), Content { tree, files: None }).unwrap();
    fetch_blocking(Settings { endpoint: server.endpoint(), ..Settings::default() }).map(|got| got.reading)
}

/// The same where nothing is missing.
fn read(change: impl FnOnce(&mut Tree)) -> Result<Metadata, Error> {
    read_all(change).map(|Reading { metadata, gaps }| {
        assert!(gaps.is_empty(), "{gaps:?}");
        metadata
    })
}

/// The same where exactly one thing is missing.
fn read_but_one(change: impl FnOnce(&mut Tree)) -> (Metadata, Error) {
    let Reading { metadata, mut gaps } = read_all(change).unwrap();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    (metadata, gaps.remove(0))
}

fn with(path: &str, value: &[u8]) -> impl FnOnce(&mut Tree) {
    move |tree| drop(tree.insert(path.to_owned(), value.to_vec()))
}

fn without(path: &str) -> impl FnOnce(&mut Tree) {
    move |tree| drop(tree.remove(path).unwrap())
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
        let (read, error) = read_but_one(with(&path, value));
        assert!(matches!(error, Error::Value { .. }), "{leaf}: {error:?}");
        assert_eq!(read.identity, metadata().identity);
        // Only the subnet says nothing of where the interface is and what it is for.
        assert_eq!(read.enis.len(), usize::from(leaf == "subnet-id"), "{leaf}");
        let text = error.to_string();
        let start: String = String::from_utf8_lossy(value).chars().take(80).collect();
        let shown = format!("{start:?}");
        assert!(text.contains(&path) && text.contains(&shown), "{shown} in {text}");
        assert!(text.len() < 400, "{text}");
    }
    let (read, error) = read_but_one(with("meta-data/network/interfaces/macs/not-a-mac/device-number", b"0"));
    assert!(error.to_string().contains("not-a-mac"), "{error}");
    assert_eq!(read.enis, metadata().enis, "the others are there");
    let (_, error) = read_but_one(with("meta-data/tags/instance/key", b"two\nlines"));
    assert!(matches!(error, Error::Value { .. }), "{error:?}");
    // A path that EC2 could not have, so that it is refused before it is asked for.
    let (_, error) = read_but_one(with("meta-data/tags/instance/my key", b"x"));
    assert!(matches!(error, Error::Path { .. }), "{error:?}");
}

#[test]
fn the_card_is_optional_and_has_two_names() {
    let card = format!("{ENI}/network-card");
    assert_eq!(read(without(&card)).unwrap().enis[0].network_card, 0);
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
    let leaf = |name| format!("{ENI}/{name}");
    for (path, enis) in [(leaf("device-number"), 0), (leaf("interface-id"), 0), (leaf("subnet-id"), 1)] {
        let (read, error) = read_but_one(without(&path));
        assert!(matches!(error, Error::Missing { .. }), "{error:?}");
        assert!(error.to_string().contains(&path), "{error}");
        assert_eq!((read.identity, read.enis.len()), (metadata().identity, enis));
    }
    let (read, error) = read_but_one(|tree| tree.retain(|path, _| !path.starts_with(ENI)));
    assert!(matches!(error, Error::Missing { .. }) && read.enis.is_empty(), "{error:?}");

    let error = read_all(without("dynamic/instance-identity/document")).unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error:?}");
}

/// Each leaf beside the identity document, gone or refused for good: what is known of the instance stays known.
#[test]
fn no_leaf_but_the_document_costs_the_identity() {
    let mut full = metadata();
    full.identity.availability_zone_id = Some("usw2-az3".into());
    full.identity.life_cycle = Some("spot".into());
    full.identity.placement_group = Some("group".into());
    full.block_devices = BTreeMap::from([("root".to_owned(), "/dev/xvda".to_owned())]);
    full.tags = Some(BTreeMap::from([("team".to_owned(), "research".to_owned())]));
    let tree = tree(&full, None);
    let used = |path: &&String| !path.starts_with("dynamic/");
    for broken in tree.keys().filter(used) {
        for code in [404, 403] {
            let (tree, broken) = (tree.clone(), broken.clone());
            let said = broken.clone();
            let fake = Fake::start(move |seen| match seen.path.as_str() {
                "api/token" => next_token(seen),
                path if path == broken => status(code),
                path => listed(&tree, path),
            });
            let read = run(fake.client().metadata()).unwrap();
            assert_eq!(read.metadata.identity.instance_id, full.identity.instance_id, "{said}");
            assert_eq!(read.metadata.identity.instance_type, full.identity.instance_type, "{said}");
            let lost = read.metadata != full;
            // 404 is an answer where the leaf need not be there.
            assert!(!lost || code == 404 || read.gaps.len() == 1, "{said}: {:?}", read.gaps);
            assert!(lost || read.gaps.is_empty(), "{said}: {:?}", read.gaps);
        }
    }
}

#[test]
fn the_identity_document_is_checked() {
    let document = "dynamic/instance-identity/document";
    for broken in ["", "<html>", "{}", "[1]", r#"{"instanceId":1}"#] {
        let error = read_all(with(document, broken.as_bytes())).unwrap_err();
        assert!(matches!(error, Error::Document { .. }), "{error:?}");
        assert!(chain(&error).contains(document));
    }
    let good = String::from_utf8(tree(&metadata(), None)[document].clone()).unwrap();
    let changes = [
        ("i-0123456789abcdef0", "", "instanceId", true),
        ("i-0123456789abcdef0", "i-1/../x", "instanceId", true),
        ("p5en.48xlarge", "p5en 48xlarge", "instanceType", true),
        ("us-west-2c", "", "availabilityZone", true),
        ("ami-1", "", "imageId", false),
        ("\"us-west-2\"", "\"us\\nwest\"", "region", false),
        ("\"us-west-2\"", "7", "region", false),
        ("\"us-west-2\"", "null", "region", false),
        ("x86_64", "", "architecture", false),
        ("123456789012", "12345678901", "accountId", false),
        ("\"privateIp\": null", "\"privateIp\": \"10.0.0\"", "privateIp", false),
    ];
    for (from, to, member, essential) in changes {
        assert!(good.contains(from), "{from} in {good}");
        let error = match read_all(with(document, good.replace(from, to).as_bytes())) {
            Err(error) if essential => error,
            Ok(Reading { mut gaps, .. }) if !essential && gaps.len() == 1 => gaps.remove(0),
            other => panic!("{member}: {other:?}"),
        };
        assert!(matches!(error, Error::Value { .. }), "{member}: {error:?}");
        assert!(error.to_string().contains(member), "{error}");
    }
}

#[test]
fn tags_are_none_where_they_are_off_and_may_be_empty_words() {
    assert_eq!(read(|_| {}).unwrap().tags, None);
    let tags = read(with("meta-data/tags/instance/empty", b"")).unwrap().tags.unwrap();
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
    let read = run(fake.client().metadata()).unwrap();
    assert!(read.gaps.is_empty(), "{:?}", read.gaps);
    let tags = read.metadata.tags.unwrap();
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
    listing(tree, path)
}

/// Leaves, and every listing.
fn listed(tree: &Tree, path: &str) -> Act {
    match tree.get(path) {
        Some(bytes) => Act::Answer(200, bytes.clone()),
        None if path.ends_with('/') => listing(tree, path),
        None => status(404),
    }
}

fn listing(tree: &Tree, path: &str) -> Act {
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
    assert_eq!(run(fake.client().metadata()).unwrap().metadata.enis, many.enis);
    assert_eq!(most.load(Ordering::SeqCst), 8);
}
