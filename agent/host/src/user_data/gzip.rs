//! Inflates gzip data without ever holding more than was agreed.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use super::{Place, UserDataError};

/// Whether `bytes` begin with gzip's magic number (RFC 1952).
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// Bytes that may still come out of decoders, over all of one document.
pub(super) struct Budget {
    left: usize,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self { left: bytes }
    }

    /// All members of `packed`, as Python's (cloud-init) and Go's (nodeadm) decoders read them.
    pub(super) fn inflate(&mut self, packed: &[u8], place: Place) -> Result<Vec<u8>, UserDataError> {
        // One byte more than allowed, so that the full vector never grows and too much shows as one too many.
        let mut plain = Vec::with_capacity(self.left + 1);
        MultiGzDecoder::new(packed)
            .take(self.left as u64 + 1)
            .read_to_end(&mut plain)
            .map_err(|source| UserDataError::Gzip { place, source })?;
        self.left = self.left.checked_sub(plain.len()).ok_or(UserDataError::InflatedTooLarge { place })?;
        Ok(plain)
    }
}
