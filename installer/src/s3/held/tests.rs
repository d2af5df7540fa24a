use proptest::prelude::*;

use super::*;

fn held(named: &[&str], added: &[&str]) -> Held {
    let grant = |rest: &&str| Grant::parse(&format!("arn:aws:s3:::{rest}"), "aws").unwrap();
    Held {
        named: named.iter().map(|name| (*name).to_owned()).collect(),
        added: added.iter().map(grant).collect(),
    }
}

#[test]
fn settings_and_added_ones_stand_apart() {
    let document = held(&["data"], &["more", "other/a", "other/b/c"]).document("aws").unwrap();
    let sids: Vec<_> =
        document["Statement"].as_array().unwrap().iter().map(|one| one["Sid"].as_str().unwrap()).collect();
    let expected =
        ["ListTheBuckets", "ReadAndWriteTheirObjects", "ListAddedBuckets", "ListAddedPrefixes0", OBJECTS];
    assert_eq!(sids, expected);
    assert_eq!(document["Statement"][3]["Condition"]["StringLike"]["s3:prefix"], json!(["a/*", "b/c/*"]));
    let objects = json!(["arn:aws:s3:::more/*", "arn:aws:s3:::other/a/*", "arn:aws:s3:::other/b/c/*"]);
    assert_eq!(document["Statement"][4]["Resource"], objects);
    assert!(sids.iter().all(|sid| sid.bytes().all(|byte| byte.is_ascii_alphanumeric())));
}

/// Without an added bucket it is what it was before there were any, and what `render` writes.
#[test]
fn the_settings_alone_make_the_rendered_policy() {
    let held = held(&["one", "two"], &[]);
    let rendered = policy("s3-csi", &Places::of_buckets("aws", &held.named)).unwrap();
    assert_eq!(held.document("aws").unwrap(), rendered);
}

#[test]
fn what_somebody_changed_is_no_list() {
    let right = held(&["data"], &["more", "other/a"]);
    let document = right.document("aws").unwrap();
    assert_eq!(Held::read(&document, "aws"), Some(right));
    let mut changes: Vec<(&str, Value)> = vec![
        ("/Statement/4/Action", json!("*")),
        ("/Statement/4/Resource", json!("*")),
        ("/Statement/4/Resource/0", json!("arn:aws:s3:::*")),
        ("/Statement/4/Resource/0", json!("arn:aws:s3:::mor*")),
        ("/Statement/4/Resource/0", json!("arn:aws:s3:::third/*")),
        ("/Statement/3/Condition", Value::Null),
        ("/Statement/0/Resource", json!(["arn:aws:s3:::data", "arn:aws:s3:::third"])),
        ("/Statement/2/Sid", json!("Mine")),
        ("/Statement", json!([])),
        ("/Version", json!("2008-10-17")),
    ];
    changes.push(("", Value::Null));
    for (path, value) in changes {
        let mut broken = document.clone();
        *broken.pointer_mut(path).unwrap() = value;
        let read = Held::read(&broken, "aws");
        let empty = path == "/Statement";
        assert_eq!(read, empty.then(Held::default), "{path}");
    }
    let star = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
    assert_eq!(Held::read(&star, "aws"), None);
    assert_eq!(Held::read(&document, "aws-cn"), None);
}

#[test]
fn whatever_covers_is_found_and_whose_it_is() {
    let held = held(&["data"], &["other/a"]);
    let grant = |bucket: &str, prefix: &str| Grant { bucket: bucket.to_owned(), prefix: prefix.to_owned() };
    assert_eq!(held.covering(&grant("data", "x/")), Some((grant("data", ""), true)));
    assert_eq!(held.covering(&grant("other", "a/b/")), Some((grant("other", "a/"), false)));
    assert_eq!(held.covering(&grant("other", "")), None);
}

fn grants() -> impl Strategy<Value = Grants> {
    let one = ("[a-z][a-z0-9]{2,6}", "([a-z]{1,3}/){0,3}");
    proptest::collection::btree_set(one.prop_map(|(bucket, prefix)| Grant { bucket, prefix }), 0..8)
}

proptest! {
    #[test]
    fn every_list_is_read_as_it_was_written(named in "[a-z]{3}(,[a-z]{3}){0,3}", any: bool, added in grants()) {
        let named = if any { named.split(',').map(str::to_owned).collect() } else { BTreeSet::new() };
        let held = Held { named, added };
        let document = held.document("aws").unwrap();
        prop_assert_eq!(Held::read(&canonical(document.clone()), "aws"), Some(held.clone()));
        prop_assert_eq!(Held::read(&document, "aws"), Some(held));
    }
}
