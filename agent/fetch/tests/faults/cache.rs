//! What is kept, and what proves it.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::{Arc, Mutex};

use gpunode_fault_server::{Identity, Reply, Server};
use gpunode_fetch::{Cause, Download, Fetcher, Proof, Settings, Signature, Source};

use crate::{Bed, cause, content, download, is_good, limits, one};

#[test]
fn what_is_in_the_cache_is_not_fetched_again_and_not_believed_either() {
    let file = content(5000);
    let body = file.clone();
    let server = Server::http(move |seen| Reply::file(seen, &body, "\"v1\""));
    let bed = Bed::new();
    let wanted = one(&server, &file);
    let first = bed.fetch(&wanted).unwrap();
    let again = bed.fetch(&wanted).unwrap();
    assert!(again.from_cache && again.path == first.path);
    assert_eq!(server.seen().len(), 1);
    fs::write(&first.path, b"changed").unwrap();
    let anew = bed.fetch(&wanted).unwrap();
    assert!(!anew.from_cache);
    is_good(&bed, &anew, &file);
    let mode = fs::metadata(&bed.settings.cache).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    Fetcher::new(bed.settings.clone()).forget(&anew).unwrap();
    assert_eq!(bed.entries(), 0);
}

#[test]
fn files_of_this_machine() {
    let bed = Bed::new();
    let path = bed.dir.path().join("bundle");
    fs::write(&path, content(5000)).unwrap();
    let url = format!("file://{}", path.display());
    is_good(&bed, &bed.fetch(&download(std::slice::from_ref(&url), &content(5000))).unwrap(), &content(5000));
    let (text, cause) = cause(Bed::new().fetch(&download(&[url], b"other")).unwrap_err());
    assert!(matches!(cause, Cause::Checksum { .. }), "{text}");
    for path in ["/dev/zero", "/", "/no/such/file"] {
        let (text, cause) =
            crate::cause(Bed::new().fetch(&download(&[format!("file://{path}")], b"")).unwrap_err());
        assert!(matches!(cause, Cause::Local(_)), "{text}");
    }
}

#[test]
fn two_at_once_fetch_once() {
    let file = content(300_000);
    let body = file.clone();
    let server = Server::http(move |seen| Reply::file(seen, &body, "\"v1\""));
    let bed = Bed::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| bed.fetch(&one(&server, &file)).unwrap());
        }
    });
    assert_eq!((server.seen().len(), bed.entries()), (1, 1));
}

#[test]
fn a_full_disk_is_told_and_left_as_it_was() {
    if !rustix_is_root() {
        eprintln!("not root: no file system of one megabyte can be mounted");
        return;
    }
    let file = content(3 << 20);
    for endless in [false, true] {
        let body = file.clone();
        let server = Server::http(move |_| Reply { endless, ..Reply::all(&body) });
        let dir = tempfile::tempdir().unwrap();
        let mounted = Small::mount(dir.path());
        let bed =
            Bed { settings: Settings::new(dir.path().join("cache")), dir: tempfile::tempdir().unwrap() };
        let (text, cause) = cause(bed.fetch(&one(&server, &file)).unwrap_err());
        assert!(matches!(cause, Cause::NoSpace { .. }) && text.contains("make room"), "{text}");
        assert!(bed.partial().is_empty(), "{text}");
        drop(mounted);
    }
}

#[expect(clippy::disallowed_methods, reason = "runs id")]
fn rustix_is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

/// A file system of one megabyte.
struct Small<'a>(&'a std::path::Path);

impl<'a> Small<'a> {
    #[expect(clippy::disallowed_methods, reason = "runs mount")]
    fn mount(path: &'a std::path::Path) -> Self {
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "small"]).arg(path).status();
        assert!(status.unwrap().success());
        Self(path)
    }
}

impl Drop for Small<'_> {
    #[expect(clippy::disallowed_methods, reason = "runs umount")]
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

const DATA: &str = "src/openpgp/testdata";

