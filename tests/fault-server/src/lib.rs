//! An HTTP and HTTPS file server for tests. What it answers, and how it breaks off, a function says for each request.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test whose server fails has failed")]

mod identity;
mod proxy;
mod reply;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

pub use identity::Identity;
pub use proxy::Proxy;
pub use reply::{End, Reply};

/// A request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// `GET`.
    pub method: String,
    /// With the query.
    pub path: String,
    /// Names in small letters.
    pub headers: BTreeMap<String, String>,
}

impl Seen {
    /// The header of this name, in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The first byte that `Range: bytes=N-` asks for.
    pub fn from(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// A server; it ends when dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    tls: bool,
    seen: Arc<Mutex<Vec<Seen>>>,
    stopped: Arc<AtomicBool>,
}

type Handler = dyn Fn(&Seen) -> Reply + Send + Sync;

impl Server {
    /// Serves by `handler` over plain HTTP.
    pub fn http(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(None, Arc::new(handler))
    }

    /// Serves by `handler` over HTTPS, as `identity`.
    pub fn https(identity: &Identity, handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(Some(identity.server()), Arc::new(handler))
    }

    fn start(tls: Option<Arc<ServerConfig>>, handler: Arc<Handler>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            tls: tls.is_some(),
            seen: Arc::default(),
            stopped: Arc::default(),
        };
        let (seen, stopped) = (Arc::clone(&server.seen), Arc::clone(&server.stopped));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::Acquire) {
                    break;
                }
                let (tls, handler, seen) = (tls.clone(), Arc::clone(&handler), Arc::clone(&seen));
                let Ok(stream) = stream else { continue };
                thread::spawn(move || serve(&stream, tls, &*handler, &seen));
            }
        });
        server
    }

    /// The URL of a path that begins with a slash; the host is `localhost`, for which certificates are made.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://localhost:{}{path}", self.address.port())
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        // It waits for a connection; this one ends it.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: &TcpStream, tls: Option<Arc<ServerConfig>>, handler: &Handler, seen: &Mutex<Vec<Seen>>) {
    // A client that never asks must not keep a thread for longer than a test may last.
    let _ = stream.set_read_timeout(Some(Duration::from_secs(120)));
    let _ = stream.set_nodelay(true);
    match tls {
        None => exchange(stream, handler, seen),
        Some(tls) => {
            let Ok(copy) = stream.try_clone() else { return };
            let mut session = StreamOwned::new(ServerConnection::new(tls).unwrap(), copy);
            exchange(&mut session, handler, seen);
            session.conn.send_close_notify();
            let _ = session.flush();
        }
    }
    // The client reads what is left before it sees the end: no reset, which would throw it away.
    let _ = stream.shutdown(Shutdown::Write);
    let _ = std::io::copy(&mut stream.take(1 << 20), &mut std::io::sink());
}

fn exchange(mut stream: impl Read + Write, handler: &Handler, seen: &Mutex<Vec<Seen>>) {
    let Some(request) = read(&mut stream) else { return };
    seen.lock().unwrap().push(request.clone());
    let _ = handler(&request).send(&mut stream);
}

/// A request's head; `None` when the client left before its end.
fn read(stream: &mut impl Read) -> Option<Seen> {
    let mut lines = BufReader::with_capacity(1, stream).lines();
    let first = lines.next()?.ok()?;
    let mut words = first.split(' ').map(str::to_owned);
    let mut seen = Seen { method: words.next()?, path: words.next()?, headers: BTreeMap::new() };
    for line in lines {
        let line = line.ok()?;
        let Some((name, value)) = line.split_once(':') else {
            return Some(seen);
        };
        seen.headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    None
}
