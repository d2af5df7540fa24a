//! For tests: a disk in memory, and what the superblocks of gpunode's own volumes say.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

use uuid::Uuid;

use super::reader::Device;
use super::signature::{MdSuper, XfsSuper};
use super::{ARRAY_NAME, LABEL};

/// A disk that is zero everywhere but where something was written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sparse {
    size: u64,
    at: u64,
    bytes: BTreeMap<u64, u8>,
}

impl Sparse {
    pub(crate) fn new(size: u64) -> Self {
        Self { size, ..Self::default() }
    }

    /// Writes what lies within the disk.
    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) {
        for (at, &byte) in (offset..self.size).zip(bytes) {
            self.bytes.insert(at, byte);
        }
    }
}

impl Read for Sparse {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let len = buffer.len().min(left);
        buffer[..len].fill(0);
        let end = self.at + len as u64;
        for (at, &byte) in self.bytes.range(self.at..end) {
            buffer[usize::try_from(at - self.at).unwrap()] = byte;
        }
        self.at = end;
        Ok(len)
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self.size.saturating_add_signed(by),
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

impl Device for Sparse {}

/// What a whole volume of ours of `size` bytes says.
pub(crate) fn our_xfs(uuid: Uuid, size: u64) -> XfsSuper {
    XfsSuper { uuid, label: LABEL.to_owned(), size, in_progress: false, intact: true }
}

/// Bytes from the start of a member to its contents, as mdadm chooses for disks of this size.
pub(crate) const DATA: u64 = 1 << 20;

/// What a member of our array says.
pub(crate) fn our_md(array: Uuid, role: u16, raid_disks: u32, disk: u64) -> MdSuper {
    MdSuper {
        version: "1.2",
        array,
        name: format!("ip-10-0-0-1:{ARRAY_NAME}"),
        level: 0,
        raid_disks,
        role: Some(role),
        payload: DATA..disk,
        header: 4096..4096 + 256 + 2 * 128,
        intact: true,
        first: None,
    }
}
