//! Answers that are no file, or not all of it.

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gpunode_fault_server::{End, Reply, Server};
use gpunode_fetch::{Cause, Download, Limits, Proof, Sha256};

use crate::{Bed, cause, content, download, is_good, limits, one};

#[test]
fn statuses_are_tried_again_or_not_as_they_are_meant() {
    let file = content(5000);
    for (status, tries) in
        [(404, 1), (403, 1), (400, 1), (500, 4), (503, 4), (429, 4), (416, 1), (206, 1), (204, 1)]
    {
        let bed = Bed::new();
        let server = Server::http(move |_| Reply::status(status));
        let (text, cause) = cause(bed.fetch(&one(&server, &file)).unwrap_err());
        assert_eq!(server.seen().len(), tries, "{status}: {text}");
        assert!(text.contains(&server.url("/x")), "{text}");
        assert!(matches!(cause, Cause::Status { .. } | Cause::Answer(_)), "{status}: {text}");
        assert_eq!((bed.partial().iter().sum::<u64>(), bed.entries()), (0, 0));
    }
}

#[test]
fn an_error_that_passes_costs_nothing_but_a_try() {
    let file = content(5000);
    let (body, count) = (file.clone(), AtomicUsize::new(0));
    let server = Server::http(move |seen| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::status(503).with(("Retry-After", "0".to_owned())),
        1 => Reply::status(500),
        _ => Reply::file(seen, &body, "\"v1\""),
    });
    let bed = Bed::new();
    let fetched = bed.fetch(&one(&server, &file)).unwrap();
    is_good(&bed, &fetched, &file);
    assert!(!fetched.from_cache);
}

#[test]
fn a_mirror_takes_over_and_each_cause_is_told() {
    let file = content(5000);
    let bad = Server::http(|_| Reply::status(404));
    let wrong = Server::http(|_| Reply::all(b"something else"));
    let body = file.clone();
    let good = Server::http(move |seen| Reply::file(seen, &body, "\"v1\""));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let closed = format!("http://{closed}/x");
    let bed = Bed::new();
    let urls = [closed.clone(), bad.url("/x"), wrong.url("/x"), good.url("/x")];
    let fetched = bed.fetch(&download(&urls, &file)).unwrap();
    is_good(&bed, &fetched, &file);
    assert_eq!(fetched.url, good.url("/x"));
    let bed = Bed::new();
    let error = bed.fetch(&download(&urls[..3], &file)).unwrap_err();
    assert!(error.is_forged());
    let text = error.to_string();
    for part in ["no connection", &closed, "HTTP status 404", "its SHA-256 is", "compare the checksum"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(bed.entries(), 0);
}

#[test]
fn what_is_too_large_is_refused_before_or_while_it_comes() {
    let file = content(200_000);
    for endless in [false, true] {
        let body = file.clone();
        let server = Server::http(move |_| Reply { endless, ..Reply::all(&body) });
        let bed = Bed::new();
        let (text, cause) =
            cause(bed.fetch(&Download { max_bytes: 100_000, ..one(&server, &file) }).unwrap_err());
        assert!(matches!(cause, Cause::TooLarge { at_least, .. } if at_least == endless), "{text}");
        assert_eq!((bed.partial().iter().sum::<u64>(), bed.entries()), (0, 0));
        bed.fetch(&Download { max_bytes: 200_000, ..one(&server, &file) }).unwrap();
    }
}

#[test]
fn a_server_that_hangs_or_drips_is_given_up() {
    let file = content(50_000);
    for end in [End::Hang(0), End::Hang(20_000), End::Drip(Duration::from_millis(10))] {
        let body = file.clone();
        let server = Server::http(move |seen| Reply::file(seen, &body, "\"v1\"").ending(end));
        let mut bed = Bed::new();
        bed.settings.tries = 2;
        let limits = Limits { idle: Duration::from_millis(250), ..limits() };
        let (text, cause) = cause(bed.fetch(&Download { limits, ..one(&server, &file) }).unwrap_err());
        assert!(matches!(cause, Cause::Stalled { .. }), "{end:?}: {text}");
        assert!(text.contains(" of 50000 bytes"), "{text}");
    }
}

#[test]
fn the_whole_time_is_bounded_whatever_comes() {
    let file = content(1 << 20);
    let body = file.clone();
    let server = Server::http(move |seen| {
        Reply::file(seen, &body, "\"v1\"").ending(End::Slow(8192, Duration::from_millis(100)))
    });
    let bed = Bed::new();
    let limits = Limits { total: Duration::from_millis(500), ..limits() };
    let (text, cause) = cause(bed.fetch(&Download { limits, ..one(&server, &file) }).unwrap_err());
    assert!(matches!(cause, Cause::Deadline { .. }), "{text}");
    assert!(text.contains(" of 1048576 bytes") && text.contains("goes on where it was"), "{text}");
}

#[test]
fn redirects_are_followed_and_loops_are_not() {
    let file = content(5000);
    let body = file.clone();
    let server = Server::http(move |seen| match seen.path.as_str() {
        "/x" => Reply::status(302).with(("Location", "/y".to_owned())),
        "/loop" => Reply::status(302).with(("Location", "/loop".to_owned())),
        _ => Reply::file(seen, &body, "\"v1\""),
    });
    let bed = Bed::new();
    is_good(&bed, &bed.fetch(&one(&server, &file)).unwrap(), &file);
    let (text, cause) = cause(Bed::new().fetch(&download(&[server.url("/loop")], &file)).unwrap_err());
    assert!(matches!(cause, Cause::Redirect(_)) && text.contains("more than 5 times"), "{text}");
}

#[test]
fn bytes_are_kept_as_they_come_and_no_coding_is_asked_for() {
    let file = content(5000);
    let body = file.clone();
    let server = Server::http(move |_| Reply::all(&body).with(("Content-Encoding", "gzip".to_owned())));
    let bed = Bed::new();
    is_good(&bed, &bed.fetch(&one(&server, &file)).unwrap(), &file);
    assert_eq!(server.seen()[0].header("accept-encoding"), Some("identity"));
}

#[test]
fn plain_http_is_for_what_a_checksum_proves() {
    let fingerprint = "4E90 91BC BB97 A96B 26B1 5E59 A054 80B1 DD2D 3CCC".parse().unwrap();
    let sources = vec!["http://localhost/x".parse().unwrap()];
    let signature = gpunode_fetch::Signature { sources: sources.clone(), key: sources.clone(), fingerprint };
    let wanted = |proof| Download { sources: sources.clone(), proof, max_bytes: 1, limits: limits() };
    let error = Bed::new().fetch(&wanted(Proof::Signature(signature))).unwrap_err().to_string();
    assert!(error.contains("plain http"), "{error}");
    let none = Download { sources: Vec::new(), ..wanted(Proof::Sha256(Sha256::of(b""))) };
    assert!(Bed::new().fetch(&none).unwrap_err().to_string().contains("no URL"));
}

#[test]
fn a_name_that_is_not_there_is_a_connection_that_failed() {
    let wanted = download(&["http://no-such-host.invalid/x".to_owned()], b"");
    let mut bed = Bed::new();
    bed.settings.tries = 1;
    let (text, cause) = cause(bed.fetch(&wanted).unwrap_err());
    assert!(matches!(cause, Cause::Connect(_)) && text.contains("proxy variables"), "{text}");
}
