//! EC2 user data: gzip, MIME, marked documents.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gpunode_host::user_data::fuzz(bytes));
