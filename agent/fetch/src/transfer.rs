//! One request for a file or for its rest, into a partial file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use reqwest::{Client, Response, Url, header};

use crate::pace::Pace;
use crate::partial::Partial;
use crate::resume::{self, Body, Head, Note};
use crate::{Cause, Progress, http};

/// What is asked for, and under which bounds.
pub(crate) struct Request<'a> {
    pub(crate) client: &'a Client,
    /// Where it is asked for: may be signed, so it is in no message.
    pub(crate) url: Url,
    /// What it is called.
    pub(crate) source: &'a str,
    pub(crate) max_bytes: u64,
    /// Whether a checksum tells at the end if the parts belong together.
    pub(crate) pinned: bool,
    /// The tag of a version that is in the cache already.
    pub(crate) known: Option<&'a str>,
}

/// How a transfer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    /// All of the file is there; the tag of its version, where the server gave one.
    All { etag: Option<String> },
    /// The version that is known already is still the newest.
    Known,
}

/// Brings the whole file into `partial`, or says why not; what came stays for the next try.
pub(crate) async fn web(
    request: &Request<'_>,
    partial: &mut Partial,
    pace: &mut Pace<'_>,
) -> Result<Got, Cause> {
    let rest = resume::rest(partial.bytes, &partial.note, request.source, request.pinned);
    // Bytes as they are: with any coding, lengths and ranges would be those of other bytes.
    let mut ask = request.client.get(request.url.clone()).header(header::ACCEPT_ENCODING, "identity");
    if let Some(rest) = &rest {
        ask = ask.header(header::RANGE, format!("bytes={}-", rest.from));
        if let Some(validator) = &rest.if_range {
            ask = ask.header(header::IF_RANGE, validator);
        }
    } else if let Some(etag) = request.known {
        ask = ask.header(header::IF_NONE_MATCH, etag);
    }
    pace.begin();
    let response = pace.run(ask.send()).await?.map_err(|error| http::before_head(&error))?;
    let status = response.status();
    match status.as_u16() {
        304 if rest.is_none() && request.known.is_some() => return Ok(Got::Known),
        200 | 206 => {}
        416 if rest.is_some() => {}
        _ => return Err(http::of_status(status, response.headers())),
    }
    let headers = response.headers().clone();
    let head = head(&response, &headers);
    let etag = head.etag.map(str::to_owned);
    let (start, total) = match resume::body(&head, rest.as_ref(), &partial.note)? {
        Body::From { start, total } => (start, total),
        Body::Nothing => return Ok(Got::All { etag }),
    };
    bounded(total.unwrap_or(start), total.is_none(), request.max_bytes)?;
    let validator = resume::validator(&head);
    partial.go_on(start, Note { source: request.source.to_owned(), validator, total })?;
    partial.room_for(total.map_or(0, |total| total.saturating_sub(start)))?;
    body(response, request.max_bytes, partial, pace).await?;
    Ok(Got::All { etag })
}

async fn body(
    mut response: Response,
    max_bytes: u64,
    partial: &mut Partial,
    pace: &mut Pace<'_>,
) -> Result<(), Cause> {
    while let Some(chunk) = pace.run(response.chunk()).await?.map_err(|error| http::in_body(&error))? {
        bounded(partial.bytes + chunk.len() as u64, true, max_bytes)?;
        pace.came(chunk.len());
        partial.write(&chunk)?;
        pace.watch().progress(&Progress { bytes: partial.bytes, total: partial.note.total });
    }
    match partial.note.total {
        // Of a length that the header gives hyper takes care; that of a Content-Range is for us.
        Some(total) if partial.bytes < total => Err(Cause::CutOff("bytes are missing at the end".to_owned())),
        Some(total) if partial.bytes > total => Err(Cause::Changed),
        Some(_) | None => Ok(()),
    }
}

fn head<'a>(response: &Response, headers: &'a header::HeaderMap) -> Head<'a> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    Head {
        status: response.status().as_u16(),
        length: response.content_length(),
        content_range: text(header::CONTENT_RANGE),
        etag: text(header::ETAG),
        last_modified: text(header::LAST_MODIFIED),
    }
}

fn bounded(bytes: u64, at_least: bool, max: u64) -> Result<(), Cause> {
    if bytes > max { Err(Cause::TooLarge { bytes, at_least, max }) } else { Ok(()) }
}

/// Copies a file of this machine.
pub(crate) fn local(
    path: &Path,
    source: &str,
    max_bytes: u64,
    partial: &mut Partial,
    pace: &mut Pace<'_>,
) -> Result<Got, Cause> {
    let mut file = File::open(path).map_err(Cause::Local)?;
    let metadata = file.metadata().map_err(Cause::Local)?;
    if !metadata.is_file() {
        return Err(Cause::Local(std::io::Error::other("not a plain file")));
    }
    let total = metadata.len();
    bounded(total, false, max_bytes)?;
    partial.go_on(0, Note { source: source.to_owned(), validator: None, total: Some(total) })?;
    partial.room_for(total)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).map_err(Cause::Local)?;
        if read == 0 {
            return Ok(Got::All { etag: None });
        }
        bounded(partial.bytes + read as u64, true, max_bytes)?;
        partial.write(&buffer[..read])?;
        pace.alive()?;
        pace.watch().progress(&Progress { bytes: partial.bytes, total: Some(total) });
    }
}
