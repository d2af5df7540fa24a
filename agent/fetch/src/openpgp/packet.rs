//! Packets and the numbers in them (RFC 9580, 4).

use super::Error;

/// A reader that never goes past the end.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { bytes, what }
    }

    pub(super) fn fail(&self, why: &'static str) -> Error {
        Error::Form { what: self.what, why }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) =
            self.bytes.split_at_checked(length).ok_or_else(|| self.fail("it ends too early"))?;
        self.bytes = rest;
        Ok(taken)
    }

    /// A number of `length` bytes, at most 4.
    pub(super) fn number(&mut self, length: usize) -> Result<usize, Error> {
        let bytes = self.take(length)?;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// A multi-precision integer, most significant byte first.
    pub(super) fn integer(&mut self) -> Result<&'a [u8], Error> {
        let bits = self.number(2)?;
        self.take(bits.div_ceil(8))
    }

    /// The next packet's tag and body.
    pub(super) fn packet(&mut self) -> Result<(u8, Reader<'a>), Error> {
        let head = self.number(1)?;
        if head & 0x80 == 0 {
            return Err(self.fail("no packet begins where one should"));
        }
        let (tag, length) = if head & 0x40 == 0 {
            let length = match head & 3 {
                3 => return Err(self.fail("a packet without length")),
                size => self.number(1 << size)?,
            };
            (head >> 2 & 15, length)
        } else {
            (head & 63, self.length(true)?)
        };
        let body = self.take(length)?;
        Ok((u8::try_from(tag).unwrap_or(0), Reader { bytes: body, what: self.what }))
    }

    /// The next subpacket's type and body.
    pub(super) fn subpacket(&mut self) -> Result<(u8, &'a [u8]), Error> {
        let length = self.length(false)?;
        let (kind, body) = self.take(length)?.split_first().ok_or_else(|| self.fail("an empty subpacket"))?;
        Ok((*kind, body))
    }

    fn length(&mut self, partial: bool) -> Result<usize, Error> {
        Ok(match self.number(1)? {
            255 => self.number(4)?,
            224..=254 if partial => return Err(self.fail("a packet in parts")),
            first @ 192.. => ((first - 192) << 8) + self.number(1)? + 192,
            first => first,
        })
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.bytes
    }
}
