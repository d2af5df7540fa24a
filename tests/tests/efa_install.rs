//! The efa step against a stand-in of AWS's bundle: signed by a key of the test, served over HTTPS by a server that can
//! break, run by the real agent inside the tree of a machine. The stand-in lays down what the checks look at; download,
//! proof, unpacking and running are the real thing. As root: the installer is run by chroot.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

mod stand_in;

use std::fs;

use gpunode_fault_server::End;
use stand_in::{Bed, KEY_FILE, Make, Serve, signer};

#[test]
fn a_plain_machine_gets_it_once() {
    let bed = Bed::plain();
    let served = bed.serve(Make::new("1.43.0"));
    let run = bed.boot(&served, &["efa.installerVersion=1.43.0"]);
    let report = run.report();
    assert_eq!(report.outcome("efa"), "changed", "{run:?}");
    assert_eq!(bed.canary().as_deref(), Some("-y --minimal\n"));
    let record = fs::read_to_string(bed.at("opt/amazon/efa_installed_packages")).unwrap();
    assert!(record.contains("1.43.0"));
    // Nothing is left of the bundle, and a second run asks nobody for anything.
    assert_eq!(fs::read_dir(bed.at("var/cache/gpunode/sha256")).unwrap().count(), 0);
    assert!(!bed.at("var/cache/gpunode/efa-installer").exists());
    let asked = served.seen().len();
    let again = bed.boot(&served, &["efa.installerVersion=1.43.0"]);
    assert_eq!(again.report().outcome("efa"), "unchanged", "{again:?}");
    assert_eq!(served.seen().len(), asked);
}

#[test]
fn a_checksum_alone_will_do() {
    let bed = Bed::plain();
    let make = Make::new("latest");
    let sum = format!("efa.installerSha256={}", make.sha256());
    let served = bed.serve(make);
    let run = bed.boot(&served, &[&sum, "efa.installerKey=none"]);
    assert_eq!(run.report().outcome("efa"), "changed", "{run:?}");
    assert!(served.seen().iter().all(|seen| !seen.path.contains(".tar.gz.sig")));
}

#[test]
fn what_is_there_is_left_or_replaced() {
    for (asked, outcome, ran) in [
        ("latest", "unchanged", None),
        ("1.43.2", "unchanged", None),
        ("1.42.0", "unchanged", None),
        ("1.51.0", "changed", Some("-y --minimal\n")),
    ] {
        let bed = Bed::with_efa();
        let served = bed.serve(Make::new(asked));
        let run = bed.boot(&served, &[&format!("efa.installerVersion={asked}")]);
        assert_eq!(run.report().outcome("efa"), outcome, "{asked}: {run:?}");
        assert_eq!(bed.canary().as_deref(), ran, "{asked}");
        assert_eq!(served.seen().is_empty(), ran.is_none(), "{asked}");
        let told = run.report().findings().iter().any(|finding| finding.code == "EfaVersion");
        assert_eq!(told, asked == "1.42.0", "{asked}: {run:?}");
    }
}

/// Whatever is wrong with the bundle, nothing of it is run.
#[test]
fn what_is_not_proved_is_never_run() {
    let cases: &[(&str, Serve, &str)] = &[
        ("tampered", |make| make.bundle.extend(b"x"), "DownloadForged"),
        ("truncated", |make| make.bundle.truncate(make.bundle.len() / 2), "DownloadForged"),
        ("another key", |make| make.key = signer().other_key.clone(), "DownloadForged"),
        ("signed by another", |make| make.signature = signer().sign(&make.bundle, true), "DownloadForged"),
        ("an old signature", |make| make.signature = signer().sign(b"older", false), "DownloadForged"),
        ("unsigned", |make| make.signature.clear(), "DownloadForged"),
        ("cut off each time", |make| make.end = End::Cut(10), "DownloadFailed"),
        ("gone", |make| make.gone = true, "DownloadFailed"),
        (
            "a link out of its folder",
            |make| make.pack_and_sign(&[("../canary", b"x")], None),
            "BundleInvalid",
        ),
        ("no installer in it", |make| make.pack_and_sign(&[("a/README", b"x")], None), "BundleInvalid"),
        ("signed, but no bundle", |make| make.sign(b"not gzip".to_vec()), "BundleInvalid"),
    ];
    for (name, breakage, code) in cases {
        let bed = Bed::plain();
        let mut make = Make::new("1.43.0");
        breakage(&mut make);
        let served = bed.serve(make);
        let run = bed.boot(&served, &["efa.installerVersion=1.43.0"]);
        let report = run.report();
        assert_eq!(report.outcome("efa"), "failed", "{name}: {run:?}");
        let message = report.finding(code).message.to_owned();
        assert_eq!(bed.canary(), None, "{name}: {message}");
        assert!(!bed.at("var/cache/gpunode/efa-installer").exists(), "{name}");
        let sums = fs::read_dir(bed.at("var/cache/gpunode/sha256")).unwrap().count();
        assert!(sums == 0 || *code == "BundleInvalid", "{name}: {message}");
    }
}

