//! Finds our configuration in raw EC2 user data.
//!
//! User data is shared: cloud-init, nodeadm and others read the same bytes. What is ours is one of
//!
//! - a part of a MIME multipart document with content type [`CONTENT_TYPES`] (beside nodeadm's
//!   `application/node.eks.aws`, shell scripts and whatever else is in it),
//! - a `text/plain` part, or a whole document without MIME, whose first line with text is [`MARKER`]: cloud-init looks at
//!   the first line in the same way.
//!
//! Everything else (shell scripts, NodeConfig YAML, Bottlerocket settings, binary data, nothing at all) belongs
//! to others and is no error. The document, and each of our parts, may be compressed with gzip.
//!
//! The bytes come from whoever wrote the launch template, so everything is bounded: size, inflated size, number
//! of parts and depth of nesting.

mod gzip;
mod mime;
pub mod write;

#[cfg(test)]
mod tests;

/// Content types of our part, in lower case. The first is the one to write; the second is for tools that only
/// let one choose among `text/…` types.
pub const CONTENT_TYPES: [&str; 2] = ["application/vnd.gpunode.node+toml", "text/x-gpunode"];

/// First line that makes text without a content type ours. More may follow it on the line, after a space.
pub const MARKER: &str = "# gpunode";

/// Bytes of raw user data that are looked at. EC2 itself allows 16 KiB (before base64); the rest is room for
/// other sources of the same format.
pub const MAX_RAW: usize = 64 * 1024;

/// Bytes after inflation, all compressed parts together. 16 KiB of gzip can hold 16 MiB.
pub const MAX_INFLATED: usize = 1024 * 1024;

/// One part of the user data that is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its place among all parts of the document, from 1. 1 where the whole document is ours.
    pub number: usize,
    /// TOML.
    pub text: String,
    /// Line of the (inflated) user data on which [`Part::text`] begins, from 1.
    pub first_line: usize,
    /// The part is in base64, quoted-printable or gzip, so that lines of the text are not lines of the user data.
    pub encoded: bool,
}

/// Why user data that is meant for us cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum UserDataError {
    /// More than [`MAX_RAW`] bytes.
    #[error("user data has {size} bytes; at most {MAX_RAW} are read")]
    TooLarge {
        /// Bytes.
        size: usize,
    },
    /// It begins as gzip and is not, or is cut short.
    #[error("user data: the gzip data {place} is damaged")]
    Gzip {
        /// Which data.
        place: Place,
        /// What the decoder said.
        source: std::io::Error,
    },
    /// It inflates to more than [`MAX_INFLATED`] bytes.
    #[error("user data: the gzip data {place} inflates to more than {MAX_INFLATED} bytes in all")]
    InflatedTooLarge {
        /// Which data.
        place: Place,
    },
    /// More parts than anybody writes.
    #[error("user data has more than {} MIME parts", mime::MAX_PARTS)]
    TooManyParts,
    /// Multipart in multipart, too often.
    #[error("user data has MIME parts nested more than {} deep", mime::MAX_DEPTH)]
    TooDeep,
    /// A content type that names gpunode and is not one of [`CONTENT_TYPES`].
    #[error("user data {place}: content type {found:?} is not known; allowed: {}", CONTENT_TYPES.join(", "))]
    UnknownContentType {
        /// Which part.
        place: Place,
        /// What it said.
        found: String,
    },
    /// Broken base64 or quoted-printable.
    #[error("user data {place}: cannot undo its transfer encoding: {message}")]
    TransferEncoding {
        /// Which part.
        place: Place,
        /// What the decoder said.
        message: String,
    },
    /// Our text is not text.
    #[error("user data {place}: not UTF-8")]
    NotUtf8 {
        /// Which part.
        place: Place,
        /// Where it stops being UTF-8.
        source: std::str::Utf8Error,
    },
}

/// Which data an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// All of it.
    Document,
    /// One part of it.
    Part {
        /// From 1.
        number: usize,
        /// Line of the (inflated) user data on which its body begins, from 1.
        line: usize,
    },
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Document => f.write_str("as a whole"),
            Self::Part { number, line } => write!(f, "part {number} (line {line})"),
        }
    }
}

