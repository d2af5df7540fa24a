//! A process that is killed in the middle: the next one goes on, and nothing ever looks whole that is not.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gpunode_fault_server::{End, Reply, Server};
use gpunode_fetch::Fetcher;

use crate::{Bed, content, is_good, one};

const URL: &str = "FETCH_TEST_URL";
const CACHE: &str = "FETCH_TEST_CACHE";
const SIZE: usize = 400_000;

#[test]
#[ignore = "the other process of the test below"]
#[expect(clippy::disallowed_methods, reason = "it is told by its environment what to do")]
fn fetches_until_it_is_killed() {
    let mut bed = Bed::new();
    bed.settings.cache = std::env::var(CACHE).unwrap().into();
    let wanted = crate::download(&[std::env::var(URL).unwrap()], &content(SIZE));
    let _ = Fetcher::new(bed.settings).fetch(&wanted, &());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "starts itself")]
fn a_killed_download_is_resumed_and_nothing_looked_whole() {
    let body = content(SIZE);
    let server = Server::http(move |seen| match seen.from() {
        None => Reply::file(seen, &body, "\"v1\"").ending(End::Hang(300_000)),
        Some(_) => Reply::file(seen, &body, "\"v1\""),
    });
    let bed = Bed::new();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::fetches_until_it_is_killed", "--ignored"])
        .env(URL, server.url("/x"))
        .env(CACHE, &bed.settings.cache)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while !bed.settings.cache.join("partial").exists() || bed.partial() != [300_000] {
        assert!(started.elapsed() < Duration::from_secs(60), "it does not download");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(bed.entries(), 0);
    let fetched = bed.fetch(&one(&server, &content(SIZE))).unwrap();
    is_good(&bed, &fetched, &content(SIZE));
    assert_eq!(server.seen().last().unwrap().from(), Some(300_000));
}
