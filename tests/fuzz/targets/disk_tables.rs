//! The kernel's tables: mounts, swap, md arrays. Mount points and file names in them are anybody's.

#![no_main]

use gpunode_host::disk::array::parse_mdstat;
use gpunode_host::disk::mount::{parse_mountinfo, parse_swaps, unescape};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let lines = text.lines().count();
    assert!(parse_mountinfo(text).len() <= lines);
    assert!(parse_swaps(text).len() <= lines);
    let arrays = parse_mdstat(text);
    // The table says nothing about the state, so nothing may be mounted on its strength.
    assert!(arrays.iter().all(|array| !array.is_whole()));
    if !text.contains('\\') {
        assert_eq!(unescape(text), text);
    }
});