/// Our parts of `raw`, in order; a later one wins over an earlier one. Empty where nothing is for us.
pub fn parse(raw: &[u8]) -> Result<Vec<Part>, UserDataError> {
    if raw.len() > MAX_RAW {
        return Err(UserDataError::TooLarge { size: raw.len() });
    }
    let mut budget = gzip::Budget::new(MAX_INFLATED);
    if gzip::is_gzip(raw) {
        let document = budget.inflate(raw, Place::Document)?;
        find(&document, &mut budget)
    } else {
        find(raw, &mut budget)
    }
}

/// Content type of nodeadm's documents (amazon-eks-ami, `nodeadm/internal/configprovider/mime.go`).
const NODE_CONFIG: &str = "application/node.eks.aws";
/// In every NodeConfig's `apiVersion`; nodeadm also takes one without MIME around it.
const NODE_CONFIG_GROUP: &str = "node.eks.aws/";

/// The documents in `raw` that nodeadm reads, in its order. They belong to others: what is damaged or beyond the
/// bounds is left out, and nodeadm itself says so.
pub fn node_configs(raw: &[u8]) -> Vec<String> {
    let mut budget = gzip::Budget::new(MAX_INFLATED);
    let raw = &raw[..raw.len().min(MAX_RAW)];
    let inflated;
    let document = if gzip::is_gzip(raw) {
        inflated = budget.inflate(raw, Place::Document).unwrap_or_default();
        inflated.as_slice()
    } else {
        raw
    };
    match mime::leaves(document) {
        Ok(Some(leaves)) => leaves.iter().filter_map(|leaf| leaf.node_config(&mut budget)).collect(),
        Ok(None) => {
            let whole = text(document, Place::Document).ok();
            whole
                .filter(|text| text.contains(NODE_CONFIG_GROUP) && !text.starts_with("#!"))
                .into_iter()
                .collect()
        }
        Err(_) => Vec::new(),
    }
}

/// Entry for fuzzers.
///
/// # Panics
/// When [`parse`] gives more than the documented bounds, which no bytes may bring about.
pub fn fuzz(raw: &[u8]) {
    let others: usize = node_configs(raw).iter().map(String::len).sum();
    assert!(others <= MAX_RAW + MAX_INFLATED, "{others} bytes of NodeConfig");
    if let Ok(parts) = parse(raw) {
        let text: usize = parts.iter().map(|part| part.text.len()).sum();
        assert!(text <= MAX_RAW + MAX_INFLATED, "{text} bytes of text");
        assert!(parts.len() <= mime::MAX_PARTS, "{} parts", parts.len());
    }
}

fn find(document: &[u8], budget: &mut gzip::Budget) -> Result<Vec<Part>, UserDataError> {
    match mime::leaves(document)? {
        Some(leaves) => {
            let mut parts = Vec::new();
            for leaf in leaves {
                parts.extend(leaf.ours(budget)?);
            }
            Ok(parts)
        }
        None if is_marked(document) => Ok(vec![Part {
            number: 1,
            text: text(document, Place::Document)?,
            first_line: 1,
            encoded: false,
        }]),
        None => Ok(Vec::new()),
    }
}

/// Whether the first line says that this is ours.
fn is_marked(bytes: &[u8]) -> bool {
    match bytes[blank(bytes)..].strip_prefix(MARKER.as_bytes()) {
        Some(rest) => rest.first().is_none_or(u8::is_ascii_whitespace),
        None => false,
    }
}

/// Bytes before the first that says something: heredocs in templates often leave an empty line at the top.
fn blank(bytes: &[u8]) -> usize {
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    bytes.len() - text.trim_ascii_start().len()
}

/// Editors on Windows put it there; TOML has no place for it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

fn text(bytes: &[u8], place: Place) -> Result<String, UserDataError> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|source| UserDataError::NotUtf8 { place, source })
}
