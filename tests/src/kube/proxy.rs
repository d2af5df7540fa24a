//! A proxy before the API server that fails in every way in which an API server fails its clients: away, slow,
//! closing connections, refusing the next requests, with another certificate. It also counts what passes.

mod connection;
pub(crate) mod message;
mod rule;

use std::collections::VecDeque;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::error::at;
use super::pki::Pair;
use super::{Cluster, Error};

/// What is done with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is passed on: what comes after in the list is for a later request.
    None,
    /// It is answered with this status, and with `Retry-After` in seconds where there is one; it does not reach the
    /// API server.
    Answer(u16, Option<u32>),
    /// The connection is closed; the request does not reach the API server.
    Close,
    /// The API server does what it is asked, and the connection is closed before its answer.
    LoseAnswer,
}

pub use rule::Asked;
use rule::Rule;

/// One request that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The HTTP method.
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// The status of the answer; `None` where the connection was closed instead.
    pub status: Option<u16>,
    /// Bytes of the request, headers included, before encryption.
    pub sent: usize,
    /// Bytes of the answer, headers included, before encryption.
    pub received: usize,
    /// What was done with it instead of passing it on.
    pub fault: Option<Fault>,
}

/// The proxy; gone on drop.
pub struct Proxy {
    port: u16,
    state: Arc<State>,
    accepting: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

/// What all connections share.
struct State {
    upstream: ureq::Agent,
    url: String,
    inner: Mutex<Inner>,
    /// Requests that came, change something and are not over.
    busy: AtomicUsize,
}

struct Inner {
    tls: Arc<ServerConfig>,
    faults: VecDeque<Fault>,
    rule: Option<Arc<Rule>>,
    delay: Duration,
    passed: Vec<Passed>,
    open: Vec<TcpStream>,
    accepted: usize,
}

impl State {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Proxy {
    /// Starts one before `cluster`, with a certificate of the same authority.
    pub fn start(cluster: &Cluster) -> Result<Self, Error> {
        let inner = Inner {
            tls: server_config(&cluster.authority.server()?)?,
            faults: VecDeque::new(),
            rule: None,
            delay: Duration::ZERO,
            passed: Vec::new(),
            open: Vec::new(),
            accepted: 0,
        };
        let state = Arc::new(State {
            upstream: super::client::agent(cluster.authority.pem())?,
            url: cluster.url().to_owned(),
            inner: Mutex::new(inner),
            busy: AtomicUsize::new(0),
        });
        let mut proxy = Self { port: 0, state, accepting: None };
        proxy.up()?;
        Ok(proxy)
    }

    /// Where it listens, also while it is down.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Closes every connection and refuses new ones.
    pub fn down(&mut self) {
        if let Some((stop, thread)) = self.accepting.take() {
            stop.store(true, Ordering::SeqCst);
            // It waits in accept; this wakes it.
            let _ = TcpStream::connect(("127.0.0.1", self.port));
            let _ = thread.join();
        }
        self.close_all();
    }

    /// Listens again.
    pub fn up(&mut self) -> Result<(), Error> {
        if self.accepting.is_some() {
            return Ok(());
        }
        let listener = TcpListener::bind(("127.0.0.1", self.port)).map_err(at("127.0.0.1"))?;
        self.port = listener.local_addr().map_err(at("127.0.0.1"))?.port();
        let (stop, state) = (Arc::new(AtomicBool::new(false)), Arc::clone(&self.state));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || accept(&listener, &stopped, &state));
        self.accepting = Some((stop, thread));
        Ok(())
    }

    /// Closes every connection that is open now.
    pub fn close_all(&self) {
        for stream in self.state.inner().open.drain(..) {
            // It may have been closed by the other side.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Does this with each of the next requests, after those it was told before.
    pub fn next(&self, times: usize, fault: &Fault) {
        self.state.inner().faults.extend(std::iter::repeat_n(fault.clone(), times));
    }

    /// How many of these are still to come.
    pub fn left(&self) -> usize {
        self.state.inner().faults.len()
    }

    /// Forgets what it was told to do with requests.
    pub fn heal(&self) {
        let mut inner = self.state.inner();
        inner.faults.clear();
        inner.rule = None;
        inner.delay = Duration::ZERO;
    }

    /// Lets every answer wait for this long.
    pub fn slow(&self, delay: Duration) {
        self.state.inner().delay = delay;
    }

    /// Takes another certificate, by the same authority, for new connections, and closes those that are open.
    pub fn renew_certificate(&self, cluster: &Cluster) -> Result<(), Error> {
        self.state.inner().tls = server_config(&cluster.authority.server()?)?;
        self.close_all();
        Ok(())
    }

    /// Every request that came, in order.
    pub fn passed(&self) -> Vec<Passed> {
        self.state.inner().passed.clone()
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> usize {
        self.state.inner().accepted
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.down();
    }
}

fn accept(listener: &TcpListener, stop: &AtomicBool, state: &Arc<State>) {
    while let Ok((stream, _)) = listener.accept() {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let tls = {
            let mut inner = state.inner();
            inner.accepted += 1;
            inner.open.extend(stream.try_clone());
            Arc::clone(&inner.tls)
        };
        let state = Arc::clone(state);
        std::thread::spawn(move || connection::serve(stream, tls, &state));
    }
}

/// HTTP/1.1 only: no protocol is offered in the handshake.
fn server_config(pair: &Pair) -> Result<Arc<ServerConfig>, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Certificates(error.to_string());
    let certificate =
        CertificateDer::from_pem_slice(pair.certificate.as_bytes()).map_err(|error| failed(&error))?;
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).map_err(|error| failed(&error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![certificate], key))
        .map(Arc::new)
        .map_err(|error| failed(&error))
}
