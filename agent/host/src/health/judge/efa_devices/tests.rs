use super::*;
use crate::efa::{Efa, EfaFunction, Module, join};
use crate::metadata::Eni;

fn device(slot: u8) -> Efa {
    Efa {
        name: format!("rdmap79s{slot}"),
        pci_address: Some(format!("0000:4f:{slot:02x}.0")),
        mac: Some(format!("0a:00:00:00:00:{slot:02x}")),
        rate_gbps: Some(200),
        p2p: P2p::Provider("NVIDIA".into()),
        ..Efa::default()
    }
}

fn function(slot: u8) -> EfaFunction {
    let state = FunctionState::Ready { rdma_device: format!("rdmap79s{slot}") };
    EfaFunction { address: format!("0000:4f:{slot:02x}.0"), device_id: 0xefa1, state }
}

fn eni(slot: u8) -> Eni {
    let (mac, eni_id) = (format!("0a:00:00:00:00:{slot:02x}"), format!("eni-{slot}"));
    Eni { mac, eni_id, network_card: u32::from(slot), ..Eni::default() }
}

const CLOSED: Nvidia = Nvidia { major: Some(570), open: false, ultra_server: false, any_topology: None };

/// The signs on a machine with four attached EFA-only interfaces, after `change`.
fn signs(nvidia: Nvidia, change: impl Fn(&mut Observation)) -> Vec<String> {
    let enis: Vec<_> = (0..4).map(eni).collect();
    let mut seen = Observation {
        module: Some(Module { version: Some("2.17.3g".into()) }),
        devices: (0..4).map(device).collect(),
        functions: (0..4).map(function).collect(),
        ..Observation::default()
    };
    change(&mut seen);
    let join = join(seen.devices.clone(), &enis);
    let sightings = judge(&seen, &join, &Expected::new(Some(4), None, Some(&enis)), nvidia);
    sightings.iter().map(|sighting| format!("{} {}", sighting.rule.code, sighting.subject.id())).collect()
}

#[test]
fn each_fault_has_its_sign_and_no_other() {
    assert!(signs(CLOSED, |_| {}).is_empty());
    let gone = |seen: &mut Observation| {
        seen.devices.remove(2);
        seen.functions.remove(2);
    };
    assert_eq!(signs(CLOSED, gone), ["EfaAbsent eni-2"]);
    let unbound = |seen: &mut Observation| {
        seen.devices.remove(2);
        seen.functions[2].state = FunctionState::NotBound;
    };
    assert_eq!(
        signs(CLOSED, unbound),
        ["EfaNotBound 0000:4f:02.0"],
        "it is there, and has a finding of its own"
    );
    let silent = |seen: &mut Observation| {
        seen.devices[2].mac = None;
        seen.late = vec!["rdmap79s2".into()];
    };
    assert!(signs(CLOSED, silent).is_empty(), "it has not said which interface it is");
    let no_module = |seen: &mut Observation| {
        seen.devices.clear();
        seen.module = None;
    };
    assert_eq!(signs(CLOSED, no_module), ["EfaDriverAbsent "]);
    assert_eq!(signs(CLOSED, |seen| seen.devices[1].rate_gbps = Some(100)), ["EfaRateLow 0000:4f:01.0"]);
    assert_eq!(signs(CLOSED, |seen| seen.devices[1].p2p = P2p::None), ["EfaNoGpuDirect 0000:4f:01.0"]);
    let open = Nvidia { open: true, ..CLOSED };
    assert!(
        signs(open, |seen| seen.devices[1].p2p = P2p::None).is_empty(),
        "the open modules hand out dma-bufs"
    );
    assert!(
        signs(Nvidia::default(), |seen| seen.devices[1].p2p = P2p::None).is_empty(),
        "no GPU driver at all"
    );
}

#[test]
fn interfaces_that_are_short_beyond_the_named_ones_are_counted() {
    let gone = |seen: &mut Observation| {
        seen.devices.truncate(3);
        seen.functions.truncate(3);
    };
    let enis: Vec<_> = (0..3).map(eni).collect();
    let mut seen = Observation { devices: (0..4).map(device).collect(), ..Observation::default() };
    seen.module = Some(Module::default());
    gone(&mut seen);
    let join = join(seen.devices.clone(), &enis);
    let sightings = judge(&seen, &join, &Expected::new(Some(4), None, Some(&enis)), CLOSED);
    assert_eq!(sightings[0].message, "3 of 4 EFA interfaces are there");
}

#[test]
fn driver_versions_that_do_not_work_together_are_told() {
    let new = Nvidia { major: Some(580), open: true, ultra_server: false, any_topology: None };
    let with = |version: &'static str| {
        move |seen: &mut Observation| seen.module = Some(Module { version: Some(version.into()) })
    };
    assert_eq!(signs(new, with("2.17.2g")), ["EfaDriverPair "]);
    assert_eq!(signs(new, with("2.8.0")), ["EfaDriverPair "]);
    for fine in ["2.17.3g", "3.1.0", "2.18", "garbage", ""] {
        assert!(signs(new, with(fine)).is_empty(), "{fine}");
    }
    assert!(signs(CLOSED, with("2.8.0")).is_empty());
    for (major, ultra_server, told) in [(580, true, false), (595, true, true), (595, false, false)] {
        let nvidia = Nvidia { major: Some(major), open: true, ultra_server, any_topology: Some(true) };
        assert_eq!(signs(nvidia, with("3.3.1")).len(), usize::from(told), "{nvidia:?}");
    }
}

#[test]
fn a_driver_that_trusts_no_card_of_an_ultra_server_is_told() {
    let with = |major, ultra_server, any_topology| {
        signs(Nvidia { major: Some(major), open: true, ultra_server, any_topology }, |_| {})
    };
    assert_eq!(with(580, true, Some(false)), ["EfaTopologyCheck "]);
    assert_eq!(with(570, true, Some(false)), ["EfaTopologyCheck "]);
    assert!(with(580, true, Some(true)).is_empty());
    assert!(with(580, true, None).is_empty(), "nobody can tell");
    assert!(with(580, false, Some(false)).is_empty(), "no UltraServer");
    let gone = |seen: &mut Observation| (seen.functions.clear(), seen.devices.clear());
    let nvidia = Nvidia { major: Some(580), open: true, ultra_server: true, any_topology: Some(false) };
    assert!(!signs(nvidia, |seen| _ = gone(seen)).contains(&"EfaTopologyCheck ".to_owned()), "no EFA at all");
}
