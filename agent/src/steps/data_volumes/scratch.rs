//! The memory that disks are read into.
#![allow(unsafe_code, reason = "madvise(2) has no safe interface; what it needs is said where it is called")]

use nix::libc;

/// For one disk, in bytes: the blank proof of a disk is nine reads then, and each is one wait for the disk and one change
/// of context. It stays in a processor's second cache until it is compared.
const PART: usize = 1 << 20;
/// A huge page of x86-64, and of arm64 with pages of 4 KiB.
const HUGE: usize = 2 << 20;

/// Parts of one piece of memory, in huge pages where the kernel has them: each page of 4 KiB costs it a fault, and work
/// at each read past the page cache.
pub(super) struct Scratch {
    memory: Vec<u8>,
    /// Where the first huge page begins.
    start: usize,
    parts: usize,
}

impl Scratch {
    /// Memory for so many disks. None of it is used before something is read into it.
    pub(super) fn new(parts: usize) -> Self {
        let size = (parts * PART).next_multiple_of(HUGE);
        let mut memory = if parts > 0 { vec![0; size + HUGE] } else { Vec::new() };
        let start = memory.as_ptr().align_offset(HUGE).min(memory.len() - size);
        let huge = &mut memory[start..start + size];
        // SAFETY: memory of ours, of this length; the call changes no byte of it. Without huge pages it is as it was.
        let _ = unsafe { libc::madvise(huge.as_mut_ptr().cast(), huge.len(), libc::MADV_HUGEPAGE) };
        Self { memory, start, parts }
    }

    /// One for each disk.
    pub(super) fn parts(&mut self) -> impl Iterator<Item = &mut [u8]> {
        self.memory[self.start..].chunks_exact_mut(PART).take(self.parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_apart_aligned_and_zero() {
        for count in [0, 1, 8, 9] {
            let mut scratch = Scratch::new(count);
            let parts: Vec<_> = scratch.parts().collect();
            assert_eq!(parts.len(), count);
            for part in parts {
                assert!(part.len() == PART && part.as_ptr().align_offset(4096) == 0);
                assert!(part.iter().all(|byte| *byte == 0), "memory that another part was written into");
                part.fill(1);
            }
        }
    }
}
