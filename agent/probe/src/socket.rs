//! Frames on the socket.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use gpunode_probe_protocol::frame::{self, HEAD};
use gpunode_probe_protocol::message::{Message, Request};

/// The longest request, in bytes: 512 PCI addresses to skip. Who asks for more is not speaking this protocol.
const LONGEST: usize = 8 << 10;

/// The socket to who started the probe.
pub(crate) struct Socket {
    stream: UnixStream,
    unread: Vec<u8>,
}

impl Socket {
    /// Speaks frames on an open stream socket.
    pub(crate) fn new(descriptor: OwnedFd) -> io::Result<Self> {
        let stream = UnixStream::from(descriptor);
        stream.set_nonblocking(false)?;
        Ok(Self { stream, unread: Vec::new() })
    }

    /// Reads once, when the socket is readable. `Ok(false)` says that the other end is closed.
    pub(crate) fn read(&mut self) -> Result<bool, String> {
        let mut bytes = [0; 1024];
        match self.stream.read(&mut bytes) {
            Ok(0) => Ok(false),
            Ok(length) => {
                self.unread.extend_from_slice(&bytes[..length]);
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(false),
            Err(error) => Err(format!("reading the socket: {error}")),
        }
    }

    /// The next whole request among what was read.
    pub(crate) fn next(&mut self) -> Result<Option<Request>, String> {
        if self.unread.first_chunk::<HEAD>().is_some_and(|head| u32::from_le_bytes(*head) as usize > LONGEST)
        {
            return Err(format!("a request of more than {LONGEST} bytes"));
        }
        match frame::decode(&self.unread) {
            Ok(Some((request, length))) => {
                self.unread.drain(..length);
                Ok(Some(request))
            }
            Ok(None) => Ok(None),
            Err(error) => Err(format!("a request that cannot be read: {error}")),
        }
    }

    /// Sends a message. `Ok(false)` says that the other end is closed.
    pub(crate) fn send(&mut self, message: &Message) -> Result<bool, String> {
        let frame = frame::encode(message).map_err(|error| format!("writing a message: {error}"))?;
        match self.stream.write_all(&frame) {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                Ok(false)
            }
            Err(error) => Err(format!("writing the socket: {error}")),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
