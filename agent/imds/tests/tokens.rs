//! Session tokens: fetched, kept, renewed, refused, and not tokens at all.
#![allow(clippy::unwrap_used)]

mod fake;

use std::sync::Mutex;
use std::time::Duration;

use fake::{Act, Fake, chain, next_token, ok, run, status};
use gpunode_imds::{Client, Error, Failure, Settings};

const LEAF: &str = "meta-data/instance-id";

#[test]
fn one_token_serves_many_requests() {
    let fake = Fake::start(|seen| if seen.method == "PUT" { next_token(seen) } else { ok("i-1") });
    let client = fake.client();
    run(async {
        for _ in 0..3 {
            assert_eq!(client.get(LEAF).await.unwrap().unwrap(), b"i-1");
        }
    });
    let seen = fake.seen();
    assert_eq!((seen[0].method.as_str(), seen[0].path.as_str()), ("PUT", "api/token"));
    assert_eq!(seen[0].ttl.as_deref(), Some("300"));
    assert_eq!((fake.count("PUT"), fake.count("GET")), (1, 3));
    assert!(seen[1..].iter().all(|seen| seen.token.as_deref() == Some("token-1")));
}

#[test]
fn a_token_whose_life_is_over_is_renewed_first() {
    let fake = Fake::start(|seen| match seen.method.as_str() {
        "PUT" => Act::AnswerWith(
            200,
            "x-aws-ec2-metadata-token-ttl-seconds: 0",
            format!("token-{}", seen.nth).into_bytes(),
        ),
        _ => ok("i-1"),
    });
    let client = fake.client();
    run(async {
        client.get(LEAF).await.unwrap();
        client.get(LEAF).await.unwrap();
    });
    let tokens: Vec<_> = fake.seen().into_iter().filter_map(|seen| seen.token).collect();
    assert_eq!(tokens, ["token-1", "token-2"]);
}

#[test]
fn a_token_that_expires_on_the_way_is_replaced_once() {
    let fake = Fake::start(|seen| match (seen.method.as_str(), seen.token.as_deref()) {
        ("PUT", _) => next_token(seen),
        (_, Some("token-1")) => status(401),
        _ => ok("i-1"),
    });
    let client = fake.client();
    run(async {
        assert_eq!(client.get(LEAF).await.unwrap().unwrap(), b"i-1");
        assert_eq!(client.get(LEAF).await.unwrap().unwrap(), b"i-1");
    });
    assert_eq!((fake.count("PUT"), fake.count("GET")), (2, 3));
}

#[test]
fn requests_refused_together_share_the_new_token() {
    let fake = Fake::start(|seen| match (seen.method.as_str(), seen.token.as_deref()) {
        ("PUT", _) => next_token(seen),
        (_, Some("token-1")) if seen.path != LEAF => status(401),
        _ => ok("x"),
    });
    let client = fake.client();
    run(async {
        client.get(LEAF).await.unwrap();
        let asking: Vec<_> = (0..8)
            .map(|number| {
                let client = client.clone();
                tokio::spawn(async move { client.get(&format!("meta-data/{number}")).await })
            })
            .collect();
        for task in asking {
            assert_eq!(task.await.unwrap().unwrap().unwrap(), b"x");
        }
    });
    assert_eq!(fake.count("PUT"), 2);
}

#[test]
fn refused_with_a_fresh_token_is_an_error() {
    let fake = Fake::start(|seen| if seen.method == "PUT" { next_token(seen) } else { status(401) });
    let error = run(fake.client().get(LEAF)).unwrap_err();
    assert!(matches!(error, Error::Unauthorized { tries: 2, .. }), "{error:?}");
    assert!(error.to_string().contains(LEAF), "{error}");
    assert_eq!((fake.count("PUT"), fake.count("GET")), (2, 2));
}

#[test]
fn forbidden_tokens_are_not_asked_for_again() {
    let fake = Fake::start(|_| status(403));
    let error = run(fake.client().get(LEAF)).unwrap_err();
    assert!(matches!(error, Error::Disabled { tries: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("switched off"), "{error}");
    assert_eq!(fake.seen().len(), 1);
}

#[test]
fn other_refusals_of_a_token_are_final_too() {
    for code in [302, 400, 401, 404, 405, 501] {
        let fake = Fake::start(move |_| status(code));
        let error = run(fake.client().get(LEAF)).unwrap_err();
        assert!(matches!(error, Error::Status { method: "PUT", status, .. } if status == code), "{error:?}");
        assert_eq!(fake.seen().len(), 1);
    }
}

#[test]
fn what_is_no_token_is_not_sent() {
    for bad in ["", "secret\r\nx: y", "secret token", "secret\0", &"secret".repeat(200)] {
        let answer = Mutex::new(bad.as_bytes().to_vec());
        let fake = Fake::start(move |_| Act::Answer(200, answer.lock().unwrap().clone()));
        let error = run(fake.client().get(LEAF)).unwrap_err();
        assert!(matches!(error, Error::Token { .. }), "{error:?}");
        assert!(!chain(&error).contains("secret"), "{error}");
        assert_eq!(fake.count("GET"), 0);
    }
}

#[test]
fn a_token_answer_that_never_comes_points_at_the_hop_limit() {
    let fake = Fake::start(|_| Act::Hang(Vec::new()));
    let error = run(Client::new(fake.impatient()).unwrap().get(LEAF)).unwrap_err();
    let silent = matches!(error, Error::Deadline { method: "PUT", last: Failure::TokenSilent(_), .. });
    assert!(silent, "{error:?}");
    assert!(chain(&error).contains("hop limit"), "{}", chain(&error));
    assert_eq!(fake.count("GET"), 0);
}

#[test]
fn a_call_that_waits_for_anothers_token_keeps_its_own_deadline() {
    let fake = Fake::start(|_| Act::Hang(Vec::new()));
    let settings = Settings {
        // One try takes longer than the whole call.
        connect_timeout: Duration::from_secs(20),
        deadline: Duration::from_millis(300),
        ..fake.settings()
    };
    let client = Client::new(settings).unwrap();
    run(async {
        let first = tokio::spawn({
            let client = client.clone();
            async move { client.get(LEAF).await }
        });
        let second = client.get(LEAF).await.unwrap_err();
        assert!(matches!(second, Error::Deadline { method: "PUT", .. }), "{second:?}");
        assert!(matches!(first.await.unwrap(), Err(Error::Deadline { .. })));
    });
}
