//! Events are pushed; nobody asks for them.

use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::gpu::{GpuEvent, event_type};
use gpunode_probe_protocol::message::{Message, Say};

use crate::probe::{self, Probe, gpu};

const P5: &str = "profile = 'h100'\n";
const ALL: u64 = 0xff0a;

fn event(gpu: u32, kind: u64, data: u64) -> String {
    format!("[[events]]\ngpu = {gpu}\nkind = {kind}\ndata = {data}\n")
}

#[test]
fn an_xid_comes_by_itself_with_its_gpu_and_number() {
    let past = format!("{P5}{}", event(0, event_type::XID_CRITICAL, 31));
    let mut probe = Probe::start(&past);
    let registered = probe.watch(&[]).unwrap();
    assert_eq!(registered.len(), 8);
    assert!(registered.iter().all(|gpu| gpu.types == Ok(ALL)), "{registered:?}");

    let mut now = format!("{past}{}", event(3, event_type::XID_CRITICAL, 79));
    probe.change(&now);
    let xid =
        GpuEvent { pci: Some("0000:86:00.0".into()), kind: event_type::XID_CRITICAL, data: 79, mig: None };
    assert_eq!(probe.event(), xid);

    // A sweep goes on beside it.
    assert_eq!(gpu(&probe.whole(), 3).pci, "0000:86:00.0");

    now += &event(1, event_type::DOUBLE_BIT_ECC, 0);
    now += &event(1, 0x4, 0); // performance state: not wanted
    now += "[[events]]\ngpu = 7\nkind = 8\ndata = 45\nmig = [1, 0]\n";
    probe.change(&now);
    assert_eq!(probe.event().kind, event_type::DOUBLE_BIT_ECC);
    let last = probe.event();
    assert_eq!((last.pci.as_deref(), last.data, last.mig), (Some("0000:ca:00.0"), 45, Some((1, 0))));
}

#[test]
fn a_gpu_that_falls_off_the_bus_says_so_before_it_is_found_lost() {
    let mut probe = Probe::case("healthy-p5");
    probe.watch(&[]).unwrap();
    probe.change(&probe::case("xid-79"));
    assert_eq!(probe.event().data, 79);
    assert_eq!(gpu(&probe.whole(), 3).thermal.gpu, Reading::Failed(15));
}

#[test]
fn a_thousand_events_at_once_all_arrive_in_order() {
    let mut probe = Probe::start(P5);
    probe.watch(&[]).unwrap();
    let storm: String = (0..1000).map(|number| event(0, event_type::XID_CRITICAL, number)).collect();
    probe.change(&format!("{P5}{storm}"));
    for number in 0..1000 {
        assert_eq!(probe.event().data, number);
    }
}

#[test]
fn one_gpu_that_cannot_be_registered_does_not_stop_the_others() {
    let mut probe = Probe::start(&format!(
        "{P5}[calls.nvmlDeviceRegisterEvents]\ngpu2 = {{ code = 999 }}\n[gpu.5]\nevents = 0x1c\n[gpu.6]\nevents = 0x14\n"
    ));
    let registered = probe.watch(&["0000:53:00.0", "1"]).unwrap();
    let types: Vec<_> = registered.iter().map(|gpu| (&gpu.pci[5..7], gpu.types)).collect();
    let expected = [
        ("75", Err(999)),
        ("86", Ok(ALL)),
        ("97", Ok(ALL)),
        ("a8", Ok(event_type::XID_CRITICAL)),
        ("b9", Err(3)),
        ("ca", Ok(ALL)),
    ];
    assert_eq!(types, expected);
}

#[test]
fn a_lost_gpu_does_not_end_the_waiting_but_another_error_does() {
    let mut probe = Probe::start(P5);
    probe.watch(&[]).unwrap();
    let mut now = format!("{P5}[[events]]\ncode = 15\n{}", event(4, event_type::GPU_UNAVAILABLE, 0));
    probe.change(&now);
    assert_eq!(probe.event().kind, event_type::GPU_UNAVAILABLE);
    now += "[[events]]\ncode = 999\n";
    probe.change(&now);
    assert_eq!(probe.next(), Some(Message { id: 0, say: Say::EventsEnded(999) }));
    // Asked again, it is taken up again.
    assert_eq!(probe.watch(&[]).unwrap().len(), 8);
    now += &event(4, event_type::RECOVERY_ACTION, 2);
    probe.change(&now);
    assert_eq!(probe.event().data, 2);
}

#[test]
fn a_second_registration_replaces_the_first() {
    let mut probe = Probe::start(P5);
    probe.watch(&[]).unwrap();
    probe.watch(&["0000:53:00.0"]).unwrap();
    probe.change(&format!("{P5}{}{}", event(0, 8, 1), event(1, 8, 2)));
    assert_eq!(probe.event().data, 2);
}

#[test]
fn a_wait_that_does_not_come_back_is_told() {
    let mut probe = Probe::start(&format!("{P5}[calls.nvmlEventSetWait_v2]\nsystem = {{ hang = true }}"));
    probe.watch(&[]).unwrap();
    assert_eq!(probe.next(), Some(Message { id: 0, say: Say::EventsEnded(10) }));
    assert_eq!(probe.whole().gpus.len(), 8);
}
