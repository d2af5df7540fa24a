//! A service that is slow, busy, broken or away: what is tried again, what is not, and how it ends.
#![allow(clippy::unwrap_used)]

mod fake;

use std::net::TcpListener;
use std::time::Duration;

use fake::{Act, Fake, Seen, chain, cut, next_token, ok, run, status};
use gpunode_imds::{Client, Error, Failure, Settings, fetch_blocking};

const LEAF: &str = "meta-data/instance-id";

/// A service whose tokens work, and whose GETs do as `script` says.
fn answering(script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Fake {
    Fake::start(move |seen| if seen.method == "PUT" { next_token(seen) } else { script(seen) })
}

#[test]
fn absent_is_none() {
    let fake = answering(|_| status(404));
    assert_eq!(run(fake.client().get(LEAF)).unwrap(), None);
    assert_eq!(run(fake.client().user_data()).unwrap(), None);
    assert_eq!(fake.count("GET"), 2);
}

#[test]
fn busy_is_tried_again() {
    for code in [429, 500, 502, 503, 504] {
        let fake = Fake::start(move |seen| match (seen.nth, seen.method.as_str()) {
            (1 | 2, _) => status(code),
            (_, "PUT") => ok("token"),
            _ => ok("i-1"),
        });
        assert_eq!(run(fake.client().get(LEAF)).unwrap().unwrap(), b"i-1");
        assert_eq!((fake.count("PUT"), fake.count("GET")), (3, 3));
    }
}

#[test]
fn busy_for_ever_ends_by_the_deadline() {
    let fake = answering(|_| status(503));
    let error = run(Client::new(fake.short()).unwrap().get(LEAF)).unwrap_err();
    assert!(matches!(error, Error::Deadline { method: "GET", last: Failure::Status(503), .. }), "{error:?}");
    let text = chain(&error);
    let tries = format!("{} tries", fake.count("GET"));
    for part in [LEAF, "status 503", "1.5s", &tries] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn other_statuses_are_final_and_redirects_are_not_followed() {
    for code in [204, 301, 302, 307, 400, 403, 405, 501] {
        let fake = answering(move |_| Act::AnswerWith(code, "Location: /latest/elsewhere", Vec::new()));
        let error = run(fake.client().get(LEAF)).unwrap_err();
        assert!(
            matches!(error, Error::Status { method: "GET", status, tries: 1, .. } if status == code),
            "{error:?}"
        );
        assert_eq!(fake.count("GET"), 1, "{:?}", fake.seen());
    }
}

#[test]
fn broken_connections_are_tried_again() {
    let short = || Act::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_vec());
    let noise = || Act::Raw(b"\x16\x03\x01 no HTTP at all\r\n\r\n".to_vec());
    let fake = Fake::start(move |seen| match (seen.nth, seen.method.as_str()) {
        (1, _) => cut(),
        (2, _) => short(),
        (3, _) => noise(),
        (_, "PUT") => ok("token"),
        _ => ok("i-1"),
    });
    assert_eq!(run(fake.client().get(LEAF)).unwrap().unwrap(), b"i-1");
}

#[test]
fn noise_for_ever_ends_by_the_deadline() {
    let fake = answering(|_| Act::Raw(b"no HTTP\r\n\r\n".to_vec()));
    let error = run(Client::new(fake.short()).unwrap().get(LEAF)).unwrap_err();
    assert!(matches!(error, Error::Deadline { last: Failure::Broken(_), .. }), "{error:?}");
}

#[test]
fn an_answer_that_stalls_is_tried_again() {
    let stalls = [&b""[..], b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ni-"];
    for stall in stalls {
        let fake = answering(move |seen| match seen.nth {
            1 => Act::Hang(stall.to_vec()),
            _ => ok("i-1"),
        });
        let settings = Settings { answer_timeout: Duration::from_millis(200), ..fake.settings() };
        assert_eq!(run(Client::new(settings).unwrap().get(LEAF)).unwrap().unwrap(), b"i-1");
    }
}

#[test]
fn silence_for_ever_ends_by_the_deadline() {
    let fake = answering(|_| Act::Hang(Vec::new()));
    let error = run(Client::new(fake.impatient()).unwrap().get(LEAF)).unwrap_err();
    assert!(matches!(error, Error::Deadline { method: "GET", last: Failure::Silent(_), .. }), "{error:?}");
    // The hop limit concerns tokens only, and one came.
    assert!(!chain(&error).contains("hop limit"));
}

/// However short the deadline, one try that meets silence leaves room for another.
#[test]
fn a_short_deadline_has_room_for_a_second_try() {
    for silent in ["PUT", "GET"] {
        let fake = Fake::start(move |seen| match (seen.method.as_str(), seen.nth) {
            (method, 1) if method == silent => Act::Hang(Vec::new()),
            ("PUT", _) => next_token(seen),
            _ => ok("i-1"),
        });
        let settings = Settings {
            endpoint: fake.settings().endpoint,
            deadline: Duration::from_secs(4),
            ..Settings::default()
        };
        assert_eq!(run(Client::new(settings).unwrap().get(LEAF)).unwrap().unwrap(), b"i-1", "{silent}");
        assert_eq!(fake.count(silent), 2);
    }
}

/// The identity is asked first: a service that falls silent after it costs what is left, and the rest is told.
#[test]
fn what_comes_too_late_does_not_cost_what_came() {
    let document = r#"{"instanceId":"i-1","instanceType":"p5.48xlarge","availabilityZone":"us-west-2c",
        "imageId":"ami-1","region":"us-west-2","accountId":"123456789012","architecture":"x86_64"}"#;
    let fake = answering(move |seen| match seen.path.as_str() {
        "dynamic/instance-identity/document" => ok(document),
        "user-data" => ok("#!/bin/sh"),
        path if path.starts_with("meta-data/network/") => Act::Hang(Vec::new()),
        _ => status(404),
    });
    let settings = Settings { deadline: Duration::from_secs(3), ..fake.settings() };
    let got = fetch_blocking(settings).unwrap();
    assert_eq!(got.reading.metadata.identity.instance_id, "i-1");
    assert_eq!(got.user_data.unwrap().unwrap(), b"#!/bin/sh");
    let gap = got.reading.gaps.first().unwrap();
    assert!(matches!(gap, Error::Deadline { .. }) && gap.to_string().contains("macs"), "{gap:?}");
}

#[test]
fn nobody_there_ends_by_the_deadline() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = Settings {
        endpoint: format!("http://{address}"),
        deadline: Duration::from_millis(500),
        connect_timeout: Duration::from_millis(100),
        ..Settings::default()
    };
    let error = fetch_blocking(settings).unwrap_err();
    assert!(matches!(error, Error::Deadline { method: "PUT", last: Failure::Connect(_), .. }), "{error:?}");
    assert!(chain(&error).contains("refused"), "{}", chain(&error));
}

#[test]
fn answers_are_bounded() {
    let fake = answering(|seen| Act::Answer(200, vec![b'x'; if seen.nth == 1 { 200_000 } else { 300_000 }]));
    let client = fake.client();
    run(async {
        let leaf = client.get(LEAF).await.unwrap_err();
        assert!(matches!(leaf, Error::TooLarge { limit: 65_536, .. }), "{leaf:?}");
        assert_eq!(client.user_data().await.unwrap().unwrap().len(), 200_000);
        let data = client.user_data().await.unwrap_err();
        assert!(matches!(data, Error::TooLarge { limit: 262_144, .. }), "{data:?}");
    });
}

#[test]
fn odd_paths_are_not_sent() {
    let fake = answering(|_| ok("x"));
    for path in ["", "/meta-data", "meta-data/../user-data", "a b", "a?b"] {
        let error = run(fake.client().get(path)).unwrap_err();
        assert!(matches!(error, Error::Path { .. }), "{error:?}");
    }
    assert!(fake.seen().is_empty());
}

#[test]
fn the_blocking_call_refuses_to_block_a_runtime() {
    let error = run(async { fetch_blocking(Settings::default()) }).unwrap_err();
    assert!(matches!(error, Error::Runtime(_)), "{error:?}");
}
