//! A metadata service that misbehaves as a script says. A GET without a token fails the test: version 1 of the
//! protocol must never be spoken.
#![allow(clippy::unwrap_used, unreachable_pub, dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use gpunode_imds::{Client, Settings};

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub method: String,
    /// Below `/latest/`.
    pub path: String,
    pub token: Option<String>,
    pub ttl: Option<String>,
    /// How many requests with this method and path there were, this one included.
    pub nth: usize,
}

/// What to do with a request.
pub enum Act {
    Answer(u16, Vec<u8>),
    AnswerWith(u16, &'static str, Vec<u8>),
    /// These bytes, then the end of the connection.
    Raw(Vec<u8>),
    /// These bytes, then nothing for as long as the client stays.
    Hang(Vec<u8>),
}

pub fn ok(body: &str) -> Act {
    Act::Answer(200, body.as_bytes().to_vec())
}

pub fn status(status: u16) -> Act {
    Act::Answer(status, b"some page".to_vec())
}

/// The connection ends without an answer.
pub fn cut() -> Act {
    Act::Raw(Vec::new())
}

/// `token-1`, `token-2`, …
pub fn next_token(seen: &Seen) -> Act {
    ok(&format!("token-{}", seen.nth))
}

type Script = dyn Fn(&Seen) -> Act + Send + Sync;

pub struct Fake {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    script: Box<Script>,
    seen: Mutex<Vec<Seen>>,
    open: Mutex<Vec<TcpStream>>,
    stopping: AtomicBool,
}

impl Fake {
    pub fn start(script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            seen: Mutex::default(),
            open: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let mut open = accepting.open.lock().unwrap();
                if accepting.stopping.load(Ordering::SeqCst) {
                    return;
                }
                open.push(stream.try_clone().unwrap());
                let shared = Arc::clone(&accepting);
                // Errors here are the client hanging up, which it may.
                std::thread::spawn(move || shared.serve(stream).ok());
            }
        });
        Self { address, shared, thread: Some(thread) }
    }

    /// Settings to reach it: default time-outs, so that a busy machine changes nothing, and short pauses.
    pub fn settings(&self) -> Settings {
        Settings {
            endpoint: format!("http://{}", self.address),
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(5),
            ..Settings::default()
        }
    }

    /// Settings for a service that never gives in: the usual time for a try, but not for many.
    pub fn short(&self) -> Settings {
        Settings { deadline: Duration::from_millis(1500), ..self.settings() }
    }

    /// Settings for answers that never come.
    pub fn impatient(&self) -> Settings {
        Settings {
            deadline: Duration::from_millis(1500),
            connect_timeout: Duration::from_millis(300),
            answer_timeout: Duration::from_millis(100),
            ..self.settings()
        }
    }

    pub fn client(&self) -> Client {
        Client::new(self.settings()).unwrap()
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// How many requests with this method there were.
    pub fn count(&self, method: &str) -> usize {
        self.seen().iter().filter(|seen| seen.method == method).count()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        for stream in self.shared.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        let _ = TcpStream::connect(self.address);
        self.thread.take().unwrap().join().unwrap();
        if !std::thread::panicking() {
            let bare = self.seen().into_iter().find(|seen| seen.method == "GET" && seen.token.is_none());
            assert!(bare.is_none(), "asked without a token: {bare:?}");
        }
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut writer = stream;
        while let Some(seen) = self.read(&mut reader)? {
            match (self.script)(&seen) {
                Act::Answer(status, body) => writer.write_all(&answer(status, "", &body))?,
                Act::AnswerWith(status, header, body) => writer.write_all(&answer(status, header, &body))?,
                Act::Raw(bytes) => {
                    writer.write_all(&bytes)?;
                    return writer.shutdown(Shutdown::Both);
                }
                Act::Hang(bytes) => {
                    writer.write_all(&bytes)?;
                    // Until the client leaves, or the fake is dropped.
                    return reader.read(&mut [0]).map(drop);
                }
            }
        }
        Ok(())
    }

    fn read(&self, reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Seen>> {
        let mut seen = Seen::default();
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace().map(str::to_owned);
        seen.method = words.next().unwrap_or_default();
        let target = words.next().unwrap_or_default();
        target.strip_prefix("/latest/").unwrap_or(&target).clone_into(&mut seen.path);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            match line.trim_end().split_once(": ") {
                None => break,
                Some(("x-aws-ec2-metadata-token", token)) => seen.token = Some(token.to_owned()),
                Some(("x-aws-ec2-metadata-token-ttl-seconds", ttl)) => seen.ttl = Some(ttl.to_owned()),
                Some(_) => {}
            }
        }
        let mut all = self.seen.lock().unwrap();
        seen.nth = 1 + all.iter().filter(|old| old.method == seen.method && old.path == seen.path).count();
        all.push(seen.clone());
        Ok(Some(seen))
    }
}

fn answer(status: u16, header: &str, body: &[u8]) -> Vec<u8> {
    let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
    let mut bytes =
        format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n{header}\r\n", body.len()).into_bytes();
    bytes.extend(body);
    bytes
}

/// Runs one call on a runtime like the caller's.
pub fn run<T>(call: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(call)
}

/// An error with its causes.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
