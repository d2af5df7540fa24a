//! Reads a device past the page cache: what is looked at must be what is on the device, and 13 MiB of each of eight
//! blank disks have no business in memory.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use gpunode_host::disk::{Device, read_in_turn};

use super::queue::Queue;

/// O_DIRECT wants memory, offsets and lengths aligned to the logical block; 4 KiB is the largest that NVMe disks on
/// EC2 have. Source: open(2).
const ALIGN: usize = 4096;
/// What is read where a few bytes are asked for, in bytes. Some hundred marks of formats lie in some twenty such
/// windows, most of them in the first and the last.
const WINDOW: usize = 64 << 10;
/// How many of them are kept.
const KEPT: usize = 8;

/// A device or file that is read directly where its file system can, and through the cache elsewhere (tmpfs).
pub(super) struct Direct {
    file: File,
    /// The one that was used last comes last.
    windows: Vec<Window>,
    position: u64,
    /// `None` where the kernel gave none; then parts are read one after the other.
    queue: Option<Queue>,
}

/// A part of the device.
struct Window {
    /// Room for an aligned window anywhere in it.
    memory: Vec<u8>,
    /// Where the window begins in `memory`.
    start: usize,
    /// What it holds: from which offset, how many bytes.
    at: u64,
    filled: usize,
}

impl Window {
    fn empty() -> Self {
        let memory = vec![0; WINDOW + ALIGN];
        let start = memory.as_ptr().align_offset(ALIGN);
        Self { memory, start, at: 0, filled: 0 }
    }

    fn fill(&mut self, file: &File, at: u64) -> io::Result<()> {
        self.filled = 0;
        self.at = at;
        self.filled = file.read_at(&mut self.memory[self.start..self.start + WINDOW], at)?;
        Ok(())
    }

    /// What it holds from `position` on.
    fn rest(&self, position: u64) -> Option<&[u8]> {
        let from = usize::try_from(position.checked_sub(self.at)?).ok()?;
        self.memory[self.start..self.start + self.filled].get(from..).filter(|rest| !rest.is_empty())
    }
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
        Ok(Self { file, windows: Vec::new(), position: 0, queue: None })
    }

    /// Makes the window that holds the present position the last.
    fn turn_to_window(&mut self) -> io::Result<()> {
        let held = self.windows.iter().position(|window| window.rest(self.position).is_some());
        let window = if let Some(index) = held {
            self.windows.remove(index)
        } else {
            let mut window = if self.windows.len() < KEPT { Window::empty() } else { self.windows.remove(0) };
            window.fill(&self.file, self.position - self.position % WINDOW as u64)?;
            window
        };
        self.windows.push(window);
        Ok(())
    }

    /// Whether the kernel can read from here into this buffer, so that nothing has to be copied.
    fn fits(&self, buffer: &[u8]) -> bool {
        is_aligned(buffer) && self.position.is_multiple_of(ALIGN as u64)
    }
}

impl Read for Direct {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = if self.fits(buffer) {
            self.file.read_at(buffer, self.position)?
        } else {
            self.turn_to_window()?;
            let held = self.windows.last().and_then(|window| window.rest(self.position)).unwrap_or_default();
            let count = held.len().min(buffer.len());
            buffer[..count].copy_from_slice(&held[..count]);
            count
        };
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Direct {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(by) => {
                self.position.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?
            }
            SeekFrom::End(_) => self.file.seek(to)?,
        };
        Ok(self.position)
    }
}

impl Device for Direct {
    fn read_parts(&mut self, parts: &[Range<u64>], buffer: &mut [u8]) -> io::Result<()> {
        let several = parts.len() > 1;
        let aligned =
            |part: &Range<u64>| [part.start, part.end].iter().all(|at| at.is_multiple_of(ALIGN as u64));
        if several && is_aligned(buffer) && parts.iter().all(aligned) {
            self.queue = self.queue.take().or_else(|| Queue::new().ok());
            if self.queue.as_mut().is_some_and(|queue| queue.read(&self.file, parts, buffer)) {
                return Ok(());
            }
        }
        // Also where a part did not come: this names the error.
        read_in_turn(self, parts, buffer)
    }
}

/// Whether the kernel can read straight into this memory.
fn is_aligned(buffer: &[u8]) -> bool {
    buffer.as_ptr().align_offset(ALIGN) == 0 && buffer.len().is_multiple_of(ALIGN) && !buffer.is_empty()
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
        // Twice, so that windows are used again, also after some were given up.
        let far = [(0, 2), (1080, 2), (4095, 2), (262_143, 300_000), (699_999, 2), (3, 1), (65_535, 2)];
        for (offset, len) in far.iter().chain(&far).copied() {
            let mut buffer = vec![0; len];
            direct.seek(SeekFrom::Start(offset as u64)).unwrap();
            direct.read_exact(&mut buffer).unwrap();
            assert_eq!(buffer, bytes[offset..offset + len], "{len} bytes at {offset}");
        }
        direct.seek(SeekFrom::Start(700_001)).unwrap();
        assert_eq!(direct.read(&mut [0; 8]).unwrap(), 0);
    }

    #[test]
    fn large_aligned_reads_give_the_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        let bytes: Vec<u8> = (0..1_000_001_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
        std::fs::write(&path, &bytes).unwrap();
        let mut direct = Direct::open(&path, false).unwrap();
        let mut memory = vec![0; (256 << 10) + ALIGN];
        let start = memory.as_ptr().align_offset(ALIGN);
        let buffer = &mut memory[start..start + (256 << 10)];
        for offset in [0, 4096, 400_000, 1_000_001 - (256 << 10), 700_416] {
            direct.seek(SeekFrom::Start(offset as u64)).unwrap();
            assert_eq!(direct.fits(buffer), offset % ALIGN == 0);
            direct.read_exact(buffer).unwrap();
            assert_eq!(buffer, &bytes[offset..offset + (256 << 10)], "at {offset}");
        }
    }
    #[test]
    fn parts_are_the_same_at_once_and_in_turn_and_the_end_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        let bytes: Vec<u8> = (0..1_000_001_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
        std::fs::write(&path, &bytes).unwrap();
        let mut direct = Direct::open(&path, false).unwrap();
        let mut memory = vec![0; (64 << 10) + ALIGN];
        let start = memory.as_ptr().align_offset(ALIGN);
        let buffer = &mut memory[start..start + (64 << 10)];
        // Aligned, not aligned, with an odd end.
        for parts in [
            vec![0..4096, 40_960..49_152, 819_200..823_296],
            vec![5..10, 700..4796],
            vec![0..4096, 999_424..1_000_001],
        ] {
            let wanted: Vec<_> =
                parts.iter().flat_map(|part| &bytes[part.start..part.end]).copied().collect();
            let parts: Vec<_> = parts.iter().map(|part| part.start as u64..part.end as u64).collect();
            direct.read_parts(&parts, &mut buffer[..wanted.len()]).unwrap();
            assert_eq!(buffer[..wanted.len()], wanted, "{parts:?}");
        }
        let beyond = direct.read_parts(&[0..4096, 999_424..1_003_520], &mut buffer[..8192]);
        assert_eq!(beyond.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
