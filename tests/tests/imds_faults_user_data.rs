//! User data as the metadata service hands it out: of others, large, wrong, or made to burst what reads it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use gpunode_tests::agent::{bootstrap, finish, fresh_machine, program, text};
use gpunode_tests::report::Report;

mod service;
use service::{KIND, SHORT, boot, service};

const CLOUD_INIT_COPY: &str = "var/lib/cloud/instance/user-data.txt";

/// A run whose service hands out this user data.
fn with_user_data(user_data: &[u8]) -> Report {
    let dir = fresh_machine(KIND);
    let imds = service(Some(user_data), |_| None);
    boot(dir.path(), &imds.settings().endpoint).report()
}

fn refused(report: &Report) -> String {
    assert_eq!(report.verdict(), "degraded");
    assert_eq!(report.outcome("facts"), "failed", "{report:?}");
    report.finding("UserDataInvalid").message.to_owned()
}

#[test]
fn user_data_of_others_is_none_of_our_business() {
    let garbage: Vec<u8> = (0..4096_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let others: [&[u8]; 4] = [
        b"",
        b"#!/bin/sh\necho gpunode\n",
        b"apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\n",
        &garbage,
    ];
    for user_data in others {
        let report = with_user_data(user_data);
        assert!(!report.has("UserDataInvalid"), "{report:?}");
        assert_eq!(report.outcome("facts"), "unchanged");
    }
}

#[test]
fn large_user_data_counts_in_full() {
    let padding = "# padding\n".repeat(3000);
    assert!(padding.len() > 16 << 10);
    let report =
        with_user_data(format!("# gpunode\n{padding}onFailure = \"join\"\nskip = [\"limits\"]\n").as_bytes());
    assert!(!report.has("UserDataInvalid"), "{report:?}");
    assert_eq!(report.outcome("limits"), "skipped");
}

#[test]
fn each_mistake_in_the_user_data_is_named_with_its_line() {
    let text = "# gpunode\nonFailure = \"maybe\"\n\n[sysctl]\nqdisc = 1\n[nccl]\nprofle = \"auto\"\n";
    let message = refused(&with_user_data(text.as_bytes()));
    for (line, key) in [(2, "onFailure = \"maybe\""), (5, "sysctl.qdisc = 1"), (7, "nccl.profle")] {
        let wanted = format!("line {line}: {key}");
        assert!(message.contains(&wanted), "{wanted} is missing in {message}");
    }
    assert!(message.contains("did you mean nccl.profile?"), "{message}");
}

#[test]
fn wrong_mime_is_refused_with_the_part() {
    let part = |head: &str, body: &str| {
        format!(
            "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n{head}\n\n{body}\n--b--\n"
        )
    };
    let unknown = part("Content-Type: application/vnd.gpunode.nodes+toml", "skip = []");
    assert!(refused(&with_user_data(unknown.as_bytes())).contains("application/vnd.gpunode.node+toml"));
    let broken =
        part("Content-Type: application/vnd.gpunode.node+toml\nContent-Transfer-Encoding: base64", "!!!!");
    assert!(refused(&with_user_data(broken.as_bytes())).contains("part 1"));
    let not_toml = part("Content-Type: application/vnd.gpunode.node+toml", "skip = [");
    assert!(refused(&with_user_data(not_toml.as_bytes())).contains("part 1"));
}

/// `size` zeroes, compressed by a factor of a thousand, in members of 16 MiB.
fn bomb(size: usize) -> Vec<u8> {
    const MEMBER: usize = 16 << 20;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let mut left = size.min(MEMBER);
    while left > 0 {
        let piece = left.min(1 << 16);
        encoder.write_all(&vec![0; piece]).unwrap();
        left -= piece;
    }
    encoder.finish().unwrap().repeat(size.div_ceil(MEMBER))
}

#[test]
fn a_bomb_is_refused_in_bounded_memory() {
    // A gibibyte does not fit into user data even when compressed; 48 MiB do.
    for (size, code, says) in
        [(1 << 30, "ImdsUnavailable", "longer than"), (48 << 20, "UserDataInvalid", "inflates to more than")]
    {
        let dir = fresh_machine(KIND);
        let imds = service(Some(&bomb(size)), |_| None);
        let inner = bootstrap(dir.path(), &imds.settings().endpoint, &SHORT);
        // GNU time tells the largest resident size in KiB, of this child alone.
        let peak = dir.path().join("peak");
        let mut command = program("time");
        command.args(["-f", "%M", "-o", text(&peak)]);
        command.arg(inner.get_program()).args(inner.get_args());
        let run = finish(&mut command);
        let report = run.report();
        let message = report.finding(code).message;
        assert!(message.contains(says), "{size}: {message}");
        let peak = fs::read_to_string(peak).unwrap();
        let kib: u64 = peak.lines().last().unwrap().parse().unwrap();
        assert!(kib <= 64 << 10, "{size}: {kib} KiB");
    }
}

#[test]
fn the_copy_of_cloud_init_counts_where_the_service_is_away() {
    let dir = fresh_machine(KIND);
    let copy = dir.path().join(CLOUD_INIT_COPY);
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    fs::write(&copy, "# gpunode\nskip = [\"limits\"]\n").unwrap();
    let away = boot(dir.path(), "http://127.0.0.1:9").report();
    assert!(away.has("ImdsUnavailable"), "{away:?}");
    assert_eq!(away.outcome("limits"), "skipped");
    // Where the service answers, it is asked and the copy is not read.
    let imds = service(None, |_| None);
    let there = boot(dir.path(), &imds.settings().endpoint).report();
    assert_eq!(there.outcome("limits"), "changed", "{there:?}");
}

#[test]
fn a_copy_that_is_wrong_is_told_beside_the_service_that_is_away() {
    let dir = fresh_machine(KIND);
    let copy = dir.path().join(CLOUD_INIT_COPY);
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    fs::write(&copy, "# gpunode\nskip = 1\n").unwrap();
    let report = boot(dir.path(), "http://127.0.0.1:9").report();
    assert!(refused(&report).contains("line 2: skip = 1"));
}
