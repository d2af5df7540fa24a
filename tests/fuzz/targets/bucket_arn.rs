//! ARNs of buckets, the policy that is made of them, and policies that somebody else wrote.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| installer::s3::fuzz(&String::from_utf8_lossy(bytes)));
