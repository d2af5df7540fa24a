//! What the daemonset kept over a restart, in a file on the node.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gpunode_daemonset::state::fuzz(bytes));
