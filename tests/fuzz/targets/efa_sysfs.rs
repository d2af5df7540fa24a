//! Texts of sysfs and procfs about EFA devices and GPUs: counters and their differences, GIDs, rates, links, and what
//! the NVIDIA driver says of a GPU.

#![no_main]

use std::time::Duration;

use gpunode_host::efa::counters::{self, Change, Counter, Counters};
use gpunode_host::efa::{P2p, mac_of_gid, parse_rate};
use gpunode_host::gpu_pci::{ConfigSpace, DriverPower, Information, generation, parse_width};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // Two readings: lines `name value`, divided by a zero byte.
    let mut readings = bytes.split(|byte| *byte == 0).map(reading);
    let (earlier, later) = (readings.next().unwrap_or_default(), readings.next().unwrap_or_default());
    let delta = later.delta(&earlier, Duration::from_secs(bytes.len() as u64));
    for counter in Counter::ALL {
        if let Change::By(moved) = delta.change(*counter) {
            assert_eq!(earlier.get(*counter).map(|value| value.wrapping_add(moved)), later.get(*counter));
            assert!(!delta.is_reset());
        }
    }
    assert!(later.extra().len() <= counters::MAX_EXTRA);
    let json = serde_json::to_string(&later).unwrap();
    assert_eq!(serde_json::from_str::<Counters>(&json).unwrap().iter().count(), later.iter().count());
    if let Some(first) = bytes.first_chunk() {
        assert_eq!(ConfigSpace::of(*first) == ConfigSpace::AllOnes, *first == [0xff; 4]);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for line in text.lines() {
        assert!(parse_width(line).is_none_or(|lanes| lanes <= 32));
        assert!(generation(line).is_none_or(|number| (1..=6).contains(&number)));
        assert!(mac_of_gid(line).is_none_or(|mac| mac.len() == 17));
        let _ = (parse_rate(line), P2p::parse_p2p(line), P2p::parse_gdr(line));
    }
    assert_ne!(Information::parse(text), Some(Information::default()));
    assert_ne!(DriverPower::parse(text), Some(DriverPower::default()));
});

fn reading(bytes: &[u8]) -> Counters {
    let mut counters = Counters::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        let mut words = line.splitn(2, |byte| *byte == b' ');
        let name = words.next().and_then(|name| std::str::from_utf8(name).ok());
        let value = words.next().and_then(counters::parse);
        if let (Some(name), Some(value)) = (name, value) {
            counters.set_by_name(name, value);
        }
    }
    counters
}
