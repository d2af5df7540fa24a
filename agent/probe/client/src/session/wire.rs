//! Frames on our end of the socket, which never blocks.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use gpunode_probe_protocol::frame::{self, Error};
use gpunode_probe_protocol::message::{Message, Request};

/// Read at a time. What is kept is at most the longest frame and this.
const PIECE: usize = 16 << 10;

/// Why nothing more comes.
#[derive(Debug)]
pub(super) enum Cut {
    /// The other end is closed.
    Closed,
    /// The kernel said so.
    Failed(io::Error),
}

/// The socket with what is half read and half written.
#[derive(Debug)]
pub(super) struct Wire {
    socket: UnixStream,
    unread: Vec<u8>,
    unsent: Vec<u8>,
}

impl Wire {
    pub(super) fn new(socket: UnixStream) -> Self {
        Self { socket, unread: Vec::new(), unsent: Vec::new() }
    }

    /// Puts a request behind what is not sent yet.
    pub(super) fn queue(&mut self, request: &Request) -> Result<(), Error> {
        self.unsent.extend(frame::encode(request)?);
        Ok(())
    }

    /// Sends what can be sent now; `true` when nothing is left.
    pub(super) fn flush(&mut self) -> Result<bool, Cut> {
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(length) => drop(self.unsent.drain(..length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(cut(error)),
            }
        }
        Ok(true)
    }

    /// Reads a piece of what is there; `false` when nothing is.
    pub(super) fn read(&mut self) -> Result<bool, Cut> {
        let mut piece = [0; PIECE];
        loop {
            match self.socket.read(&mut piece) {
                Ok(0) => return Err(Cut::Closed),
                Ok(length) => {
                    self.unread.extend_from_slice(&piece[..length]);
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(cut(error)),
            }
        }
    }

    /// The next whole message among what was read.
    pub(super) fn next(&mut self) -> Result<Option<Message>, Error> {
        let Some((message, length)) = frame::decode(&self.unread)? else { return Ok(None) };
        self.unread.drain(..length);
        // A sweep of many processes is rare; its room is not kept for years.
        self.unread.shrink_to(4 * PIECE);
        Ok(Some(message))
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn cut(error: io::Error) -> Cut {
    match error.kind() {
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::NotConnected => Cut::Closed,
        _ => Cut::Failed(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_arrives_is_a_message_or_garbage_and_is_bounded(pieces in prop::collection::vec(any::<Vec<u8>>(), 0..20)) {
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            ours.set_nonblocking(true).unwrap();
            let mut wire = Wire::new(ours);
            for piece in pieces {
                theirs.write_all(&piece).unwrap();
                while wire.read().unwrap() {}
                while let Ok(Some(_)) = wire.next() {}
                if wire.next().is_err() {
                    return Ok(());
                }
                prop_assert!(wire.unread.len() <= frame::HEAD + frame::MAX + PIECE);
            }
            drop(theirs);
            prop_assert!(matches!(wire.read(), Err(Cut::Closed)));
        }
    }
}
