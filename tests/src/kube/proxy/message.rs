//! One HTTP/1.1 request as it comes.

use std::io::{self, Read};

/// A request with its body.
pub(crate) struct Message {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    /// Bytes on the connection, headers included.
    pub(crate) size: usize,
}

impl Message {
    /// Makes the same request of the server at `url`.
    pub(crate) fn forward(
        &self,
        upstream: &ureq::Agent,
        url: &str,
    ) -> io::Result<ureq::http::Response<ureq::Body>> {
        let uri = format!("{url}{}", self.target);
        let mut builder = ureq::http::Request::builder().method(self.method.as_str()).uri(uri);
        for (name, value) in &self.headers {
            if !["host", "connection", "content-length"].contains(&name.as_str()) {
                builder = builder.header(name, value.as_slice());
            }
        }
        let request = builder.body(self.body.as_slice()).map_err(io::Error::other)?;
        let request = upstream.configure_request(request).allow_non_standard_methods(true).build();
        upstream.run(request).map_err(io::Error::other)
    }
}

/// More than any client of ours sends.
const LARGEST: usize = 8 << 20;

/// The next request; `None` at the end of the connection. `rest` keeps what was read beyond it.
pub(crate) fn read(stream: &mut impl Read, rest: &mut Vec<u8>) -> io::Result<Option<Message>> {
    loop {
        if let Some((mut message, head, length)) = parse(rest)? {
            while rest.len() < head + length {
                if fill(stream, rest)? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            message.body = rest[head..head + length].to_vec();
            message.size = head + length;
            rest.drain(..head + length);
            return Ok(Some(message));
        }
        if fill(stream, rest)? == 0 {
            return Ok(None);
        }
    }
}

fn fill(stream: &mut impl Read, rest: &mut Vec<u8>) -> io::Result<usize> {
    if rest.len() > LARGEST {
        return Err(io::Error::other("a request of more than 8 MiB"));
    }
    let mut buffer = [0; 16 << 10];
    let read = stream.read(&mut buffer)?;
    rest.extend_from_slice(&buffer[..read]);
    Ok(read)
}

/// A request's head without its body, how long the head is, and how long the body will be.
fn parse(bytes: &[u8]) -> io::Result<Option<(Message, usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = request.parse(bytes).map_err(io::Error::other)? else {
        return Ok(None);
    };
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec()))
        .collect();
    let value = |name: &str| {
        headers.iter().find(|(key, _)| key == name).and_then(|(_, value)| std::str::from_utf8(value).ok())
    };
    if value("transfer-encoding").is_some() {
        return Err(io::Error::other("the proxy of the test bed takes no chunked requests"));
    }
    let length =
        value("content-length").map_or(Ok(0), |text| text.trim().parse()).map_err(io::Error::other)?;
    let message = Message {
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        headers,
        body: Vec::new(),
        size: 0,
    };
    Ok(Some((message, head, length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_requests_on_one_connection_come_apart() {
        let text = b"PATCH /a?b=c HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}GET /d HTTP/1.1\r\n\r\n";
        let (mut stream, mut rest) = (&text[..], Vec::new());
        let first = read(&mut stream, &mut rest).unwrap().unwrap();
        assert_eq!(
            (first.method.as_str(), first.target.as_str(), first.body.as_slice()),
            ("PATCH", "/a?b=c", &b"{}"[..])
        );
        let second = read(&mut stream, &mut rest).unwrap().unwrap();
        assert_eq!((second.target.as_str(), second.size), ("/d", 19));
        assert!(read(&mut stream, &mut rest).unwrap().is_none());
        assert_eq!(first.size + second.size, text.len());
    }

    #[test]
    fn half_a_body_is_an_error() {
        let mut stream = &b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf"[..];
        assert!(read(&mut stream, &mut Vec::new()).is_err());
    }
}
