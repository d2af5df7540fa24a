//! One connection to the API server.

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Config, Error, tls};

/// The metadata of a node, all its managers included, are some 10 KiB; a node as a whole some 30.
const MOST: usize = 1 << 20;

/// A connection that is open, as far as anybody knows.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    server: String,
}

impl Connection {
    /// Connects, and shakes hands.
    pub(super) async fn open(config: &Config) -> Result<Self, Error> {
        let server = config.server();
        let failed = |source| Error::Connect { server: server.clone(), source };
        let tcp = TcpStream::connect(SocketAddr::new(config.address, config.port)).await.map_err(failed)?;
        tcp.set_nodelay(true).map_err(failed)?;
        let sender = if config.tls {
            let (settings, name) = tls::settings(config)?;
            let stream = TlsConnector::from(settings).connect(name, tcp).await.map_err(failed)?;
            speak(stream).await
        } else {
            speak(tcp).await
        };
        let sender = sender.map_err(|error| Error::Http { server: server.clone(), source: error.into() })?;
        Ok(Self { sender, server })
    }

    /// Whether the other side has closed it, as far as anybody knows.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends, and reads all of the answer.
    pub(super) async fn exchange(
        &mut self,
        request: hyper::Request<Full<Bytes>>,
    ) -> Result<hyper::Response<Bytes>, Error> {
        let broke = |source| Error::Http { server: self.server.clone(), source };
        self.sender.ready().await.map_err(|error| broke(error.into()))?;
        let response = self.sender.send_request(request).await.map_err(|error| broke(error.into()))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MOST).collect().await.map_err(broke)?;
        Ok(hyper::Response::from_parts(head, body.to_bytes()))
    }
}

/// The task that moves the bytes ends with the connection, or when its [`SendRequest`] goes.
async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> hyper::Result<SendRequest<Full<Bytes>>> {
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        // How it ended is told to whoever waits for an answer.
        let _ = connection.await;
    });
    Ok(sender)
}
