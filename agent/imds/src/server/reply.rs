//! An answer, before it is put on the wire.

use std::fs::File;

pub(super) struct Reply {
    pub(super) status: u16,
    /// Life of the token in the body, in seconds.
    pub(super) ttl: Option<u64>,
    pub(super) body: Body,
}

pub(super) enum Body {
    Bytes(Vec<u8>),
    /// A file and its length when it was opened.
    File(File, u64),
}

impl Reply {
    pub(super) fn ok(bytes: Vec<u8>) -> Self {
        Self { status: 200, ttl: None, body: Body::Bytes(bytes) }
    }

    pub(super) fn error(status: u16, why: &str) -> Self {
        Self {
            status,
            ttl: None,
            body: Body::Bytes(format!("{status} {}: {why}\n", phrase(status)).into_bytes()),
        }
    }

    pub(super) fn length(&self) -> u64 {
        match &self.body {
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::File(_, length) => *length,
        }
    }

    /// Status line and headers.
    pub(super) fn head(&self, close: bool) -> String {
        let kind = match &self.body {
            Body::Bytes(_) => "text/plain",
            Body::File(..) => "application/octet-stream",
        };
        let ttl = self.ttl.map(|ttl| format!("{}: {ttl}\r\n", crate::token::TTL_HEADER)).unwrap_or_default();
        let close = if close { "Connection: close\r\n" } else { "" };
        format!(
            "HTTP/1.1 {} {}\r\nServer: gpunode\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{ttl}{close}\r\n",
            self.status,
            phrase(self.status),
            self.length(),
        )
    }
}

fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        431 => "Request Header Fields Too Large",
        _ => "Error",
    }
}
