//! Going on where a download was cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gpunode_fault_server::{End, Reply, Seen, Server};
use gpunode_fetch::{Cause, Fetcher, Progress, Watch};
use proptest::prelude::*;

use crate::{Bed, cause, content, download, is_good, one};

/// Cuts the first answer after so many bytes, then gives what is asked for.
fn cut_once(
    file: &[u8],
    after: usize,
    then: impl Fn(&Seen, &[u8]) -> Reply + Send + Sync + 'static,
) -> Server {
    let (body, count) = (file.to_vec(), AtomicUsize::new(0));
    Server::http(move |seen| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::file(seen, &body, "\"v1\"").ending(End::Cut(after)),
        _ => then(seen, &body),
    })
}

#[test]
fn cut_anywhere_the_rest_is_asked_for() {
    let file = content(3000);
    for after in [0, 1, 2, 1499, 1500, 2998, 2999] {
        let server = cut_once(&file, after, |seen, body| Reply::file(seen, body, "\"v1\""));
        let bed = Bed::new();
        is_good(&bed, &bed.fetch(&one(&server, &file)).unwrap(), &file);
        let asked = server.seen()[1].from();
        assert_eq!(asked, (after > 0).then_some(after), "{after}");
        assert_eq!(server.seen()[1].header("if-range"), asked.map(|_| "\"v1\""));
    }
}

#[test]
fn a_server_that_knows_no_ranges_begins_anew() {
    let file = content(3000);
    let server = cut_once(&file, 2000, |_, body| Reply::all(body));
    let bed = Bed::new();
    is_good(&bed, &bed.fetch(&one(&server, &file)).unwrap(), &file);
}

type Answer = fn(&Seen, &[u8]) -> Reply;

#[test]
fn a_file_that_changed_meanwhile_is_not_glued() {
    let (old, new) = (content(3000), content(6000)[3000..].to_vec());
    // One that minds If-Range, one that does not, one whose ranges make no sense any more, and one that is silent.
    let answers: [Answer; 4] = [
        |seen, new| Reply::file(seen, new, "\"v2\""),
        |seen, new| {
            let mut careless = seen.clone();
            careless.headers.remove("if-range");
            Reply::file(&careless, new, "\"v2\"")
        },
        |seen, new| match seen.from() {
            Some(_) => Reply::status(416).with(("Content-Range", "bytes */1000".to_owned())),
            None => Reply::file(seen, new, "\"v2\""),
        },
        |seen, new| {
            let mut careless = seen.clone();
            careless.headers.remove("if-range");
            Reply::file(&careless, new, "\"v1\"")
        },
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        let new_body = new.clone();
        let server = cut_once(&old, 1000, move |seen, _| answer(seen, &new_body));
        let bed = Bed::new();
        let fetched = bed.fetch(&one(&server, &new)).unwrap_or_else(|error| panic!("{number}: {error}"));
        is_good(&bed, &fetched, &new);
    }
}

#[test]
fn a_file_that_is_all_there_is_not_asked_for_again() {
    // The connection breaks after the last byte, where nobody told the length.
    let file = content(3000);
    let body = file.clone();
    let server = Server::http(move |seen| match seen.from() {
        None => Reply { length: Some(3001), ..Reply::file(seen, &body, "\"v1\"") },
        Some(_) => Reply::file(seen, &body, "\"v1\""),
    });
    let bed = Bed::new();
    // The server claims a byte more than there is, then 416 with the true length: the lie costs one more try.
    let fetched = bed.fetch(&one(&server, &file)).unwrap();
    is_good(&bed, &fetched, &file);
}

#[test]
fn lengths_that_lie_never_pass() {
    let file = content(3000);
    for length in [1, 2999] {
        let body = file.clone();
        let server = Server::http(move |_| Reply { length: Some(length), ..Reply::all(&body) });
        let bed = Bed::new();
        let (text, cause) = cause(bed.fetch(&one(&server, &file)).unwrap_err());
        assert!(matches!(cause, Cause::Checksum { .. }), "{length}: {text}");
        assert_eq!(bed.entries(), 0);
    }
}

#[test]
fn another_mirror_goes_on_where_the_first_broke() {
    let file = content(3000);
    let body = file.clone();
    let first = Server::http(move |seen| match seen.from() {
        None => Reply::file(seen, &body, "\"a\"").ending(End::Cut(2000)),
        Some(_) => Reply::status(404),
    });
    let body = file.clone();
    let second = Server::http(move |seen| Reply::file(seen, &body, "\"b\""));
    let bed = Bed::new();
    let fetched = bed.fetch(&download(&[first.url("/x"), second.url("/x")], &file)).unwrap();
    is_good(&bed, &fetched, &file);
    assert_eq!(second.seen()[0].from(), Some(2000));
}

struct Stop(AtomicBool);

impl Watch for Stop {
    fn go_on(&self) -> bool {
        !self.0.load(Ordering::SeqCst)
    }

    fn progress(&self, progress: &Progress) {
        assert_eq!(progress.total, Some(3000));
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_download_that_was_told_to_end_is_resumed_by_the_next_run() {
    let file = content(3000);
    let server = Arc::new(cut_once(&file, 0, |seen, body| match seen.from() {
        None => Reply::file(seen, body, "\"v1\"").ending(End::Hang(1000)),
        Some(_) => Reply::file(seen, body, "\"v1\""),
    }));
    let bed = Bed::new();
    let fetcher = Fetcher::new(bed.settings.clone());
    let (text, cause) =
        cause(fetcher.fetch(&one(&server, &file), &Stop(AtomicBool::new(false))).unwrap_err());
    assert!(matches!(cause, Cause::Cancelled), "{text}");
    assert_eq!(bed.partial(), [1000]);
    is_good(&bed, &bed.fetch(&one(&server, &file)).unwrap(), &file);
    assert_eq!(server.seen().last().unwrap().from(), Some(1000));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn whatever_the_cuts_what_is_got_is_the_file(
        size in 1..4000usize,
        cuts in prop::collection::vec((0..4000usize, 0..4u8), 0..3),
    ) {
        let file = content(size);
        let (body, count) = (file.clone(), AtomicUsize::new(0));
        let server = Server::http(move |seen| {
            let Some((after, kind)) = cuts.get(count.fetch_add(1, Ordering::SeqCst)) else {
                return Reply::file(seen, &body, "\"v1\"");
            };
            match kind {
                0 => Reply::file(seen, &body, "\"v1\"").ending(End::Cut(*after)),
                1 => Reply::all(&body).ending(End::Cut(*after)),
                2 => Reply::file(seen, &body, "\"v0\"").ending(End::Cut(*after)),
                _ => Reply::status(500),
            }
        });
        let bed = Bed::new();
        is_good(&bed, &bed.fetch(&one(&server, &file)).unwrap(), &file);
    }
}
