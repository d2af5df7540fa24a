//! Records of `/dev/kmsg`: drivers print names of programs and whatever a device tells them.

#![no_main]

use gpunode_host::kernel_log::{Entry, Event, Parser, Record, Speakers};
use gpunode_host::{sxid, xid};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (mut anybody, mut kernel) = (Parser::new(Speakers::Anybody), Parser::new(Speakers::Kernel));
    // One input is a log: what is remembered between lines is part of what is tried.
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let Some(record) = Record::parse(line) else { continue };
        let heard = kernel.parse(&record);
        assert!(heard.is_none() || record.is_kernel());
        let Some(entry) = anybody.parse(&record) else { continue };
        assert_eq!(entry.sequence, record.sequence);
        let json = serde_json::to_string(&entry).expect("an entry is plain data");
        // Six times at most, where every byte is escaped.
        assert!(json.len() < 8192, "{json}");
        assert_eq!(serde_json::from_str::<Entry>(&json).expect("its own JSON"), entry);
        match &entry.event {
            Event::Xid(event) => {
                let verdict = xid::judge(event);
                assert!(!verdict.condemns || !verdict.withdraws);
            }
            Event::Sxid(event) => {
                let verdict = sxid::judge(event);
                assert!(!verdict.condemns || event.fatal != Some(false));
            }
            _ => {}
        }
    }
});
