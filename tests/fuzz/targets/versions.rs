//! Versions, the words of `containerd --version`, device numbers and EFA's addresses.

#![no_main]

use gpunode_host::disk::discover::DevNumber;
use gpunode_host::efa::mac_of_gid;
use gpunode_host::versions::{Version, parse_containerd};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = parse_containerd(text);
    let versions: Vec<Version> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    for version in &versions {
        assert_eq!(version.to_string().parse().as_ref(), Ok(version));
    }
    // A total order, or sorting may panic.
    let mut sorted = versions;
    sorted.sort();
    assert!(sorted.is_sorted());
    if let Some(number) = DevNumber::parse(text) {
        assert_eq!(DevNumber::parse(&number.to_string()), Some(number));
    }
    if let Some(mac) = mac_of_gid(text) {
        assert_eq!(mac.len(), 17);
    }
});
