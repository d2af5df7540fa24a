//! The agent's boot report, as the daemonset reads it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gpunode_daemonset::bootstrapped::fuzz(&String::from_utf8_lossy(bytes)));
