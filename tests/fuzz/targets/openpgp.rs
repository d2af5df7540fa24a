//! OpenPGP keys and signatures, armored and plain.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gpunode_fetch::openpgp::fuzz(bytes));
