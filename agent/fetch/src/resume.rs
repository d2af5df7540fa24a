//! How to go on with a file that is partly there: pure decisions about requests and answers.

use serde::{Deserialize, Serialize};

use crate::Cause;

/// What is known of the file that a partial one is the begin of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// The source it came from.
    pub(crate) source: String,
    /// What the server calls this version of the file.
    pub(crate) validator: Option<String>,
    /// Its length.
    pub(crate) total: Option<u64>,
}

/// A request for the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rest {
    pub(crate) from: u64,
    pub(crate) if_range: Option<String>,
}

/// The head of an answer, as far as it matters here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head<'a> {
    pub(crate) status: u16,
    pub(crate) length: Option<u64>,
    pub(crate) content_range: Option<&'a str>,
    pub(crate) etag: Option<&'a str>,
    pub(crate) last_modified: Option<&'a str>,
}

/// What the body of an answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// The file from this byte on; `total` is the length of all of it.
    From { start: u64, total: Option<u64> },
    /// Nothing: all of the file is there already.
    Nothing,
}

/// Asks for the rest of what is there, where that makes sense. With `pinned` the checksum at the end tells whether the
/// parts belong together, so they may come from different mirrors and without the server's word for it.
pub(crate) fn rest(bytes: u64, note: &Note, source: &str, pinned: bool) -> Option<Rest> {
    let same = note.source == source;
    let if_range = note.validator.clone().filter(|_| same);
    (bytes > 0 && (pinned || if_range.is_some())).then_some(Rest { from: bytes, if_range })
}

/// What `If-Range` can be asked with: a strong ETag, else the date (RFC 9110, 13.1.5).
pub(crate) fn validator(head: &Head<'_>) -> Option<String> {
    let strong = |tag: &&str| tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2;
    head.etag.filter(strong).or(head.last_modified).map(str::to_owned)
}

/// What an answer with status 200, 206 or 416 brings.
pub(crate) fn body(head: &Head<'_>, asked: Option<&Rest>, note: &Note) -> Result<Body, Cause> {
    let range = head.content_range.map(|text| {
        content_range(text).ok_or_else(|| Cause::Answer(format!("Content-Range {:?}", cut(text))))
    });
    match (head.status, asked) {
        (200, _) => Ok(Body::From { start: 0, total: head.length }),
        (206, Some(rest)) => {
            let Range { bounds: Some((start, end)), total } = range.ok_or_else(no_range)?? else {
                return Err(no_range());
            };
            // A server that minds `If-Range` sends all of a changed file; one that does not says so in the tag.
            let changed = rest.if_range.is_some() && validator(head) != rest.if_range
                || total.is_some() && note.total.is_some() && total != note.total;
            if changed {
                return Err(Cause::Changed);
            }
            if start != rest.from
                || head.length.is_some_and(|length| Some(length) != (end - start).checked_add(1))
            {
                return Err(Cause::Answer(format!("asked from byte {} on, got {start} to {end}", rest.from)));
            }
            Ok(Body::From { start, total: total.or(end.checked_add(1)) })
        }
        (416, Some(rest)) => match range.transpose()? {
            Some(Range { total: Some(total), .. }) if total == rest.from => Ok(Body::Nothing),
            _ => Err(Cause::Changed),
        },
        (status, _) => Err(Cause::Answer(format!("status {status} without being asked for a part"))),
    }
}

fn no_range() -> Cause {
    Cause::Answer("status 206 without a Content-Range".to_owned())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    /// First and last byte.
    bounds: Option<(u64, u64)>,
    total: Option<u64>,
}

/// `bytes 0-9/100`, `bytes 0-9/*`, `bytes */100` (RFC 9110, 14.4).
pub(crate) fn content_range(text: &str) -> Option<Range> {
    let (unit, rest) = text.trim().split_once(' ')?;
    let (bounds, total) = rest.trim().split_once('/')?;
    let total = if total == "*" { None } else { Some(number(total)?) };
    let bounds = if bounds == "*" {
        None
    } else {
        let (first, last) = bounds.split_once('-')?;
        Some((number(first)?, number(last)?))
    };
    let sensible = bounds.is_none_or(|(first, last)| first <= last && total.is_none_or(|total| last < total));
    (unit.eq_ignore_ascii_case("bytes") && sensible && (bounds.is_some() || total.is_some()))
        .then_some(Range { bounds, total })
}

fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
