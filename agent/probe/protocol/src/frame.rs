//! Frames on the socket: four bytes of length, little-endian, then that many bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest frame, in bytes. A sweep of 16 GPUs with every process list full stays below a quarter of it.
pub const MAX: usize = 1 << 20;
/// Bytes before the content.
pub const HEAD: usize = 4;

/// Why a frame cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// More than [`MAX`].
    #[error("a frame of {0} bytes; at most {MAX} are allowed")]
    TooLong(usize),
    /// The content is not what this version of the protocol says.
    #[error("the content of a frame cannot be read or written")]
    Content(#[from] postcard::Error),
}

/// A whole frame with `message` in it.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, Error> {
    let mut frame = postcard::to_extend(message, vec![0; HEAD])?;
    let length = frame.len() - HEAD;
    let head = u32::try_from(length).ok().filter(|_| length <= MAX).ok_or(Error::TooLong(length))?;
    frame[..HEAD].copy_from_slice(&head.to_le_bytes());
    Ok(frame)
}

/// The first whole frame in `bytes` and how many bytes it took; `None` when more bytes are needed.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<Option<(T, usize)>, Error> {
    let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else { return Ok(None) };
    let length = u32::from_le_bytes(*head) as usize;
    if length > MAX {
        return Err(Error::TooLong(length));
    }
    let Some(content) = rest.get(..length) else { return Ok(None) };
    let (message, left) = postcard::take_from_bytes(content)?;
    if !left.is_empty() {
        return Err(Error::Content(postcard::Error::DeserializeBadEncoding));
    }
    Ok(Some((message, HEAD + length)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Message, Request, Say, Want};

    #[test]
    fn a_message_comes_back_whole_however_it_arrives() {
        let request = Request {
            id: 7,
            deadline_ms: 900,
            want: Want::Gpus { skip: vec!["0000:53:00.0".into()], slow: true },
        };
        let bytes = encode(&request).unwrap();
        for end in 0..bytes.len() {
            assert!(decode::<Request>(&bytes[..end]).unwrap().is_none(), "{end}");
        }
        let mut twice = bytes.clone();
        twice.extend(&bytes);
        assert_eq!(decode::<Request>(&twice).unwrap(), Some((request, bytes.len())));
    }

    #[test]
    fn garbage_is_refused() {
        assert!(matches!(decode::<Message>(&[0xff; 64]), Err(Error::TooLong(_))));
        assert!(matches!(decode::<Message>(&[2, 0, 0, 0, 0, 0xff]), Err(Error::Content(_))));
        let mut longer = encode(&Message { id: 1, say: Say::Goodbye }).unwrap();
        longer[0] += 1;
        longer.push(0);
        assert!(matches!(decode::<Message>(&longer), Err(Error::Content(_))));
    }
}
