//! Reads one HTTP/1 request head: what the rules of IMDS depend on, and nothing else.

use crate::token::{TOKEN_HEADER, TTL_HEADER};

/// Bytes a request head may have.
pub(super) const MAX_HEAD: usize = 8 * 1024;
/// Bytes a request body may have; ours have none.
pub(super) const MAX_BODY: usize = 1024;
const MAX_HEADERS: usize = 64;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    /// Without the query.
    pub(super) path: String,
    pub(super) token: Option<String>,
    pub(super) ttl: Option<String>,
    /// It came through a proxy, which IMDS gives no token.
    pub(super) forwarded: bool,
    /// The client wants the connection closed after the answer.
    pub(super) close: bool,
    /// Bytes of the body.
    pub(super) body: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// The request, and the bytes of its head.
    Whole(Request, usize),
    /// More bytes are needed.
    Partial,
    /// Not HTTP, or a form of it that is not served here.
    Bad(&'static str),
}

pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let size = match head.parse(bytes) {
        Ok(httparse::Status::Complete(size)) => size,
        Ok(httparse::Status::Partial) => return Parsed::Partial,
        Err(_) => return Parsed::Bad("not an HTTP/1 request, or more than 64 header lines"),
    };
    let target = head.path.unwrap_or_default();
    let mut request = Request {
        method: head.method.unwrap_or_default().to_owned(),
        path: target.split('?').next().unwrap_or_default().to_owned(),
        close: head.version == Some(0),
        ..Request::default()
    };
    for header in head.headers.iter() {
        let Ok(value) = std::str::from_utf8(header.value).map(str::trim) else {
            return Parsed::Bad("a header value is not UTF-8");
        };
        match header.name.to_ascii_lowercase().as_str() {
            TOKEN_HEADER => request.token = Some(value.to_owned()),
            TTL_HEADER => request.ttl = Some(value.to_owned()),
            "x-forwarded-for" => request.forwarded = true,
            "connection" => request.close |= value.eq_ignore_ascii_case("close"),
            "transfer-encoding" => return Parsed::Bad("bodies in chunks are not served"),
            "content-length" => match value.parse() {
                Ok(length) if length <= MAX_BODY => request.body = length,
                _ => return Parsed::Bad("the body is too long, or its length is no number"),
            },
            _ => {}
        }
    }
    Parsed::Whole(request, size)
}

/// Entry for fuzzers.
pub(crate) fn fuzz(raw: &[u8]) {
    if let Parsed::Whole(request, size) = parse(raw) {
        assert!(size <= raw.len(), "a head of {size} bytes in {}", raw.len());
        assert!(request.body <= MAX_BODY, "a body of {} bytes", request.body);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_the_rules_need() {
        let head = b"PUT /latest/api/token?x HTTP/1.1\r\nX-Aws-Ec2-Metadata-Token-Ttl-Seconds: 60\r\nx-forwarded-for: a\r\nContent-Length: 2\r\nConnection: Close\r\n\r\nab";
        let expected = Request {
            method: "PUT".into(),
            path: "/latest/api/token".into(),
            ttl: Some("60".into()),
            forwarded: true,
            close: true,
            body: 2,
            token: None,
        };
        assert_eq!(parse(head), Parsed::Whole(expected, head.len() - 2));
    }

    #[test]
    fn old_http_closes() {
        let parsed = parse(b"GET / HTTP/1.0\r\n\r\n");
        assert!(matches!(parsed, Parsed::Whole(Request { close: true, .. }, _)), "{parsed:?}");
    }

    #[test]
    fn refuses_what_it_does_not_serve() {
        for bad in [
            "\0\0\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 9999\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        ] {
            assert!(matches!(parse(bad.as_bytes()), Parsed::Bad(_)), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            fuzz(&bytes);
        }
    }
}
