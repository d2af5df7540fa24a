//! Many reads of a device at once, by the kernel's asynchronous I/O: a thousand pieces one after the other would cost a
//! thousand waits for the disk, and a system call and a change of context each. Not io_uring, which hardened hosts
//! switch off (`kernel.io_uring_disabled`).
#![allow(
    unsafe_code,
    reason = "these system calls have no safe interface; what each needs is said where it is made"
)]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{mem, ptr, thread};

use nix::libc::{self, c_long, c_ulong};

/// Reads that are under way at most; as many as a batch of the blank proof has parts.
const DEPTH: usize = 256;

/// `struct iocb` of linux/aio_abi.h.
#[repr(C)]
#[derive(Default)]
struct Request {
    data: u64,
    key_and_flags: u64,
    opcode: u16,
    priority: i16,
    descriptor: u32,
    buffer: u64,
    length: u64,
    offset: i64,
    reserved: u64,
    flags: u32,
    event_descriptor: u32,
}

/// `struct io_event` of linux/aio_abi.h.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Answer {
    data: u64,
    request: u64,
    result: i64,
    result2: i64,
}

const _: () = assert!(size_of::<Request>() == 64 && size_of::<Answer>() == 32);

/// `IOCB_CMD_PREAD`
const READ: u16 = 0;

/// A queue of the kernel. Between two calls nothing is under way in it.
pub(super) struct Queue(c_ulong);

impl Queue {
    /// # Errors
    /// The kernel has no such queues, or no more of them: io_setup(2).
    pub(super) fn new() -> io::Result<Self> {
        let mut context: c_ulong = 0;
        // SAFETY: the kernel writes one number, of this size.
        checked(unsafe { libc::syscall(libc::SYS_io_setup, DEPTH, &raw mut context) })?;
        Ok(Self(context))
    }

    /// Fills `buffer` with these parts, one directly behind the other, which together are as long as it. False where
    /// not every part came back whole; then the buffer holds anything.
    pub(super) fn read(&mut self, file: &File, parts: &[Range<u64>], buffer: &mut [u8]) -> bool {
        parts.len() <= DEPTH
            && requests(file, parts, buffer).is_some_and(|mut requests| self.pass(&mut requests))
    }

    /// Sends the requests and waits for all that were taken, whatever happens: the kernel writes into their buffers
    /// until then.
    fn pass(&mut self, requests: &mut [Request]) -> bool {
        let pointers: Vec<_> = requests.iter_mut().map(ptr::from_mut).collect();
        let mut sent = 0;
        while sent < pointers.len() {
            let left = &pointers[sent..];
            // SAFETY: so many pointers to requests that outlive the call, which copies them. Their buffers outlive the
            // wait below.
            let taken = unsafe { libc::syscall(libc::SYS_io_submit, self.0, left.len(), left.as_ptr()) };
            match checked(taken) {
                Ok(taken) if taken > 0 => sent += taken,
                _ => break,
            }
        }
        let came_whole = self.wait(sent);
        came_whole == Some(pointers.len())
    }

    /// Waits for so many answers, and says how many of them were whole; `None` where the kernel no longer tells, in
    /// which case nothing is under way any more either.
    fn wait(&mut self, count: usize) -> Option<usize> {
        let mut answers = [Answer::default(); DEPTH];
        let (mut heard, mut whole) = (0, 0);
        while heard < count {
            let (left, none) = (count - heard, ptr::null_mut::<libc::timespec>());
            // SAFETY: there is room for so many answers, since no more than DEPTH were sent.
            let came = unsafe {
                libc::syscall(libc::SYS_io_getevents, self.0, left, left, answers.as_mut_ptr(), none)
            };
            match checked(came) {
                Ok(came) => {
                    let is_whole = |answer: &&Answer| u64::try_from(answer.result) == Ok(answer.data);
                    whole += answers.iter().take(came).filter(is_whole).count();
                    heard += came;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    // To end the queue waits for what is under way: io_destroy(2).
                    destroy(self.0);
                    self.0 = 0;
                    return None;
                }
            }
        }
        Some(whole)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if self.0 != 0 {
            destroy(self.0);
        }
    }
}

/// The queues of one look at the disks, of which there are as many as disks are read at the same time.
#[derive(Default)]
pub(super) struct Queues(Mutex<Vec<Queue>>);

impl Queues {
    /// One that is free; `None` where the kernel gives none.
    pub(super) fn take(&self) -> Option<Queue> {
        let free = self.free().pop();
        free.or_else(|| Queue::new().ok())
    }

    /// For the next one.
    pub(super) fn give_back(&self, queue: Queue) {
        self.free().push(queue);
    }

    fn free(&self) -> MutexGuard<'_, Vec<Queue>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Queues {
    fn drop(&mut self) {
        let queues = mem::take(&mut *self.free());
        // To end one takes the kernel 30 ms and more, and nothing waits for it: nothing is under way. What is left when
        // the process ends, the kernel ends itself.
        if !queues.is_empty() {
            let _ = thread::Builder::new().spawn(move || drop(queues));
        }
    }
}

fn destroy(context: c_ulong) {
    // SAFETY: a call with one number, that of a queue of this process.
    let _ = unsafe { libc::syscall(libc::SYS_io_destroy, context) };
}

/// One request a part; `None` where the lengths do not add up to the buffer's.
fn requests(file: &File, parts: &[Range<u64>], buffer: &mut [u8]) -> Option<Vec<Request>> {
    let descriptor = u32::try_from(file.as_raw_fd()).ok()?;
    let mut rest = buffer;
    let mut requests = Vec::with_capacity(parts.len());
    for part in parts {
        let length = part.end.checked_sub(part.start)?;
        let (bytes, others) = rest.split_at_mut_checked(usize::try_from(length).ok()?)?;
        requests.push(Request {
            data: length,
            opcode: READ,
            descriptor,
            buffer: bytes.as_mut_ptr() as u64,
            length,
            offset: i64::try_from(part.start).ok()?,
            ..Request::default()
        });
        rest = others;
    }
    rest.is_empty().then_some(requests)
}

fn checked(result: c_long) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_in_their_order_and_a_part_beyond_the_end_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        let bytes: Vec<u8> = (0..900_000_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
        std::fs::write(&path, &bytes).unwrap();
        let file = File::open(&path).unwrap();
        let mut queue = Queue::new().unwrap();
        for _ in 0..3 {
            let parts: Vec<_> = (0..100_u64).map(|i| i * 8192..i * 8192 + 512 * (i % 8 + 1)).collect();
            let wanted: Vec<u8> =
                parts.iter().flat_map(|part| part.start..part.end).map(|i| (i % 251) as u8).collect();
            let mut buffer = vec![1; wanted.len()];
            assert!(queue.read(&file, &parts, &mut buffer));
            assert_eq!(buffer, wanted);
            assert!(!queue.read(&file, &[0..512, 899_900..900_412], &mut buffer[..1024]));
            assert!(!queue.read(&file, &[0..512, 512..1024], &mut buffer[..1000]));
        }
    }
}
