//! A server that answers as it is told, then well.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What is done with one request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Status {
        status: u16,
        retry_after: Option<u32>,
        body: &'static str,
    },
    /// The connection is closed without an answer.
    Close,
    /// The connection is closed in the middle of the answer.
    CloseHalfway,
    /// A good answer, and the connection is closed after it.
    ThenClose,
    /// Nothing, for as long as the client stays.
    Silence,
    /// A body without an end.
    Endless,
}

impl Answer {
    pub(crate) const fn status(status: u16) -> Self {
        Self::Status { status, retry_after: None, body: "{\"kind\":\"Status\",\"message\":\"no\"}" }
    }

    pub(crate) const fn garbage() -> Self {
        Self::Status { status: 500, retry_after: None, body: "\u{0}<html>" }
    }
}

/// One request, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

#[derive(Debug, Default)]
struct Shared {
    answers: Mutex<Vec<Answer>>,
    requests: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    over: AtomicBool,
}

#[derive(Debug)]
pub(crate) struct Server {
    port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

const GOOD: &str = "{\"metadata\":{\"uid\":\"u-1\"}}";

impl Server {
    /// Answers the first requests so, and every later one well.
    pub(crate) fn start(mut answers: Vec<Answer>) -> Self {
        answers.reverse();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared { answers: Mutex::new(answers), ..Shared::default() });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::spawn(move || accept(&listener, &theirs));
        Self { port, shared, thread: Some(thread) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.shared.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // So that it looks.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.over.load(Ordering::SeqCst) {
            return;
        }
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let shared = Arc::clone(shared);
        std::thread::spawn(move || serve(stream.unwrap(), &shared));
    }
}

/// Until the client or the answer ends the connection.
fn serve(stream: TcpStream, shared: &Shared) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let request = read(&mut reader)?;
        shared.requests.lock().unwrap().push(request);
        let answer = shared.answers.lock().unwrap().pop();
        match answer {
            None => write(&mut stream, 200, None, GOOD)?,
            Some(Answer::Status { status, retry_after, body }) => {
                write(&mut stream, status, retry_after, body)?;
            }
            Some(Answer::Close) => return None,
            Some(Answer::CloseHalfway) => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{").ok()?;
                return None;
            }
            Some(Answer::ThenClose) => {
                write(&mut stream, 200, None, GOOD)?;
                return None;
            }
            Some(Answer::Silence) => {
                // Comes back when the client goes.
                let _ = reader.read_to_end(&mut Vec::new());
                return None;
            }
            Some(Answer::Endless) => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").ok()?;
                let chunk = [&b"10000\r\n"[..], &b" ".repeat(0x10000), b"\r\n"].concat();
                loop {
                    stream.write_all(&chunk).ok()?;
                }
            }
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let (mut length, mut authorization) = (0, None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Seen { method, path, authorization, body: String::from_utf8(body).ok()? })
}

fn write(stream: &mut TcpStream, status: u16, retry_after: Option<u32>, body: &str) -> Option<()> {
    let retry = retry_after.map(|seconds| format!("Retry-After: {seconds}\r\n")).unwrap_or_default();
    let length = body.len();
    let text = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{retry}\r\n{body}");
    stream.write_all(text.as_bytes()).ok()
}
