//! Files of the journal: journald writes them while they are read, and a disk may break them.

#![no_main]

use gpunode_host::kernel_log::{Parser, Speakers, fuzz_journal};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut parser = Parser::new(Speakers::Kernel);
    fuzz_journal(bytes, |record| {
        let text = record.text();
        assert!(text.len() <= 3 * 8192, "a line of the kernel is short: {}", text.len());
        let heard = parser.parse(&record);
        assert!(heard.is_none() || record.is_kernel());
    });
});
