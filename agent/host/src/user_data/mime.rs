//! Takes a MIME document apart into its leaves.
//!
//! The splitting is ours because `mailparse` follows nesting without bound: a document of 1 MiB that nests
//! multiparts 20,000 deep would overflow the stack of the process that boots the node. Headers are split by `mailparse`;
//! what they say is read as the bytes that they are, since its own reading of them brings every character set there is
//! (a quarter of a megabyte of a program), which a boundary never needs.

use std::ops::Range;

use data_encoding::BASE64_MIME_PERMISSIVE;
use mailparse::{MailHeader, parse_headers};
use quoted_printable::ParseMode;

use super::{CONTENT_TYPES, NODE_CONFIG, Part, Place, UserDataError, blank, gzip, is_marked, text};

/// EC2's 16 KiB hold a handful of parts; this is far above that and bounds the work.
pub(super) const MAX_PARTS: usize = 128;
/// cloud-init's own tools nest twice (an archive in a document).
pub(super) const MAX_DEPTH: usize = 4;
/// Bytes of one part's headers; a longer block is not a MIME header.
const MAX_HEADERS: usize = 16 * 1024;

/// A part that holds no other parts.
pub(super) struct Leaf<'a> {
    /// Among all leaves, from 1.
    number: usize,
    /// Of the document, on which the body begins, from 1.
    line: usize,
    body: &'a [u8],
    content_type: String,
    encoding: Encoding,
}

/// The leaves of `document`; `None` where it is not MIME.
pub(super) fn leaves(document: &[u8]) -> Result<Option<Vec<Leaf<'_>>>, UserDataError> {
    let blank = blank(document);
    if !Headers::read(&document[blank..]).is_some_and(|headers| headers.has_content_type) {
        return Ok(None);
    }
    let mut walk = Walk { document, leaves: Vec::new() };
    walk.part(blank..document.len(), 0)?;
    Ok(Some(walk.leaves))
}

struct Walk<'a> {
    document: &'a [u8],
    leaves: Vec<Leaf<'a>>,
}

impl Walk<'_> {
    fn part(&mut self, range: Range<usize>, depth: usize) -> Result<(), UserDataError> {
        let Some(headers) = Headers::read(&self.document[range.clone()]) else {
            return Ok(());
        };
        let body = range.start + headers.length..range.end;
        if headers.content_type.starts_with("multipart/") {
            if depth == MAX_DEPTH {
                return Err(UserDataError::TooDeep);
            }
            if let Some(boundary) = headers.boundary {
                for inner in split(self.document, body, &boundary) {
                    self.part(inner, depth + 1)?;
                }
            }
            return Ok(());
        }
        if self.leaves.len() == MAX_PARTS {
            return Err(UserDataError::TooManyParts);
        }
        self.leaves.push(Leaf {
            number: self.leaves.len() + 1,
            line: line_at(self.document, body.start),
            body: &self.document[body],
            content_type: headers.content_type,
            encoding: headers.encoding,
        });
        Ok(())
    }
}

impl Leaf<'_> {
    /// The part, if it is nodeadm's and can be read.
    pub(super) fn node_config(&self, budget: &mut gzip::Budget) -> Option<String> {
        if self.content_type != NODE_CONFIG {
            return None;
        }
        let place = Place::Part { number: self.number, line: self.line };
        let body = self.encoding.decode(self.body).ok()?;
        let body = if gzip::is_gzip(&body) { budget.inflate(&body, place).ok()? } else { body };
        text(&body, place).ok()
    }

    /// The part, if it is ours.
    pub(super) fn ours(&self, budget: &mut gzip::Budget) -> Result<Option<Part>, UserDataError> {
        let place = Place::Part { number: self.number, line: self.line };
        let named = CONTENT_TYPES.contains(&self.content_type.as_str());
        if !named && self.content_type != "text/plain" {
            if self.content_type.contains("gpunode") {
                return Err(UserDataError::UnknownContentType { place, found: self.content_type.clone() });
            }
            return Ok(None);
        }
        let body = match self.encoding.decode(self.body) {
            Ok(body) => body,
            Err(_) if !named => return Ok(None),
            Err(error) => {
                return Err(UserDataError::TransferEncoding { place, message: error });
            }
        };
        let packed = named && gzip::is_gzip(&body);
        let body = if packed { budget.inflate(&body, place)? } else { body };
        if !named && !is_marked(&body) {
            return Ok(None);
        }
        Ok(Some(Part {
            number: self.number,
            text: text(&body, place)?,
            first_line: self.line,
            encoded: self.encoding != Encoding::None || packed,
        }))
    }
}

