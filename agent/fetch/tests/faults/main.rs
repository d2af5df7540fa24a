//! Downloads from a server that breaks: what is got is whole and proved, or an error says which URL, how far and why.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

mod cache;
mod killed;
mod resume;
mod s3;
mod server;
mod tls;

use std::fs;
use std::time::Duration;

use gpunode_fault_server::Server;
use gpunode_fetch::{Cause, Download, Error, Fetched, Fetcher, Limits, Proof, Settings, Sha256};
use tempfile::TempDir;

/// A file of some length, no part of which looks like another.
fn content(bytes: usize) -> Vec<u8> {
    (0..u32::try_from(bytes).unwrap())
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .take(bytes)
        .collect()
}

/// A machine with a cache of its own.
struct Bed {
    dir: TempDir,
    settings: Settings,
}

impl Bed {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings =
            Settings { first_pause: Duration::from_millis(1), ..Settings::new(dir.path().join("cache")) };
        Self { dir, settings }
    }

    fn fetch(&self, download: &Download) -> Result<Fetched, Error> {
        Fetcher::new(self.settings.clone()).fetch(download, &())
    }

    /// What is left below `partial/` beside locks.
    fn partial(&self) -> Vec<u64> {
        let folder = fs::read_dir(self.settings.cache.join("partial")).unwrap();
        let files = folder.map(Result::unwrap).filter(|file| file.path().extension().is_none());
        files.map(|file| file.metadata().unwrap().len()).collect()
    }

    fn entries(&self) -> usize {
        fs::read_dir(self.settings.cache.join("sha256")).map_or(0, Iterator::count)
    }
}

fn download(urls: &[String], content: &[u8]) -> Download {
    Download {
        sources: urls.iter().map(|url| url.parse().unwrap()).collect(),
        proof: Proof::Sha256(Sha256::of(content)),
        max_bytes: 1 << 30,
        limits: limits(),
    }
}

fn one(server: &Server, content: &[u8]) -> Download {
    download(&[server.url("/x")], content)
}

fn limits() -> Limits {
    let long = Duration::from_secs(60);
    Limits { connect: long, idle: long, total: long }
}

/// The fetched file is the content, is in the cache, and nothing is left beside it.
fn is_good(bed: &Bed, fetched: &Fetched, content: &[u8]) {
    assert!(fs::read(&fetched.path).unwrap() == content);
    assert_eq!((fetched.sha256, fetched.bytes), (Sha256::of(content), content.len() as u64));
    assert_eq!((bed.partial(), bed.entries()), (vec![], 1));
}

/// The last source's cause.
fn cause(error: Error) -> (String, Cause) {
    let text = error.to_string();
    match error {
        Error::Failed { mut attempts } => (text, attempts.pop().unwrap().cause),
        Error::Cache(cause) => (text, cause),
        other => panic!("{other}"),
    }
}
