//! `/metrics`, `/healthz` and `/readyz`. A scrape touches no hardware: what is shown is in memory.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::watcher::Handle;

/// Connections at the same time: Prometheus, the kubelet, a person, and room for one more of each.
const CONNECTIONS: usize = 6;
/// How long a client may take for its request's head, and keep a connection without one.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the watcher may take to answer.
const SCRAPE: Duration = Duration::from_secs(5);

/// The watcher, once there is one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched(Arc<Mutex<Option<Handle>>>);

impl Watched {
    pub(crate) fn set(&self, handle: Handle) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle);
    }

    pub(crate) fn get(&self) -> Option<Handle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Listens.
pub(crate) async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves, for ever.
pub(crate) async fn serve(listener: TcpListener, watched: Watched) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, or the client has gone already.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let watched = watched.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, watched.clone()));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .max_buf_size(16 << 10)
                .serve_connection(TokioIo::new(stream), service);
            // How a client ends its connection is its own affair.
            let _ = connection.await;
            drop(place);
        });
    }
}

async fn answer(request: Request<Incoming>, watched: Watched) -> Result<Response<Full<Bytes>>, Infallible> {
    let handle = watched.get();
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => match &handle {
            None => (StatusCode::SERVICE_UNAVAILABLE, WAITS.to_owned()),
            Some(handle) => match handle.scrape(SCRAPE).await {
                Some(text) => (StatusCode::OK, text),
                None => (StatusCode::SERVICE_UNAVAILABLE, "the watcher does not answer\n".to_owned()),
            },
        },
        (&Method::GET, "/healthz") => match &handle {
            Some(handle) if !handle.is_alive() => {
                (StatusCode::INTERNAL_SERVER_ERROR, "the watcher hangs\n".to_owned())
            }
            _ => (StatusCode::OK, "ok\n".to_owned()),
        },
        (&Method::GET, "/readyz") => match &handle {
            // Else a new version that waits for the old one to end would never be ready, and the old one never ended.
            None => (StatusCode::OK, WAITS.to_owned()),
            Some(handle) if handle.is_settled() => (StatusCode::OK, "ok\n".to_owned()),
            Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "the sources have not answered yet\n".to_owned()),
        },
        _ => (StatusCode::NOT_FOUND, "/metrics, /healthz, /readyz\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let form = header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, form);
    Ok(response)
}

const WAITS: &str = "waiting for the other gpunode-daemonset of this node to end\n";
