//! A proxy before the emulator. A function says what is done with each call.

mod answer;

use std::io::{self, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use self::answer::{refusal, text};
use super::{Call, emulator};
use crate::kube::proxy::message::{self, Message};

/// What is done with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is passed on.
    None,
    /// It is answered as AWS does when it gets too many, and not carried out.
    Throttle,
    /// It is answered with 503 and not carried out.
    Broken,
    /// It is answered as AWS does those who may not make it, and not carried out.
    Deny,
    /// The connection is closed, and it is not carried out.
    Close,
    /// It is carried out, and the connection is closed before the answer.
    LoseAnswer,
}

/// What is done with the call of this number among all that came, from 0.
type Rule = dyn Fn(usize, &Call) -> Fault + Send + Sync;

/// The proxy; it takes no more connections when dropped.
pub struct Proxy {
    port: u16,
    state: Arc<State>,
}

struct State {
    calls: Mutex<Vec<Call>>,
    rule: Box<Rule>,
    /// What every cluster says of itself where that is not the emulator's.
    cluster: Value,
    /// Port of the emulator that it stands before, and operations that it lacks.
    upstream: (u16, &'static [&'static str]),
    stopped: AtomicBool,
    client: ureq::Agent,
}

impl Proxy {
    /// Starts one that does by `rule`.
    pub fn start(rule: impl Fn(usize, &Call) -> Fault + Send + Sync + 'static) -> io::Result<Self> {
        Self::start_before((emulator::port(), &[]), Value::Null, rule)
    }

    /// One before another emulator at this port, which lacks these operations: they go to the first one.
    pub(super) fn before(port: u16, lacks: &'static [&'static str]) -> io::Result<Self> {
        Self::start_before((port, lacks), Value::Null, |_, _| Fault::None)
    }

    /// The same for clusters with the API server of this URL and authority, PEM in base64.
    pub fn for_server(url: &str, authority: &str) -> io::Result<Self> {
        let cluster = json!({ "endpoint": url, "certificateAuthority": { "data": authority } });
        Self::start_before((emulator::port(), &[]), cluster, |_, _| Fault::None)
    }

    /// The same for clusters in this VPC.
    pub fn for_vpc(id: &str) -> io::Result<Self> {
        let cluster = json!({ "resourcesVpcConfig": { "vpcId": id } });
        Self::start_before((emulator::port(), &[]), cluster, |_, _| Fault::None)
    }

    fn start_before(
        upstream: (u16, &'static [&'static str]),
        cluster: Value,
        rule: impl Fn(usize, &Call) -> Fault + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        // A redirect is for the client to see.
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build();
        let state = Arc::new(State {
            calls: Mutex::default(),
            rule: Box::new(rule),
            cluster,
            upstream,
            stopped: AtomicBool::new(false),
            client: config.into(),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stopped.load(Ordering::SeqCst) {
                    break;
                }
                let state = Arc::clone(&shared);
                // A client that is killed is no trouble of the proxy's.
                std::thread::spawn(move || stream.and_then(|stream| serve(stream, &state)));
            }
        });
        Ok(Self { port, state })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Every call that came, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.state.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many of them change something.
    pub fn mutating(&self) -> usize {
        self.calls().iter().filter(|call| call.mutates).count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        // It waits for a connection; this one ends it.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(mut stream: TcpStream, state: &State) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut rest = Vec::new();
    while let Some(request) = message::read(&mut stream, &mut rest)? {
        let call = Call::of(&request);
        let number = {
            let mut calls = state.calls.lock().unwrap_or_else(PoisonError::into_inner);
            calls.push(call.clone());
            calls.len() - 1
        };
        let answer = match (state.rule)(number, &call) {
            Fault::None => forward(state, &call, &request)?,
            Fault::Throttle => refusal(&call, 400, "ThrottlingException"),
            Fault::Broken => refusal(&call, 503, "ServiceUnavailable"),
            Fault::Deny => refusal(&call, 400, "AccessDeniedException"),
            Fault::Close => break,
            Fault::LoseAnswer => {
                forward(state, &call, &request)?;
                break;
            }
        };
        stream.write_all(&answer)?;
    }
    stream.shutdown(Shutdown::Both)
}

fn forward(state: &State, call: &Call, request: &Message) -> io::Result<Vec<u8>> {
    let (port, lacks) = state.upstream;
    let port = if lacks.contains(&call.operation.as_str()) { emulator::port() } else { port };
    let mut response = request.forward(&state.client, &format!("http://127.0.0.1:{port}"))?;
    let mut headers = String::new();
    let passed = [
        "date",
        "content-type",
        "x-amzn-errortype",
        "x-amzn-requestid",
        "x-amzn-query-error",
        "x-amz-bucket-region",
    ];
    for name in passed {
        if let Some(value) = response.headers().get(name).and_then(|value| value.to_str().ok()) {
            headers.extend([name, ": ", value, "\r\n"]);
        }
    }
    let mut body =
        response.body_mut().with_config().limit(64 << 20).read_to_vec().map_err(io::Error::other)?;
    if call.is_describe_cluster()
        && let Ok(mut answer) = serde_json::from_slice::<Value>(&body)
        && answer["cluster"].is_object()
    {
        merge(&mut answer["cluster"], &state.cluster);
        body = answer.to_string().into_bytes();
    }
    Ok(text(response.status().as_u16(), &headers, &body))
}

/// Writes each value of `more` over the one in `there`.
fn merge(there: &mut Value, more: &Value) {
    match more {
        Value::Object(more) => more.iter().for_each(|(name, value)| merge(&mut there[name.as_str()], value)),
        Value::Null => {}
        value => *there = value.clone(),
    }
}
