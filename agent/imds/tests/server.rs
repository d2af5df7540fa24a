//! The server's rules, spoken to in plain HTTP.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use gpunode_host::metadata::{Eni, Identity, Metadata};
use gpunode_imds::server::{Content, Server, StartError, tree};

const LOCAL: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

fn start() -> Server {
    let metadata = Metadata {
        identity: Identity { instance_id: "i-1".into(), ..Identity::default() },
        enis: vec![Eni { mac: "02:00:00:00:00:01".into(), ..Eni::default() }],
        ..Metadata::default()
    };
    Server::start(SocketAddr::from(LOCAL), Content { tree: tree(&metadata, None), files: None }).unwrap()
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    // Bounds a failing test; a passing one never waits for it.
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// Sends one request on a connection of its own; gives status and body.
fn ask(server: &Server, request: &str, headers: &[&str]) -> (u16, String) {
    let mut stream = connect(server);
    let lines = [&["Host: x", "Connection: close"], headers].concat().join("\r\n");
    write!(stream, "{request} HTTP/1.1\r\n{lines}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

const TOKEN: &str = "PUT /latest/api/token";

fn token(server: &Server) -> String {
    let (status, token) = ask(server, TOKEN, &["X-aws-ec2-metadata-token-ttl-seconds: 21600"]);
    assert_eq!(status, 200);
    format!("X-aws-ec2-metadata-token: {token}")
}

#[test]
fn tokens_need_a_sensible_life_and_no_proxy() {
    let server = start();
    assert_eq!(ask(&server, TOKEN, &[]).0, 400);
    for bad in ["0", "21601", "-1", "x", "", "60.5"] {
        let ttl = format!("X-aws-ec2-metadata-token-ttl-seconds: {bad}");
        assert_eq!(ask(&server, TOKEN, &[&ttl]).0, 400, "{bad:?}");
    }
    let ttl = "X-aws-ec2-metadata-token-ttl-seconds: 1";
    assert_eq!(ask(&server, TOKEN, &[ttl]).0, 200);
    assert_eq!(ask(&server, TOKEN, &[ttl, "X-Forwarded-For: 10.0.0.1"]).0, 403);
}

#[test]
fn nothing_is_read_without_a_token_from_here() {
    let (server, other) = (start(), start());
    for path in ["GET /latest/meta-data/instance-id", "GET /latest/", "GET /", "GET /latest/none"] {
        assert_eq!(ask(&server, path, &[]).0, 401, "{path}");
        assert_eq!(ask(&server, path, &[&token(&other)]).0, 401, "{path}");
        assert_eq!(ask(&server, path, &["X-aws-ec2-metadata-token: "]).0, 401, "{path}");
    }
}

#[test]
fn leaves_listings_and_the_rest() {
    let server = start();
    let token = token(&server);
    let get = |path: &str| ask(&server, &format!("GET {path}"), &[&token]);
    assert_eq!(get("/latest/meta-data/instance-id"), (200, "i-1".to_owned()));
    assert_eq!(get("/latest/"), (200, "dynamic/\nmeta-data/".to_owned()));
    assert_eq!(get("/latest/meta-data/network/interfaces/macs/"), (200, "02:00:00:00:00:01/".to_owned()));
    let eni = "/latest/meta-data/network/interfaces/macs/02:00:00:00:00:01/";
    assert_eq!(get(eni), (200, "device-number\ninterface-id\nmac\nnetwork-card\nsubnet-id".to_owned()));
    // As on EC2, a dated version answers what the latest does; cloud-init asks for one.
    assert_eq!(get("/2021-07-15/meta-data/network/interfaces/macs/").0, 200);
    for none in ["/", "/latestx", "/latest/user-data", "/latest/none", "/files/x"] {
        assert_eq!(get(none).0, 404, "{none}");
    }
    for request in ["POST /latest/meta-data/", "DELETE /latest/user-data", "PUT /latest/user-data"] {
        assert_eq!(ask(&server, request, &[&token]).0, 405, "{request}");
    }
}

#[test]
fn a_connection_serves_many_requests_also_sent_at_once() {
    let server = start();
    let mut stream = connect(&server);
    let head = format!("GET /latest/meta-data/instance-id HTTP/1.1\r\n{}\r\n", token(&server));
    write!(stream, "{head}\r\n{head}Connection: close\r\n\r\n").unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.matches("i-1").count(), 2, "{answers}");
}

#[test]
fn heads_are_bounded_and_nonsense_is_refused() {
    let server = start();
    let long = format!("X: {}", "a".repeat(9000));
    assert_eq!(ask(&server, "GET /latest/", &[&long]).0, 431);
    assert_eq!(ask(&server, "GET /latest/", &["Transfer-Encoding: chunked"]).0, 400);
    assert_eq!(ask(&server, "\u{1}\u{1}", &[]).0, 400);
}

#[test]
fn files_are_served_whole_without_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let content = "0123456789abcdef".repeat(20_000);
    std::fs::write(folder.path().join("a.tar"), &content).unwrap();
    let files = Some(folder.path().to_owned());
    let server = Server::start(LOCAL.into(), Content { files, ..Content::default() }).unwrap();
    assert_eq!(ask(&server, "GET /files/a.tar", &[]), (200, content));
    assert_eq!(ask(&server, "GET /files/../a.tar", &[]).0, 404);
}

#[test]
fn dropping_it_ends_connections_and_frees_the_address() {
    let server = start();
    let address = server.address();
    let mut idle = connect(&server);
    drop(server);
    assert_eq!(idle.read(&mut [0]).unwrap_or(0), 0);
    let again = Server::start(address, Content::default()).unwrap();
    let taken = Server::start(again.address(), Content::default()).unwrap_err();
    assert!(matches!(taken, StartError::Listen { .. }));
    assert!(taken.to_string().contains(&address.to_string()), "{taken}");
}

#[test]
fn waiting_connections_are_served_when_others_leave() {
    let server = start();
    let idle: Vec<TcpStream> = (0..64).map(|_| connect(&server)).collect();
    let mut late = connect(&server);
    write!(late, "GET /latest/ HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
    drop(idle);
    let mut answer = String::new();
    late.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let files = Some("/nonexistent/folder".into());
    let error = Server::start(LOCAL.into(), Content { files, ..Content::default() }).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/folder"), "{error}");
}
