//! The memory that threads cost.
#![allow(unsafe_code)] // A call of the C library that no safe crate wraps.

/// All threads share one heap. glibc gives each thread one of its own, up to eight for each processor, which on a machine
/// with 192 of them is each of the fifty threads here: nearly a megabyte of pages that hold next to nothing. What they
/// allocate is little and short, so that none waits for another.
pub fn one_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: sets a number in the allocator, under the allocator's own lock; nothing is moved.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}
