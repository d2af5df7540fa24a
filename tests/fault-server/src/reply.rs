//! What is answered, and how the answer ends.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use crate::Seen;

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Names and values, beside `Content-Length` and `Connection: close`.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// What `Content-Length` says; `None`: the body's length.
    pub length: Option<usize>,
    /// Whether `Content-Length` is left out, so that the end of the connection is the end of the body.
    pub endless: bool,
    /// How it ends.
    pub end: End,
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Well.
    Whole,
    /// The connection is closed after so many bytes of the body.
    Cut(usize),
    /// After so many bytes of the body nothing comes any more, for two minutes.
    Hang(usize),
    /// One byte, a pause, one byte.
    Drip(Duration),
    /// Pieces of this size, with a pause after each.
    Slow(usize, Duration),
}

impl Reply {
    /// A status without a body.
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), length: None, endless: false, end: End::Whole }
    }

    /// Status 200 with all of a file.
    pub fn all(body: &[u8]) -> Self {
        Self { body: body.to_vec(), ..Self::status(200) }
    }

    /// A file as good servers give it: by range where that is asked for, and `If-Range` and `If-None-Match` minded.
    pub fn file(seen: &Seen, body: &[u8], etag: &str) -> Self {
        let tag = ("ETag", etag.to_owned());
        if seen.header("if-none-match") == Some(etag) {
            return Self::status(304).with(tag);
        }
        let same = seen.header("if-range").is_none_or(|asked| asked == etag);
        match seen.from().filter(|_| same) {
            None => Self::all(body).with(tag),
            Some(from) if from >= body.len() => {
                Self::status(416).with(("Content-Range", format!("bytes */{}", body.len())))
            }
            Some(from) => {
                let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
                let part = Self { status: 206, ..Self::all(&body[from..]) };
                part.with(tag).with(("Content-Range", range))
            }
        }
    }

    /// With a header more.
    #[must_use]
    pub fn with(mut self, header: (&'static str, String)) -> Self {
        self.headers.push(header);
        self
    }

    /// With another end.
    #[must_use]
    pub fn ending(self, end: End) -> Self {
        Self { end, ..self }
    }

    pub(crate) fn send(&self, stream: &mut impl Write) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {} x\r\nConnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if !self.endless && self.status != 304 {
            let _ = write!(head, "Content-Length: {}\r\n", self.length.unwrap_or(self.body.len()));
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        stream.flush()?;
        let begin = |bytes: usize| &self.body[..bytes.min(self.body.len())];
        match self.end {
            End::Whole => stream.write_all(&self.body)?,
            End::Cut(bytes) => stream.write_all(begin(bytes))?,
            End::Hang(bytes) => {
                stream.write_all(begin(bytes))?;
                stream.flush()?;
                thread::sleep(Duration::from_secs(120));
            }
            End::Drip(pause) => pieces(stream, &self.body, 1, pause)?,
            End::Slow(size, pause) => pieces(stream, &self.body, size, pause)?,
        }
        stream.flush()
    }
}

fn pieces(stream: &mut impl Write, body: &[u8], size: usize, pause: Duration) -> io::Result<()> {
    for piece in body.chunks(size) {
        stream.write_all(piece)?;
        stream.flush()?;
        thread::sleep(pause);
    }
    Ok(())
}
