use super::*;
use crate::efa::counters::Counters;
use crate::health::EfaName;

fn sample(device: u8, counters: &[(Counter, u64)]) -> DeviceSample {
    let mut read = Counters::default();
    for (counter, value) in counters {
        read.set(*counter, *value);
    }
    let name = format!("rdmap{device}s0").as_str().into();
    DeviceSample { device: name, incarnation: 0, state: SampleState::Read, counters: read, full: false }
}

fn name(device: u8) -> EfaDevice {
    EfaName { pci: format!("0000:{device:02x}:00.0"), ..EfaName::default() }.into()
}

/// The codes, each with its device, after a sample of every device at `second`.
fn judge(devices: &mut EfaDevices, second: u64, samples: &[DeviceSample]) -> Vec<String> {
    let now = Now { boot: Duration::from_secs(second), unix_ms: 0 };
    let names: Vec<_> = (0..).take(samples.len()).map(name).collect();
    let all: Vec<_> = names.iter().zip(samples).map(|(device, sample)| Device { device, sample }).collect();
    let signs = devices.judge(now, &all);
    let found =
        signs.iter().flat_map(|(device, signs)| signs.iter().flatten().map(move |s| (&device.name, s)));
    found.map(|(name, sighting)| format!("{} {}", sighting.rule.code, name.pci)).collect()
}

#[test]
fn one_unanswered_command_is_fatal_until_the_driver_is_loaded_anew() {
    let mut devices = EfaDevices::default();
    let with = |count| [sample(0, &[(Counter::NoCompletionCmds, count)])];
    assert!(judge(&mut devices, 0, &with(0)).is_empty());
    assert_eq!(judge(&mut devices, 1, &with(1)), ["EfaAdminTimeout 0000:00:00.0"]);
    assert!(judge(&mut devices, 2, &with(0)).is_empty());
}

#[test]
fn refused_commands_count_by_the_minute() {
    let mut devices = EfaDevices::default();
    let mut at = |second, count| judge(&mut devices, second, &[sample(0, &[(Counter::CmdsErr, count)])]);
    assert!(at(0, 5000).is_empty(), "what was before is not known");
    assert!(at(30, 5010).is_empty());
    assert_eq!(at(59, 5011), ["EfaCommandErrors 0000:00:00.0"]);
    assert_eq!(at(60, 5011), ["EfaCommandErrors 0000:00:00.0"]);
    assert!(at(61, 5012).is_empty(), "another minute");
    assert!(at(62, 0).is_empty(), "loaded anew");
}

#[test]
fn a_keep_alive_is_missed_when_those_of_the_siblings_go_on() {
    let mut devices = EfaDevices::default();
    let alive = |count| sample(0, &[(Counter::KeepAliveRcvd, count)]);
    // Every 4 s on both, then only on the first.
    for second in 0..60 {
        let beats = [alive(second / 4), alive((second / 4).min(8))];
        let found = judge(&mut devices, second, &beats);
        // The last beat of the second is seen at 32 s; five spans of 4 s are over after 52 s.
        if second <= 52 {
            assert!(found.is_empty(), "{second}: {found:?}");
        } else {
            assert_eq!(found, ["EfaKeepAliveStalled 0000:01:00.0"], "{second}");
        }
    }
}

#[test]
fn all_that_stand_still_together_were_not_looked_at() {
    let mut devices = EfaDevices::default();
    let alive = |count| sample(0, &[(Counter::KeepAliveRcvd, count)]);
    for second in 0..32 {
        judge(&mut devices, second, &[alive(second / 4), alive(second / 4)]);
    }
    assert!(judge(&mut devices, 900, &[alive(7), alive(7)]).is_empty(), "none is worse than the others");
    assert!(judge(&mut devices, 901, &[alive(8), alive(8)]).is_empty(), "the machine slept");
}

#[test]
fn a_device_that_was_made_anew_begins_anew() {
    let mut devices = EfaDevices::default();
    let with = |incarnation, errors, beats| {
        let counters = [(Counter::CmdsErr, errors), (Counter::KeepAliveRcvd, beats)];
        let other = sample(1, &[(Counter::KeepAliveRcvd, beats)]);
        [DeviceSample { incarnation, ..sample(0, &counters) }, other]
    };
    for second in 0..20 {
        assert!(judge(&mut devices, second, &with(0, 3, second / 4)).is_empty(), "{second}");
    }
    // Its counters may be higher than those of the one before: that is no growth, and its rhythm is not known yet.
    let mut found = judge(&mut devices, 20, &with(1, 500, 5));
    let standing = |second| {
        [
            DeviceSample { incarnation: 1, ..sample(0, &[(Counter::KeepAliveRcvd, 5)]) },
            sample(1, &[(Counter::KeepAliveRcvd, second / 4)]),
        ]
    };
    for second in 21..60 {
        found.extend(judge(&mut devices, second, &standing(second)));
    }
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_device_that_cannot_be_read_says_nothing() {
    let mut gone = sample(0, &[]);
    gone.state = SampleState::Failed { errno: Some(19) };
    let now = Now { boot: Duration::from_secs(1), unix_ms: 0 };
    let device = name(0);
    let signs = EfaDevices::default().judge(now, &[Device { device: &device, sample: &gone }]);
    assert_eq!(signs[0].1, None);
}
