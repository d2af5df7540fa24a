//! Configuration as TOML, user data, variables and flags.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gpunode_host::spec::fuzz(bytes));