/// How a body was made fit for mail (RFC 2045, section 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Encoding {
    /// `7bit`, `8bit` and `binary`, and what nobody has heard of.
    #[default]
    None,
    Base64,
    QuotedPrintable,
}

impl Encoding {
    fn of(word: &str) -> Self {
        match word.trim().to_ascii_lowercase().as_str() {
            "base64" => Self::Base64,
            "quoted-printable" => Self::QuotedPrintable,
            _ => Self::None,
        }
    }

    fn decode(self, body: &[u8]) -> Result<Vec<u8>, String> {
        match self {
            Self::None => Ok(body.to_vec()),
            Self::Base64 => {
                let plain: Vec<u8> =
                    body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
                BASE64_MIME_PERMISSIVE.decode(&plain).map_err(|error| error.to_string())
            }
            Self::QuotedPrintable => {
                quoted_printable::decode(body, ParseMode::Robust).map_err(|error| error.to_string())
            }
        }
    }
}

/// What the headers of one part say.
struct Headers {
    /// In small letters.
    content_type: String,
    boundary: Option<String>,
    has_content_type: bool,
    encoding: Encoding,
    /// Bytes up to the body.
    length: usize,
}

impl Headers {
    /// `None` where `part` does not begin with a block of headers.
    fn read(part: &[u8]) -> Option<Self> {
        let (headers, length) = parse_headers(&part[..part.len().min(MAX_HEADERS)]).ok()?;
        if length == MAX_HEADERS {
            return None;
        }
        let content_type = first(&headers, "Content-Type");
        let encoding = first(&headers, "Content-Transfer-Encoding").unwrap_or_default();
        let words = content_type.as_deref().unwrap_or("text/plain");
        Some(Self {
            has_content_type: content_type.is_some(),
            content_type: words.split(';').next().unwrap_or_default().trim().to_lowercase(),
            boundary: parameter(words, "boundary"),
            encoding: Encoding::of(&encoding),
            length,
        })
    }
}

/// The value of the first header of this name, on one line.
fn first(headers: &[MailHeader<'_>], name: &str) -> Option<String> {
    let is_it = |header: &&MailHeader<'_>| {
        header.get_key_raw().trim_ascii_end().eq_ignore_ascii_case(name.as_bytes())
    };
    let value = headers.iter().find(is_it)?.get_value_raw();
    Some(String::from_utf8_lossy(value).lines().map(str::trim).collect::<Vec<_>>().join(" "))
}

/// A parameter of a content type, without its quotes (RFC 2045, section 5.1).
fn parameter(content_type: &str, name: &str) -> Option<String> {
    let pairs = content_type.split(';').skip(1).filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name)).last()?;
    let value = value.trim();
    let bare = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    Some(bare.unwrap_or(value).to_owned())
}

/// The ranges between the delimiter lines of a multipart body (RFC 2046, section 5.1.1). The last delimiter may
/// be missing, as in documents put together by hand.
fn split(document: &[u8], body: Range<usize>, boundary: &str) -> Vec<Range<usize>> {
    let delimiter = format!("--{boundary}");
    let last = format!("--{boundary}--");
    let mut parts = Vec::new();
    let mut start = None;
    let mut at = body.start;
    for line in document[body.clone()].split_inclusive(|byte| *byte == b'\n') {
        let next = at + line.len();
        let trimmed = line.trim_ascii_end();
        let is_last = trimmed == last.as_bytes();
        if is_last || trimmed == delimiter.as_bytes() {
            if let Some(start) = start {
                parts.push(start..without_line_end(document, start, at));
            }
            start = Some(next);
        }
        if is_last {
            return parts;
        }
        at = next;
    }
    if let Some(start) = start.filter(|start| *start < body.end) {
        parts.push(start..body.end);
    }
    parts
}

/// The line end before a delimiter belongs to the delimiter.
fn without_line_end(document: &[u8], start: usize, end: usize) -> usize {
    let part = &document[start..end];
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    start + part.strip_suffix(b"\r").unwrap_or(part).len()
}

fn line_at(document: &[u8], offset: usize) -> usize {
    document[..offset].split(|byte| *byte == b'\n').count()
}