fn test_data(name: &str) -> Vec<u8> {
    fs::read(format!("{DATA}/{name}")).unwrap()
}

/// A server with the signed file at `/content`, its signature and its key; what it serves may be replaced.
fn signed(identity: &Identity) -> (Server, Arc<Mutex<[Vec<u8>; 3]>>) {
    let files = Arc::new(Mutex::new([test_data("content"), test_data("content.sig"), test_data("key.asc")]));
    let shared = Arc::clone(&files);
    let server = Server::https(identity, move |seen| {
        let files = shared.lock().unwrap();
        match seen.path.as_str() {
            "/content" => Reply::file(seen, &files[0], &format!("\"{}\"", files[0].len())),
            "/content.sig" => Reply::all(&files[1]),
            "/the.key" => Reply::all(&files[2]),
            _ => Reply::status(404),
        }
    });
    (server, files)
}

fn by_signature(server: &Server) -> Download {
    let source: Source = server.url("/content").parse().unwrap();
    let fingerprint = String::from_utf8(test_data("fingerprint")).unwrap().trim().parse().unwrap();
    let signature = Signature {
        sources: vec![source.with_suffix(".sig")],
        key: vec![source.sibling("the.key")],
        fingerprint,
    };
    Download {
        sources: vec![source],
        proof: Proof::Signature(signature),
        max_bytes: 1 << 20,
        limits: limits(),
    }
}

#[test]
fn what_is_signed_by_the_pinned_key_is_taken_and_known_again() {
    let identity = Identity::good();
    let (server, _) = signed(&identity);
    let mut bed = Bed::new();
    bed.settings.store = Some(identity.authority.clone().into_bytes());
    let first = bed.fetch(&by_signature(&server)).unwrap();
    is_good(&bed, &first, &test_data("content"));
    // The next time the server only says that it is still the newest.
    let again = bed.fetch(&by_signature(&server)).unwrap();
    assert!(again.from_cache);
    let asked: Vec<_> = server.seen().into_iter().filter(|seen| seen.path == "/content").collect();
    assert_eq!(asked.len(), 2);
    assert!(asked[1].header("if-none-match").is_some());
    // A cache that was tampered with is found out, and the file is fetched again.
    fs::write(&again.path, b"tampered").unwrap();
    assert!(bed.fetch(&by_signature(&server)).is_ok_and(|fetched| !fetched.from_cache));
}

#[test]
fn what_is_not_signed_by_it_is_not_there() {
    let identity = Identity::good();
    for (name, at, with, forged) in [
        ("tampered", 0, b"tampered".to_vec(), true),
        ("signed by another", 1, test_data("content.other.sig"), true),
        ("no signature", 1, b"<html>".to_vec(), true),
        ("another key", 2, test_data("other.asc"), true),
        ("a flood instead of a signature", 1, vec![b'x'; 1 << 20], false),
    ] {
        let (server, files) = signed(&identity);
        files.lock().unwrap()[at] = with;
        let mut bed = Bed::new();
        bed.settings.store = Some(identity.authority.clone().into_bytes());
        let error = bed.fetch(&by_signature(&server)).unwrap_err();
        assert_eq!(error.is_forged(), forged, "{name}: {error}");
        assert_eq!(
            (bed.entries(), bed.partial().iter().sum::<u64>()),
            (0, if forged { 0 } else { 11 }),
            "{name}"
        );
    }
    let (server, _) = signed(&identity);
    let mut bed = Bed::new();
    bed.settings.store = Some(identity.authority.clone().into_bytes());
    let mut wanted = by_signature(&server);
    if let Proof::Signature(signature) = &mut wanted.proof {
        signature.sources[0] = server.url("/missing").parse().unwrap();
    }
    let (text, cause) = cause(bed.fetch(&wanted).unwrap_err());
    assert!(matches!(cause, Cause::Unsigned { what: "signature", .. }) && text.contains("404"), "{text}");
    assert!(File::open(bed.settings.cache.join("sha256")).is_ok() && bed.entries() == 0);
}
