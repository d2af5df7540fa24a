//! Reads a device past the page cache: what is looked at must be what is on the device, and 9 MiB of each of eight
//! blank disks have no business in memory.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use gpunode_host::disk::{Device, read_in_turn};

use super::queue::{Queue, Queues};

/// O_DIRECT wants memory, offsets and lengths aligned to the logical block; 4 KiB is the largest that NVMe disks on
/// EC2 have. Source: open(2).
const ALIGN: usize = 4096;
/// What is read where a few bytes are asked for, in bytes. Some hundred marks of formats lie in some twenty such
/// windows, most of them in the first and the last.
const WINDOW: usize = 64 << 10;
/// How many of them are kept.
const KEPT: usize = 8;

/// A device or file that is read directly where its file system can, and through the cache elsewhere (tmpfs).
pub(super) struct Direct<'a> {
    file: File,
    /// The one that was used last comes last.
    windows: Vec<Window>,
    position: u64,
    queues: &'a Queues,
    /// `None` before it is needed, and where the kernel gave none; then parts are read one after the other.
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

impl<'a> Direct<'a> {
    /// Opens for reading; `exclusive` fails while the kernel has the block device in use.
    pub(super) fn open(path: &Path, exclusive: bool, queues: &'a Queues) -> io::Result<Self> {
        let flags = if exclusive { nix::libc::O_EXCL } else { 0 };
        let open = |flags| OpenOptions::new().read(true).custom_flags(flags).open(path);
        let file = match open(flags | nix::libc::O_DIRECT) {
            Err(error) if error.raw_os_error() == Some(nix::libc::EINVAL) => open(flags)?,
            other => other?,
        };
        Ok(Self { file, windows: Vec::new(), position: 0, queues, queue: None })
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

impl Read for Direct<'_> {
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

impl Seek for Direct<'_> {
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

impl Drop for Direct<'_> {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.take() {
            self.queues.give_back(queue);
        }
    }
}

impl Device for Direct<'_> {
    fn read_parts(&mut self, parts: &[Range<u64>], buffer: &mut [u8]) -> io::Result<()> {
        let several = parts.len() > 1;
        let aligned =
            |part: &Range<u64>| [part.start, part.end].iter().all(|at| at.is_multiple_of(ALIGN as u64));
        if several && is_aligned(buffer) && parts.iter().all(aligned) {
            self.queue = self.queue.take().or_else(|| self.queues.take());
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
mod tests;
