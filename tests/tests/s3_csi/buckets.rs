//! `installer s3-csi`: buckets are given, shown and taken away, and `apply` leaves them.

use gpunode_tests::aws::{Bed, Fault, Proxy};
use serde_json::{Value, json};

use crate::site::{Site, settled, straight};

fn set<const N: usize>(names: [&str; N]) -> std::collections::BTreeSet<String> {
    names.map(str::to_owned).into()
}

#[test]
fn an_installation_gets_the_driver_then_one_call_for_each_change_and_apply_leaves_it() {
    let site = Site::new(20, &["data", "more", "other"]);
    let before = site.bed.inventory();
    assert_eq!(site.bed.run(&["apply", "--yes"], &[]).code, Some(0));
    let plain = site.bed.inventory();
    let (told, calls) = site.s3("add", &["data", "--plan"], &[]);
    assert_eq!((told.code, calls), (Some(0), 0), "{told:?}");
    assert!(told.out.contains("+ eks-addon/aws-mountpoint-s3-csi-driver"), "{told:?}");
    let (told, calls) = site.s3("add", &["data"], &[]);
    assert_eq!((told.code, calls), (Some(6), 0), "{told:?}");

    site.done("add", &["data"], &[]);
    let all = site.bed.inventory();
    let made: Vec<_> = all.0.keys().filter(|name| !plain.0.contains_key(*name)).collect();
    let expected = [
        "addon/aws-mountpoint-s3-csi-driver",
        "association/kube-system/s3-csi-driver-sa",
        "policy/research-s3-csi",
        "role/research-s3-csi",
    ];
    assert_eq!(made, expected);
    for name in expected {
        assert_eq!(all.0[name]["tags"]["gpunode.io/cluster"], "us-west-2/research", "{name}");
    }
    let log = site.bed.audit();
    assert!(
        log.iter()
            .any(|line| line["resource"] == "iam-policy/research-s3-csi" && line["event"] == "answered")
    );
    settled(&site.bed, &[]);

    // In place, and in one call.
    assert_eq!(site.done("add", &["more", "other/a/b"], &[]), 1);
    assert_eq!(site.objects(), set(["data", "more", "other/a/b"]));
    let (told, calls) = site.s3("add", &["more", "other/a/b", "data/within", "--yes"], &[]);
    assert_eq!((told.code, calls), (Some(0), 0), "{told:?}");
    assert!(told.out.contains("data-20/within/: given before: arn:aws:s3:::data-20"), "{told:?}");
    settled(&site.bed, &[]);
    let told = site.bed.run(&["plan", "--detailed-exitcode"], &[]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.out.contains("beside the settings, by s3-csi add: arn:aws:s3:::data-20, arn"), "{told:?}");

    let told = site.bed.run(&["doctor", "--json"], &[]);
    assert!(!told.out.contains("not asked for") && told.out.contains("as they must be"), "{told:?}");

    // What it gives and how it is are said by one look.
    let add = ["s3-csi", "add", &site.arn("third"), "--plan", "--unchecked"];
    for (words, code) in [(&["plan"][..], 0), (&add, 0), (&["doctor"], 3)] {
        let proxy = straight();
        let told = site.bed.run_through(&proxy, words, &[]);
        assert_eq!(told.code, Some(code), "{told:?}");
        let calls = proxy.calls().into_iter();
        let mut of_policy: Vec<_> = calls
            .filter(|call| call.body.contains("research-s3-csi") && call.operation.contains("Policy"))
            .map(|call| call.operation)
            .collect();
        of_policy.sort();
        assert_eq!(of_policy, ["GetPolicy", "GetPolicyVersion"], "{words:?}");
    }

    // The settings' buckets are theirs, and both stay apart.
    let (data, third) = (site.name("data"), site.name("third"));
    let settings = [("INSTALL_S3_CSI", "1"), ("S3_CSI_BUCKETS", third.as_str())];
    assert_eq!(site.bed.run(&["apply", "--yes"], &settings).code, Some(0));
    assert_eq!(site.objects(), set(["data", "more", "other/a/b", "third"]));
    settled(&site.bed, &settings);
    let (told, calls) = site.s3("remove", &["third", "other", "other/a", "other/a/b/c", "--yes"], &settings);
    assert_eq!((told.code, calls), (Some(2), 0), "{told:?}");
    assert!(told.err.contains("S3_CSI_BUCKETS") && told.err.contains("is within"), "{told:?}");
    // What these settings do not say of the other part is not for this command to change.
    assert_eq!(site.done("remove", &["more", "never"], &[("INSTALL_S3_CSI", "1")]), 1);
    assert_eq!(site.objects(), set(["data", "other/a/b", "third"]));
    let own = [("INSTALL_S3_CSI", "1"), ("S3_CSI_BUCKETS", data.as_str())];
    assert_eq!(site.bed.run(&["apply", "--yes"], &own).code, Some(0));
    assert_eq!(site.objects(), set(["data", "other/a/b"]));
    assert_eq!(site.bed.run(&["apply", "--yes"], &[]).code, Some(0));
    assert_eq!(site.objects(), set(["data", "other/a/b"]));

    site.done("remove", &["data"], &[]);
    let (told, calls) = site.s3("remove", &["other/a/b", "--yes"], &[]);
    assert_eq!((told.code, calls), (Some(6), 0), "{told:?}");
    assert!(told.err.contains("the driver itself would go, too: --all"), "{told:?}");
    site.done("remove", &["--all"], &[]);
    assert_eq!(site.bed.inventory(), plain);
    settled(&site.bed, &[]);
    assert_eq!(site.done("remove", &["--all"], &[]), 0);
    site.done("add", &["data"], &[]);
    assert_eq!(site.bed.run(&["destroy", "--yes"], &[]).code, Some(0));
    assert_eq!(site.bed.inventory(), before);
}