#[test]
fn an_installer_that_fails_hangs_or_does_half_is_told() {
    let cases: &[(&str, &str, &str, &str)] = &[
        (
            "fails",
            "echo no kernel-devel for this kernel; exit 3",
            "EfaInstallerFailed",
            "no kernel-devel for this kernel",
        ),
        ("does half", "exit 0", "StepNotVerified", "EFA is not installed"),
        ("hangs", "while :; do /bin/sleep 1000; done", "StepDeadline", "did not end within 4 s"),
    ];
    for (name, script, code, says) in cases {
        let bed = Bed::plain();
        let mut make = Make::new("1.43.0");
        make.script(script);
        let served = bed.serve(make);
        let run = bed.boot(&served, &["efa.installerVersion=1.43.0", "deadlines={efa=4}"]);
        let report = run.report();
        assert_eq!(report.outcome("efa"), "failed", "{name}: {run:?}");
        let message = report.finding(code).message.to_owned();
        assert!(message.contains(says), "{name}: {message}");
        assert!(!bed.at("var/cache/gpunode/efa-installer").exists(), "{name}");
        assert!(bed.canary().is_some(), "{name}");
    }
}

#[test]
fn where_it_must_not_or_cannot_be_installed_nothing_is_asked_for() {
    for (setting, os, code) in [
        ("efa.install=never", "ID=amzn\nVERSION_ID=2023\n", "EfaDriverAbsent"),
        ("efa.installerVersion=latest", "ID=amzn\nVERSION_ID=2\n", "EfaNotInstalled"),
        ("efa.installerKey=none", "ID=amzn\nVERSION_ID=2023\n", "ConfigInvalid"),
    ] {
        let bed = Bed::plain();
        fs::write(bed.at("etc/os-release"), os).unwrap();
        let served = bed.serve(Make::new("latest"));
        let run = bed.boot(&served, &[setting]);
        assert_eq!(run.report().outcome("efa"), "failed", "{setting}: {run:?}");
        run.report().finding(code);
        assert_eq!((served.seen().len(), bed.canary()), (0, None), "{setting}");
    }
}

#[test]
fn a_server_that_nobody_vouches_for_gets_no_request() {
    let bed = Bed::plain();
    let served = bed.serve(Make::new("latest"));
    fs::remove_file(bed.at("etc/ssl/certs/ca-certificates.crt")).unwrap();
    let run = bed.boot(&served, &[]);
    let message = run.report().finding("DownloadFailed").message.to_owned();
    assert!(message.contains("certificate is not trusted"), "{message}");
    assert!(served.seen().is_empty() && bed.canary().is_none());
}

#[test]
fn a_download_that_broke_goes_on_with_the_next_run() {
    let bed = Bed::plain();
    let mut make = Make::new("1.43.0");
    make.end = End::Cut(20);
    let cut = bed.serve(make.clone());
    let settings = ["efa.installerVersion=1.43.0", &format!("efa.installerSha256={}", make.sha256())];
    assert_eq!(bed.boot(&cut, &settings).report().outcome("efa"), "failed");
    make.end = End::Whole;
    let whole = bed.serve(make);
    let run = bed.boot(&whole, &settings);
    assert_eq!(run.report().outcome("efa"), "changed", "{run:?}");
    let first = whole.seen().into_iter().find(|seen| !seen.path.ends_with(KEY_FILE)).unwrap();
    assert!(first.from().is_some_and(|from| from >= 20), "{first:?}");
}
