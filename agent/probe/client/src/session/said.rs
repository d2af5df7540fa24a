//! The last of what the probe wrote to standard error: libraries say there why they refuse.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

/// What is kept, in bytes: the last.
pub(super) const KEPT: usize = 4 << 10;
/// Read at one go, so that a flood holds nobody up: what a pipe holds.
const GO: usize = 64 << 10;

/// The reading end, which never blocks; closed when the writing end is.
#[derive(Debug)]
pub(super) struct Said {
    pipe: Option<File>,
    kept: Vec<u8>,
}

impl Said {
    pub(super) fn new(pipe: OwnedFd) -> Self {
        Self { pipe: Some(pipe.into()), kept: Vec::new() }
    }

    /// Takes what is there.
    pub(super) fn read(&mut self) {
        let mut piece = [0; KEPT];
        for _ in 0..GO / KEPT {
            let Some(pipe) = &mut self.pipe else { return };
            match pipe.read(&mut piece) {
                Ok(length @ 1..) => self.keep(&piece[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => self.pipe = None,
            }
        }
    }

    /// The text so far.
    pub(super) fn text(&mut self) -> String {
        self.read();
        String::from_utf8_lossy(&self.kept).into_owned()
    }

    /// For waiting; `None` once it is closed.
    pub(super) fn as_open_fd(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(|pipe| pipe.as_fd())
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
        let surplus = self.kept.len().saturating_sub(KEPT);
        self.kept.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    use nix::fcntl::OFlag;
    use nix::unistd::pipe2;

    #[test]
    fn the_last_is_kept_and_the_end_is_noticed() {
        let (reads, writes) = pipe2(OFlag::O_NONBLOCK).unwrap();
        let mut said = Said::new(reads);
        let mut writes = File::from(writes);
        writes.write_all(&[b'a'; 3000]).unwrap();
        assert_eq!(said.text().len(), 3000);
        writes.write_all(&[b'b'; 3000]).unwrap();
        let text = said.text();
        assert_eq!((text.len(), text.matches('b').count()), (KEPT, 3000));
        drop(writes);
        said.read();
        assert!(said.as_open_fd().is_none());
    }
}
