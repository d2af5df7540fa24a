//! One request to the metadata server, and the texts that the client reads from a metadata service.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gpunode_imds::fuzz(bytes));
