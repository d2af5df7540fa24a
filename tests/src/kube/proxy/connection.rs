//! One client's connection.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::message::{self, Message};
use super::{Asked, Fault, Passed, State};

/// What goes back to the client.
struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// Serves requests until either side closes the connection. What goes wrong with it is the client's to notice.
pub(super) fn serve(stream: TcpStream, tls: Arc<ServerConfig>, state: &State) {
    let Ok(connection) = ServerConnection::new(tls) else { return };
    let _ = stream.set_nodelay(true);
    let mut stream = StreamOwned::new(connection, stream);
    let mut rest = Vec::new();
    while let Ok(Some(request)) = message::read(&mut stream, &mut rest) {
        let asked = Asked::of(&request);
        let changes = usize::from(asked.mutates());
        state.busy.fetch_add(changes, Ordering::SeqCst);
        let (fault, rule, delay) = {
            let mut inner = state.inner();
            (inner.faults.pop_front(), inner.rule.clone(), inner.delay)
        };
        let fault = fault.or_else(|| rule.map(|rule| rule(&asked)));
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
        let reply = match &fault {
            Some(Fault::Close) => None,
            Some(Fault::Answer(status, retry_after)) => Some(refusal(*status, *retry_after)),
            Some(Fault::LoseAnswer) => {
                let _ = forward(state, &request);
                None
            }
            Some(Fault::None) | None => Some(forward(state, &request).unwrap_or_else(|_| refusal(502, None))),
        };
        let text = reply.as_ref().map(Reply::bytes);
        state.busy.fetch_sub(changes, Ordering::SeqCst);
        note(state, &request, reply.as_ref(), text.as_ref().map_or(0, Vec::len), fault);
        let written = text.map(|text| stream.write_all(&text).and_then(|()| stream.flush()));
        if !matches!(written, Some(Ok(()))) {
            break;
        }
    }
    let _ = stream.sock.shutdown(std::net::Shutdown::Both);
}

fn note(state: &State, request: &Message, reply: Option<&Reply>, received: usize, fault: Option<Fault>) {
    let path = request.target.split('?').next().unwrap_or_default();
    state.inner().passed.push(Passed {
        method: request.method.clone(),
        path: path.to_owned(),
        status: reply.map(|reply| reply.status),
        sent: request.size,
        received,
        fault,
    });
}

/// The API server's own answer.
fn forward(state: &State, request: &Message) -> io::Result<Reply> {
    let mut response = request.forward(&state.upstream, &state.url)?;
    let kept = ["content-type", "retry-after", "warning"];
    let headers = kept
        .into_iter()
        .filter_map(|name| Some((name, response.headers().get(name)?.to_str().ok()?.to_owned())));
    let headers = headers.collect();
    let body = response.body_mut().with_config().limit(64 << 20).read_to_vec().map_err(io::Error::other)?;
    Ok(Reply { status: response.status().as_u16(), headers, body })
}

/// A Status as the API server writes it.
fn refusal(status: u16, retry_after: Option<u32>) -> Reply {
    let (reason, message) = match status {
        403 => ("Forbidden", "nodes is forbidden: said by the proxy of the test bed"),
        409 => ("Conflict", "the object has been modified: said by the proxy of the test bed"),
        429 => ("TooManyRequests", "too many requests: said by the proxy of the test bed"),
        _ => ("InternalError", "an error on the server: said by the proxy of the test bed"),
    };
    let body = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": status,
    });
    let mut headers = vec![("content-type", "application/json".to_owned())];
    headers.extend(retry_after.map(|seconds| ("retry-after", seconds.to_string())));
    Reply { status, headers, body: body.to_string().into_bytes() }
}

impl Reply {
    fn bytes(&self) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {} -\r\n", self.status);
        for (name, value) in &self.headers {
            // Writing to a String cannot fail.
            let _ = write!(text, "{name}: {value}\r\n");
        }
        let _ = write!(text, "content-length: {}\r\n\r\n", self.body.len());
        [text.as_bytes(), &self.body].concat()
    }
}
