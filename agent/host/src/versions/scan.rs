//! Finds a word among the bytes of a large file without loading it.

use std::fs::File;
use std::io::{self, Read};

use memchr::memmem;

/// The plugin is 2 to 15 MiB, with debug information; beyond this the search gives up.
const MOST: u64 = 32 << 20;
const CHUNK: usize = 64 << 10;
/// No version is longer.
const WORD: usize = 64;

/// The word of a version's characters (letters, digits, `.`, `-`, `+`, `~`) that follows the first `needle` with a
/// word behind it in the first 32 MiB of the file, or `None`.
pub(super) fn word_after(file: File, needle: &[u8]) -> io::Result<Option<String>> {
    let mut file = file.take(MOST);
    let mut window = Vec::with_capacity(2 * CHUNK);
    loop {
        let read = (&mut file).take(CHUNK as u64).read_to_end(&mut window)?;
        let last = read == 0;
        if let Some(word) = find(&window, needle, last) {
            return Ok(Some(word));
        }
        if last {
            return Ok(None);
        }
        // What could be the begin of a match that goes on in the next chunk stays.
        let keep = window.len().min(needle.len() + WORD);
        window.drain(..window.len() - keep);
    }
}

fn find(window: &[u8], needle: &[u8], last: bool) -> Option<String> {
    memmem::find_iter(window, needle).find_map(|at| {
        let rest = window.get(at + needle.len()..)?;
        let word: Vec<u8> = rest.iter().copied().take(WORD).take_while(|byte| is_word(*byte)).collect();
        // A word that touches the end of the window may go on in the next chunk.
        let complete = last || word.len() < rest.len().min(WORD);
        // "aws-ofi-nccl is …" and the like in messages is no version.
        let version = word.iter().any(u8::is_ascii_digit);
        (complete && version).then(|| String::from_utf8_lossy(&word).into_owned())
    })
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".-+~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(bytes: &[u8]) -> Option<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        word_after(File::open(file.path()).unwrap(), b"aws-ofi-nccl ").unwrap()
    }

    #[test]
    fn a_version_is_found_wherever_the_chunks_divide_it() {
        for at in (CHUNK - 40..CHUNK + 4).chain([0, 3 * CHUNK - 5]) {
            let mut bytes = vec![0; at];
            bytes.extend(b"Initializing aws-ofi-nccl 1.13.2-aws\0more");
            bytes.extend(vec![0; 100]);
            assert_eq!(scan(&bytes).as_deref(), Some("1.13.2-aws"), "at {at}");
        }
    }

    #[test]
    fn words_that_are_no_version_are_passed_over() {
        assert_eq!(scan(b"aws-ofi-nccl is here\0aws-ofi-nccl 1.7.3").as_deref(), Some("1.7.3"));
        assert_eq!(scan(b"aws-ofi-nccl git-6e504db\0").as_deref(), Some("git-6e504db"));
        assert_eq!(scan(b"aws-ofi-nccl "), None);
        assert_eq!(scan(b""), None);
    }

    #[test]
    fn the_search_ends_at_its_limit() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let handle = File::create(file.path()).unwrap();
        handle.set_len(MOST).unwrap();
        std::io::Write::write_all(
            &mut std::fs::OpenOptions::new().append(true).open(file.path()).unwrap(),
            b"aws-ofi-nccl 1.2.3 ",
        )
        .unwrap();
        assert_eq!(word_after(File::open(file.path()).unwrap(), b"aws-ofi-nccl ").unwrap(), None);
    }
}
