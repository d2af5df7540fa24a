//! One connection: requests in, answers out, each within a time.

use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::reply::{Body, Reply};
use super::request::{MAX_HEAD, Parsed, Request, parse};
use super::{Shared, route};

/// Longest wait for a whole request, idle time between two included.
const REQUEST_TIME: Duration = Duration::from_secs(30);
/// Longest wait for a client to take the next piece of an answer.
const WRITE_TIME: Duration = Duration::from_secs(10);
/// Longest wait for, and most bytes of, what a client still sends after it was refused.
const DRAIN_TIME: Duration = Duration::from_secs(2);
const MAX_DRAINED: usize = 256 * 1024;
const PIECE: usize = 64 * 1024;

/// Serves until the client closes, asks to close, sends something else than HTTP, or stalls.
pub(super) async fn serve(mut stream: TcpStream, shared: &Shared) {
    let mut buffer = Vec::new();
    loop {
        let Ok(Ok(Some(next))) = timeout(REQUEST_TIME, next(&mut stream, &mut buffer)).await else {
            return;
        };
        let refused = next.is_err();
        let (reply, close) = match next {
            Ok(request) => (route::answer(shared, &request), request.close),
            Err(refusal) => (refusal, true),
        };
        if send(&mut stream, reply, close).await.is_err() {
            return;
        }
        if refused {
            drain(&mut stream).await;
        }
        if close {
            return;
        }
    }
}

/// Reads on for a moment after a refusal: closing with bytes unread resets the connection, and the client would
/// lose the answer that tells it why.
async fn drain(stream: &mut TcpStream) {
    let read_all = async {
        let _ = stream.shutdown().await;
        let mut piece = [0; 4096];
        let mut rest = MAX_DRAINED;
        while let Ok(count) = stream.read(&mut piece).await
            && count > 0
            && count <= rest
        {
            rest -= count;
        }
    };
    // Either way the connection ends now.
    let _ = timeout(DRAIN_TIME, read_all).await;
}

/// The next request, or the answer to what is none; `None` at the end of the connection.
async fn next(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Result<Request, Reply>>> {
    loop {
        match parse(buffer) {
            Parsed::Whole(request, head) if buffer.len() >= head + request.body => {
                buffer.drain(..head + request.body);
                return Ok(Some(Ok(request)));
            }
            Parsed::Bad(why) => return Ok(Some(Err(Reply::error(400, why)))),
            Parsed::Partial if buffer.len() >= MAX_HEAD => {
                return Ok(Some(Err(Reply::error(431, "the request head is longer than 8 KiB"))));
            }
            Parsed::Whole(..) | Parsed::Partial => {}
        }
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await?;
        if count == 0 {
            return Ok(None);
        }
        buffer.extend_from_slice(&piece[..count]);
    }
}

async fn send(stream: &mut TcpStream, reply: Reply, close: bool) -> io::Result<()> {
    let mut head = reply.head(close).into_bytes();
    match reply.body {
        Body::Bytes(bytes) => {
            // In one piece: apart, the second would wait for the acknowledgement of the first (40 ms).
            head.extend(bytes);
            write(stream, &head).await
        }
        Body::File(file, length) => {
            write(stream, &head).await?;
            send_file(stream, file, length).await
        }
    }
}

/// Sends exactly `length` bytes, or fails, so that a file that shrinks cannot look whole to the client.
async fn send_file(stream: &mut TcpStream, file: File, length: u64) -> io::Result<()> {
    let mut rest = file.take(length);
    let mut piece = vec![0; PIECE];
    while rest.limit() > 0 {
        let count = rest.read(&mut piece)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        write(stream, &piece[..count]).await?;
    }
    Ok(())
}

async fn write(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    for piece in bytes.chunks(PIECE) {
        timeout(WRITE_TIME, stream.write_all(piece)).await.map_err(|_| io::ErrorKind::TimedOut)??;
    }
    Ok(())
}
