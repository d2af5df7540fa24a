//! A small metadata service with EC2's paths and version 2 rules, for demonstrations and test machines.
//!
//! It is no security boundary: whoever reaches its address gets a token and everything it serves.

mod connection;
mod files;
mod reply;
mod request;
mod route;
mod tokens;
mod tree;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use gpunode_host::thread_time;
use tokio::sync::{Semaphore, oneshot};

pub(crate) use request::fuzz;
use tokens::Tokens;
pub use tree::tree;

/// Connections served at the same time; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 64;

/// What the server gives out.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// Path below `/latest/` to its bytes, as made by [`tree`]; needs a token to read.
    pub tree: BTreeMap<String, Vec<u8>>,
    /// A folder whose files are served below `/files/`, without a token, so that a machine without network can
    /// fetch its packages from here with any HTTP client.
    pub files: Option<PathBuf>,
}

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, not ours, or not allowed.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No thread or runtime for the server.
    #[error("cannot start the metadata server's thread")]
    Thread(#[source] std::io::Error),
    /// The folder of files cannot be opened.
    #[error("cannot serve files from {}", folder.display())]
    Files {
        /// The folder asked for.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// A running server; dropping it closes its connections and its address.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Duration>>,
}

/// What all connections share.
struct Shared {
    content: Content,
    tokens: Mutex<Tokens>,
}

impl Server {
    /// Listens on `address` (port 0 takes a free one) and serves until dropped.
    pub fn start(address: SocketAddr, mut content: Content) -> Result<Self, StartError> {
        if let Some(folder) = content.files.take() {
            // Resolved once, so that a link out of the folder can be told from a file in it.
            let resolved = folder.canonicalize().map_err(|source| StartError::Files { folder, source })?;
            content.files = Some(resolved);
        }
        let listen = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
        let shared = Arc::new(Shared { content, tokens: Mutex::new(Tokens::default()) });
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            runtime.spawn(accept(listener, shared));
            // The sender is dropped, never used; the runtime then drops the listener and every connection.
            let _ = runtime.block_on(stopped);
            drop(runtime);
            thread_time()
        };
        let thread = std::thread::Builder::new()
            .name("imds-server".to_owned())
            .spawn(serve)
            .map_err(StartError::Thread)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address in the form of [`crate::Settings::endpoint`].
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it, and says how much processor time it took.
    pub fn stop(mut self) -> Duration {
        self.end()
    }

    fn end(&mut self) -> Duration {
        drop(self.stop.take());
        // An error would be a panic of the thread, which has been printed already.
        self.thread.take().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    connection::serve(stream, &shared).await;
                    drop(place);
                });
            }
            // The peer gave up while waiting, or file descriptors ran out: the latter needs a moment to pass.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
