//! Reads a device past the page cache: what is looked at must be what is on the device, and 36 MiB of each of eight
//! blank disks have no business in memory.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// O_DIRECT wants memory, offsets and lengths aligned to the logical block; 4 KiB is the largest that NVMe disks on
/// EC2 have. Source: open(2).
const ALIGN: usize = 4096;
/// What is read at once, in bytes.
const WINDOW: usize = 256 << 10;

/// A device or file that is read directly where its file system can, and through the cache elsewhere (tmpfs).
pub(super) struct Direct {
    file: File,
    /// Room for an aligned window anywhere in it.
    memory: Vec<u8>,
    /// Where the window begins in `memory`.
    start: usize,
    /// What the window holds: from which offset, how many bytes.
    at: u64,
    filled: usize,
    position: u64,
}

impl Direct {
    /// Opens for reading; `exclusive` fails while the kernel has the block device in use.
    pub(super) fn open(path: &Path, exclusive: bool) -> io::Result<Self> {
        let flags = if exclusive { nix::libc::O_EXCL } else { 0 };
        let open = |flags| OpenOptions::new().read(true).custom_flags(flags).open(path);
        let file = match open(flags | nix::libc::O_DIRECT) {
            Err(error) if error.raw_os_error() == Some(nix::libc::EINVAL) => open(flags)?,
            other => other?,
        };
        let memory = vec![0; WINDOW + ALIGN];
        let start = memory.as_ptr().align_offset(ALIGN);
        Ok(Self { file, memory, start, at: 0, filled: 0, position: 0 })
    }

    /// Fills the window so that it holds the present position.
    fn refill(&mut self) -> io::Result<()> {
        self.at = self.position - self.position % ALIGN as u64;
        self.filled = 0;
        let window = &mut self.memory[self.start..self.start + WINDOW];
        self.filled = self.file.read_at(window, self.at)?;
        Ok(())
    }

    fn window(&self) -> &[u8] {
        let held = &self.memory[self.start..self.start + self.filled];
        let from = self.position.checked_sub(self.at).and_then(|from| usize::try_from(from).ok());
        from.and_then(|from| held.get(from..)).unwrap_or_default()
    }
}

impl Read for Direct {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.window().is_empty() {
            self.refill()?;
        }
        let count = self.window().len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.window()[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Direct {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = match to {
            SeekFrom::Current(by) => {
                self.position.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?
            }
            SeekFrom::Start(_) | SeekFrom::End(_) => self.file.seek(to)?,
        };
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_a_file_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        let bytes: Vec<u8> = (0..700_001_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
        std::fs::write(&path, &bytes).unwrap();
        let mut direct = Direct::open(&path, false).unwrap();
        assert_eq!(direct.seek(SeekFrom::End(0)).unwrap(), 700_001);
        for (offset, len) in [(0, 2), (1080, 2), (4095, 2), (262_143, 300_000), (699_999, 2), (3, 1)] {
            let mut buffer = vec![0; len];
            direct.seek(SeekFrom::Start(offset as u64)).unwrap();
            direct.read_exact(&mut buffer).unwrap();
            assert_eq!(buffer, bytes[offset..offset + len], "{len} bytes at {offset}");
        }
        direct.seek(SeekFrom::Start(700_001)).unwrap();
        assert_eq!(direct.read(&mut [0; 8]).unwrap(), 0);
    }
}
