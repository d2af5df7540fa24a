//! How much memory this process keeps: what the allocator would hoard for fifty threads that nearly always sleep, and
//! what only the start has needed.
#![allow(unsafe_code)] // Calls of the C library that no safe crate here wraps; each says why it is sound.

/// A buffer as large as this one is mapped, and goes back to the kernel when it is freed: a page of metrics, a state file.
const MAPPED: libc::c_int = 64 << 10;
/// So much that is free at the end of the heap goes back as well.
const TRIMMED: libc::c_int = 64 << 10;

/// To be called before there is a second thread. One heap for all of them: each thread that allocates while another does
/// gets one of its own otherwise, up to eight a processor, of which pages stay here and there. Nobody here allocates so
/// often that a lock matters.
pub(crate) fn keep_small() {
    for (what, value) in [
        (libc::M_ARENA_MAX, 1),
        (libc::M_MMAP_THRESHOLD, MAPPED),
        (libc::M_TRIM_THRESHOLD, TRIMMED),
        (libc::M_TOP_PAD, 0),
    ] {
        // SAFETY: sets a number in the allocator; no other thread runs yet.
        unsafe { libc::mallopt(what, value) };
    }
}

/// Gives back to the kernel what is free in the heap, wherever it lies.
pub(crate) fn give_back() {
    // SAFETY: takes the allocator's own locks, and touches free memory only.
    unsafe { libc::malloc_trim(0) };
}

/// Lets go of the program's own pages, of which the kernel maps sixteen for each that is touched: the command line, the
/// first handshake, the start of every source. What is needed again is mapped again, from the page cache.
pub(crate) fn forget_the_start() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (start, length) in maps.lines().filter_map(unchanging) {
        // SAFETY: the range is a private mapping of a file that nobody can write through it, and nobody has: the kernel
        // fills it again with the same bytes when it is touched.
        unsafe { libc::madvise(std::ptr::with_exposed_provenance_mut(start), length, libc::MADV_DONTNEED) };
    }
}

/// Start and length of a mapping of a file whose bytes are those of the file: its code, and what lies before it, to
/// which no relocation applies. Form of the line: proc(5), `/proc/pid/maps`.
fn unchanging(line: &str) -> Option<(usize, usize)> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let (rights, offset, inode) = (words.next()?, words.next()?, words.nth(1)?);
    let is_head = rights == "r--p" && offset.bytes().all(|byte| byte == b'0');
    let [start, end] = [start, end].map(|word| usize::from_str_radix(word, 16).ok());
    let found = (start?, end?.checked_sub(start?)?);
    (inode != "0" && (is_head || rights == "r-xp")).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_and_what_lies_before_it_is_let_go() {
        for (line, is_it) in [
            ("7f00-8f00 r-xp 001bf000 fe:00 1234  /gpunode-daemonset", true),
            ("6f00-7f00 r--p 00000000 fe:00 1234  /gpunode-daemonset", true),
            ("8f00-9000 r--p 00587000 fe:00 1234  /gpunode-daemonset", false),
            ("9000-9100 rw-p 005b0000 fe:00 1234  /gpunode-daemonset", false),
            ("7f00-8f00 r-xp 00000000 00:00 0  [vdso]", false),
            ("7f00-8f00 rw-p 00000000 00:00 0  [heap]", false),
            ("nonsense", false),
        ] {
            assert_eq!(unchanging(line).is_some(), is_it, "{line}");
        }
        assert_eq!(unchanging("10-30 r-xp 0 0:0 1 /x"), Some((0x10, 0x20)));
    }

    #[test]
    fn the_program_goes_on_without_them() {
        forget_the_start();
        give_back();
        assert_eq!("words".to_uppercase(), "WORDS");
    }
}
