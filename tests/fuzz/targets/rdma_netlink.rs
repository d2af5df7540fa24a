//! The kernel's answer to the question who holds queue pairs of which RDMA device.

#![no_main]

use gpunode_host::rdma::queue_pairs::{Answer, read};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (mut answer, mut again) = (Answer::default(), Answer::default());
    let first = read(bytes, &mut answer);
    // A message takes a header at the least, an entry four bytes.
    assert!(answer.devices.len() <= bytes.len() / 16 && answer.of_programs <= bytes.len() / 4);
    assert_eq!((read(bytes, &mut again), again), (first, answer));
});