#[test]
fn what_cannot_be_given_is_told_all_at_once_and_nothing_is_done() {
    let site = Site::new(21, &["data"]);
    let other = Bed::new(22);
    site.make(&site.bed, "far", "eu-west-1");
    site.make(&other, "theirs", "us-west-2");
    site.make(&other, "shared", "us-west-2");
    let open = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
        "Principal": { "AWS": format!("arn:aws:iam::{}:root", site.bed.account()) },
        "Action": "s3:ListBucket", "Resource": site.arn("shared") }] });
    other.calls(&json!([["s3", "put_bucket_policy",
        { "Bucket": site.name("shared"), "Policy": open.to_string() }]]));
    let before = site.bed.inventory();
    let nowhere = Proxy::start(|_, _| Fault::Close).unwrap();
    let words =
        ["s3-csi", "add", "arn:aws:s3:::*", "arn:aws:s3:::Data", "arn:aws-cn:s3:::data", "data", "--yes"];
    let told = site.bed.run_through(&nowhere, &words, &[]);
    assert_eq!((told.code, told.err.lines().count()), (Some(64), 4), "{told:?}");
    assert!(nowhere.calls().is_empty());

    let (told, calls) = site.s3("add", &["data", "far", "theirs", "shared", "missing", "--yes"], &[]);
    assert_eq!((told.code, calls, told.err.lines().count()), (Some(2), 0, 4), "{told:?}");
    for said in [
        "far-21 is in eu-west-1, the cluster in us-west-2; --other-region",
        "look at the bucket theirs-21",
        "shared-21 is not account 000000000021's; --other-account",
        "there is no bucket missing-21",
    ] {
        assert!(told.err.contains(said), "{said}: {told:?}");
    }
    let (told, _) = site.s3("add", &["data", "--other-account", "000000000022", "--yes"], &[]);
    assert_eq!(told.code, Some(2), "{told:?}");
    let prefixes: Vec<String> = (0..60).map(|n| format!("data/{n}{}", "a".repeat(90))).collect();
    let mut words: Vec<&str> = prefixes.iter().map(String::as_str).collect();
    words.push("--yes");
    let (told, calls) = site.s3("add", &words, &[]);
    assert_eq!((told.code, calls), (Some(2), 0), "{told:?}");
    assert!(told.err.contains("characters, and IAM takes 6144"), "{told:?}");
    assert_eq!(site.bed.inventory(), before);

    site.done("add", &["far", "data", "--other-region"], &[]);
    site.done("add", &["shared", "--other-account", "000000000022"], &[]);
    site.done("add", &["theirs", "missing", "--unchecked"], &[]);
    let (told, calls) = site.s3("list", &["--json"], &[]);
    assert_eq!((told.code, calls), (Some(3), 0), "{told:?}");
    let buckets = told.json()["buckets"].as_array().unwrap().clone();
    let said = |one: &Value| format!("{} {} {}", one["bucket"], one["region"], one["state"]).replace('"', "");
    let expected = [
        "data-21 us-west-2 reachable",
        "far-21 eu-west-1 reachable",
        "missing-21 null missing",
        "shared-21 us-west-2 other-account",
        "theirs-21 us-west-2 denied",
    ];
    assert_eq!(buckets.iter().map(said).collect::<Vec<_>>(), expected);
    let (told, _) = site.s3("list", &[], &[]);
    assert_eq!((told.code, told.out.lines().count()), (Some(3), 6), "{told:?}");
}

/// S3's own way to sign, by botocore.
#[test]
fn s3_is_asked_as_botocore_would_sign_it() {
    let site = Site::new(23, &["data"]);
    site.make(&site.bed, "far", "eu-west-1");
    let proxy = straight();
    let arns = [site.arn("data"), site.arn("far")];
    let words = ["s3-csi", "add", &arns[0], &arns[1], "--other-region", "--plan"];
    assert_eq!(site.bed.run_through(&proxy, &words, &[]).code, Some(0));
    let calls: Vec<_> =
        proxy.calls().into_iter().filter(|call| call.operation.starts_with("HEAD ")).collect();
    assert_eq!(calls.len(), 3, "{calls:?}");
    let asked = calls.iter().map(|call| {
        json!({ "service": "s3", "method": "HEAD", "path": call.operation.strip_prefix("HEAD "),
            "headers": call.headers, "body": "" })
    });
    let theirs = site.bed.signatures(&asked.collect());
    for (call, theirs) in calls.iter().zip(theirs.as_array().unwrap()) {
        assert_eq!(call.headers["x-amz-expected-bucket-owner"], "000000000023");
        assert!(call.headers["authorization"].ends_with(theirs.as_str().unwrap()), "{call:?}");
    }
}
