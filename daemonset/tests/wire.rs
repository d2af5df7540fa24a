//! The publisher and its client against a server that does what API servers and what is before them do on a bad day.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod server;

use std::time::Duration;

use gpunode_daemonset::Status;
use gpunode_daemonset::condition::{Condition, Type};
use gpunode_daemonset::event::Told;
use gpunode_daemonset::event_book::EventBook;
use gpunode_daemonset::kube::{Client, Config, Error, Identity, Material};
use gpunode_daemonset::post::Post;
use gpunode_daemonset::publisher::{Published, Publisher, Settings};
use gpunode_daemonset::reporter::Desired;
use gpunode_daemonset::request;
use gpunode_daemonset::writer::{To, Writer};
use server::{Answer, Server};

fn config(server: &Server, deadline: Duration) -> Config {
    Config {
        address: "127.0.0.1".parse().unwrap(),
        port: server.port(),
        tls: false,
        server_name: None,
        authority: None,
        identity: Identity::Anonymous,
        deadline,
    }
}

fn client(server: &Server) -> Client {
    Client::new(config(server, Duration::from_secs(30)))
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}

fn desired(status: Status) -> Desired {
    let (reason, message) = ("R".into(), "m".into());
    let condition = Condition { kind: Type::GpuHealthy, status, reason, message, since_unix_ms: 0 };
    Desired { conditions: vec![condition], labels: [("gpunode.io/x".into(), "1".into())].into(), taint: None }
}

fn told(note: &str) -> Told {
    let (reason, action) = ("Xid79".into(), "Found".into());
    Told { reason, warning: true, note: note.into(), action, at_unix_ms: 1 }
}

fn post() -> Post {
    let heartbeat = Duration::from_secs(300);
    let settings = Settings { node: "node-1".into(), boot_id: "b".into(), heartbeat };
    Post::new(Publisher::new(settings, Published::default(), EventBook::default()))
}

/// Publishes until all is written, whatever happens in between.
fn publish(server: &Server, post: &Post) {
    let mut writer = Writer::new("node-1".into(), "pod".into(), To::Server(Box::new(client(server))));
    block_on(async {
        let publishing = post.publish(&mut writer, || {});
        let done = async {
            while !post.publisher().is_done() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let until = async {
            tokio::select! { () = publishing => {}, () = done => {} }
        };
        tokio::time::timeout(Duration::from_secs(120), until).await.unwrap();
    });
}

#[test]
fn whatever_the_first_answers_are_the_truth_arrives() {
    let faults = [
        Answer::status(401),
        Answer::status(409),
        Answer::status(500),
        Answer::status(503),
        Answer::Status { status: 429, retry_after: Some(1), body: "" },
        Answer::Close,
        Answer::CloseHalfway,
        Answer::garbage(),
    ];
    for fault in faults {
        let server = Server::start(vec![fault.clone()]);
        let post = post();
        post.want(desired(Status::False), true);
        publish(&server, &post);
        let last = server.requests().into_iter().rfind(|request| request.path.contains("/status")).unwrap();
        assert!(last.body.contains("\"status\":\"False\""), "{fault:?}: {last:?}");
        assert!(last.path.ends_with("/api/v1/nodes/node-1/status?fieldManager=gpunode-daemonset&force=true"));
    }
}

#[test]
fn labels_go_to_the_object_that_the_answer_named() {
    let server = Server::start(Vec::new());
    let post = post();
    post.want(desired(Status::True), true);
    post.tell(told("n"));
    publish(&server, &post);
    let requests = server.requests();
    let labels = requests.iter().find(|request| !request.path.contains("/status")).unwrap();
    assert!(labels.body.contains("\"uid\":\"u-1\""), "{labels:?}");
    let event = requests.iter().find(|request| request.path.contains("/events")).unwrap();
    assert!(event.body.contains("\"uid\":\"u-1\"") && event.method == "POST", "{event:?}");
    assert_eq!(requests.len(), 3);
}

#[test]
fn all_of_it_goes_over_one_connection() {
    let server = Server::start(Vec::new());
    let mut client = client(&server);
    block_on(async {
        for _ in 0..20 {
            assert_eq!(client.send(&request::get_node("node-1")).await.unwrap().status, 200);
        }
    });
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_connection_that_was_closed_while_idle_costs_nothing_but_a_new_one() {
    let server = Server::start(vec![Answer::ThenClose, Answer::ThenClose]);
    let mut client = client(&server);
    block_on(async {
        for _ in 0..3 {
            assert_eq!(client.send(&request::get_node("node-1")).await.unwrap().status, 200);
        }
    });
    assert_eq!((server.connections(), server.requests().len()), (3, 3));
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let server = Server::start(vec![Answer::Silence]);
    let mut client = Client::new(config(&server, Duration::from_millis(300)));
    block_on(async {
        let error = client.send(&request::get_node("node-1")).await.unwrap_err();
        assert!(matches!(error, Error::Late { .. }), "{error}");
        assert_eq!(client.send(&request::get_node("node-1")).await.unwrap().status, 200);
    });
}

#[test]
fn an_answer_without_end_is_cut_off() {
    let server = Server::start(vec![Answer::Endless]);
    let mut client = client(&server);
    let error = block_on(client.send(&request::get_node("node-1"))).unwrap_err();
    assert!(matches!(error, Error::Http { .. }), "{error}");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let server = Server::start(Vec::new());
    let place = config(&server, Duration::from_secs(10));
    let name = place.server();
    drop(server);
    let error = block_on(Client::new(place).send(&request::get_node("node-1"))).unwrap_err();
    assert!(error.to_string().contains(&name), "{error}");
}

#[test]
fn a_token_that_was_rotated_is_used_with_the_next_request() {
    let server = Server::start(Vec::new());
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    let identity = Identity::Token(Material::File(token.clone()));
    let mut client = Client::new(Config { identity, ..config(&server, Duration::from_secs(30)) });
    block_on(async {
        for text in ["first\n", "second"] {
            std::fs::write(&token, text).unwrap();
            client.send(&request::get_node("node-1")).await.unwrap();
        }
        std::fs::remove_file(&token).unwrap();
        let error = client.send(&request::get_node("node-1")).await.unwrap_err();
        assert!(matches!(error, Error::Read { .. }), "{error}");
    });
    let seen: Vec<_> = server.requests().into_iter().filter_map(|request| request.authorization).collect();
    assert_eq!(seen, ["Bearer first", "Bearer second"]);
}
