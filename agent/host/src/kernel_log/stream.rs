//! Records out of a stream of bytes, for a file or a FIFO that stands in for `/dev/kmsg`, whose every read is one
//! record.

use std::ops::Range;

/// A record of the kernel is under 8 KiB with its escapes (`PRINTK_MESSAGE_MAX`, before 6.5 `CONSOLE_EXT_LOG_MAX`).
pub(super) const CAPACITY: usize = 8192;

/// A buffer, and what of it is not used up.
#[derive(Debug)]
pub(super) struct Stream {
    bytes: Box<[u8; CAPACITY]>,
    start: usize,
    end: usize,
    /// The line that is being read is longer than a record may be; what is left of it is dropped.
    overlong: bool,
}

/// What is next in the buffer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A whole record.
    Record(Range<usize>),
    /// The rest of a line that was too long.
    Overlong,
    /// More must be read first.
    Wanting,
}

impl Stream {
    pub(super) fn new() -> Self {
        Self { bytes: Box::new([0; CAPACITY]), start: 0, end: 0, overlong: false }
    }

    pub(super) fn bytes(&self) -> &[u8; CAPACITY] {
        &self.bytes
    }

    /// The whole buffer, for a source whose every read is one record.
    pub(super) fn whole(&mut self) -> &mut [u8] {
        &mut self.bytes[..]
    }

    /// Room for more; never empty after [`Piece::Wanting`].
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        &mut self.bytes[self.end..]
    }

    /// `length` bytes were read into [`Stream::room`].
    pub(super) fn filled(&mut self, length: usize) {
        self.end += length;
    }

    /// Takes the next record: a line, and the lines after it that begin with a space as far as they have come.
    pub(super) fn take(&mut self) -> Piece {
        let Some(mut end) = self.line_end(self.start) else {
            if self.end - self.start == CAPACITY {
                self.start = self.end;
                self.overlong = true;
            }
            return Piece::Wanting;
        };
        while self.bytes[end..self.end].first() == Some(&b' ') {
            let Some(next) = self.line_end(end) else { break };
            end = next;
        }
        let record = self.start..end;
        self.start = end;
        if std::mem::take(&mut self.overlong) { Piece::Overlong } else { Piece::Record(record) }
    }

    /// Behind the line that begins at `from`.
    fn line_end(&self, from: usize) -> Option<usize> {
        let line = &self.bytes[from..self.end];
        Some(from + line.iter().position(|&byte| byte == b'\n')? + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(stream: &mut Stream, mut bytes: &[u8]) -> Vec<Result<String, ()>> {
        let mut records = Vec::new();
        loop {
            match stream.take() {
                Piece::Record(range) => {
                    records.push(Ok(String::from_utf8_lossy(&stream.bytes()[range]).into()));
                }
                Piece::Overlong => records.push(Err(())),
                Piece::Wanting if bytes.is_empty() => return records,
                Piece::Wanting => {
                    let room = stream.room();
                    assert!(!room.is_empty());
                    let length = room.len().min(bytes.len());
                    room[..length].copy_from_slice(&bytes[..length]);
                    stream.filled(length);
                    bytes = &bytes[length..];
                }
            }
        }
    }

    #[test]
    fn a_record_keeps_its_dictionary() {
        let mut stream = Stream::new();
        let records = feed(&mut stream, b"6,1,2,-;a\n SUBSYSTEM=pci\n DEVICE=x\n6,2,3,-;b\n6,3");
        assert_eq!(records, [Ok("6,1,2,-;a\n SUBSYSTEM=pci\n DEVICE=x\n".into()), Ok("6,2,3,-;b\n".into())]);
        assert_eq!(feed(&mut stream, b",4,-;c\n"), [Ok("6,3,4,-;c\n".into())]);
    }

    #[test]
    fn a_line_without_an_end_is_dropped_up_to_the_next() {
        let mut bytes = vec![b'x'; 3 * CAPACITY];
        bytes.extend(b"tail\n6,1,2,-;a\n");
        assert_eq!(feed(&mut Stream::new(), &bytes), [Err(()), Ok("6,1,2,-;a\n".into())]);
    }

    #[test]
    fn many_records_go_through_one_buffer() {
        let line = format!("6,1,2,-;{}\n", "y".repeat(700));
        let records = feed(&mut Stream::new(), line.repeat(100).as_bytes());
        assert_eq!(records.len(), 100);
        assert!(records.iter().all(|record| record.as_ref() == Ok(&line)));
    }
}
