use proptest::prelude::*;

use super::*;
use crate::xid::RecoveryAction;

fn event(text: &str) -> XidEvent {
    parse(text).unwrap_or_else(|| panic!("no event: {text}"))
}

#[test]
fn the_usual_line() {
    let xid = event(
        "NVRM: Xid (PCI:0000:9B:00): 13, pid=4711, name=VLLM::Worker, Graphics SM Warp Exception on (GPC 1, TPC 0, SM 0): Misaligned Address",
    );
    assert_eq!(xid.pci.to_string(), "0000:9b:00.0");
    assert_eq!((xid.code, xid.pid, xid.process.as_deref()), (13, Some(4711), Some("VLLM::Worker")));
    assert_eq!(xid.text, "Graphics SM Warp Exception on (GPC 1, TPC 0, SM 0): Misaligned Address");
    assert_eq!((xid.gpu_instance, xid.tail), (None, None));
}

#[test]
fn older_and_newer_forms() {
    let old = event("NVRM: Xid (0000:03:00): 14, Channel 00000001");
    assert_eq!((old.code, old.pid, old.text.as_str()), (14, None, "Channel 00000001"));
    let unknown =
        event("NVRM: Xid (PCI:0000:05:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.");
    assert_eq!((unknown.pid, unknown.process), (None, None));
    assert_eq!(unknown.text, "GPU has fallen off the bus.");
    let plain = event("NVRM: Xid (PCI:00000000:04:00): 79, GPU has fallen off the bus.");
    assert_eq!(
        (plain.pci.to_string().as_str(), plain.text.as_str()),
        ("0000:04:00.0", "GPU has fallen off the bus.")
    );
    let words = event("NVRM: Xid (PCI:0000:02:00): 62, pid=1300, 203c(3090) 85020c09 ffffbd53");
    assert_eq!(
        (words.pid, words.process, words.text.as_str()),
        (Some(1300), None, "203c(3090) 85020c09 ffffbd53")
    );
    let bare = event("NVRM: Xid (PCI:0000:02:00): 45");
    assert_eq!((bare.code, bare.text.as_str()), (45, ""));
    let future = event("NVRM: Xid (PCI:0000:02:00): 999, something new");
    assert_eq!(future.code, 999);
}

#[test]
fn a_mig_instance_stands_behind_the_address() {
    let xid = event(
        "NVRM: Xid (PCI:0000:01:00 GPU-I:05): 94, pid=7194, Contained: CE User Channel (0x9). RST: No, D-RST: No",
    );
    assert_eq!((xid.gpu_instance, xid.pid), (Some(5), Some(7194)));
    assert_eq!(xid.tail, Some(XidTail::Memory(MemoryTail { reset: false, drain_and_reset: false })));
}

#[test]
fn memory_errors_say_whether_a_reset_is_needed() {
    let tail = |rest: &str| event(&format!("NVRM: Xid (PCI:0000:01:00): 95, pid=1, name=a, {rest}")).tail;
    let memory = |reset, drain_and_reset| Some(XidTail::Memory(MemoryTail { reset, drain_and_reset }));
    assert_eq!(tail("Uncontained: FBHUB. RST: Yes, D-RST: No"), memory(true, false));
    assert_eq!(tail("Uncontained: LTC TAG (0x4,0x0). RST: No, D-RST: Yes"), memory(false, true));
    assert_eq!(tail("Uncontained: D-RST: Yes"), None);
    assert_eq!(tail("Uncontained"), None);
}

#[test]
fn nvlink5_lines_have_units_and_words() {
    let xid = event(
        "NVRM: Xid (PCI:0009:01:00): 149, NETIR_LINK_EVT  Fatal   XC0 i0 Link 08 (0x004505c6 0x00000000 0x00000000 0x00000000 0x00000000 0x00000000)",
    );
    let Some(XidTail::NvLink(tail)) = xid.tail else { panic!("{xid:?}") };
    assert_eq!((tail.unit.as_str(), tail.severity, tail.link), ("NETIR_LINK_EVT", Severity5::Fatal, Some(8)));
    assert_eq!((tail.words.len(), tail.words[0], tail.sub_code()), (6, 0x0045_05c6, Some(4)));

    let xid = event(
        "NVRM: Xid (PCI:0019:01:00): 146, TLW_RX/TLW_RX_PIPE0 Nonfatal XC1 i0 Link -1 (0x0000000a 0x00000001 0x00000000 0x00000000)",
    );
    let Some(XidTail::NvLink(tail)) = xid.tail else { panic!("{xid:?}") };
    assert_eq!((tail.severity, tail.link, tail.words.len()), (Severity5::Nonfatal, None, 4));

    let cut = event("NVRM: Xid (PCI:0000:5f:00): 145, RLW_REMAP Nonfatal XC0 i0 Link 02");
    let Some(XidTail::NvLink(tail)) = cut.tail else { panic!("{cut:?}") };
    assert_eq!((tail.link, tail.words.len(), tail.sub_code()), (Some(2), 0, None));
    assert_eq!(event("NVRM: Xid (PCI:0000:5f:00): 150, MSE").tail, None);
}

#[test]
fn a_recovery_action_is_read_by_its_number() {
    let tail = |rest: &str| {
        event(&format!("NVRM: Xid (PCI:0000:01:00): 154, GPU recovery action changed from {rest}")).tail
    };
    let from_none = |to| Some(XidTail::Recovery { from: RecoveryAction::None, to });
    assert_eq!(tail("0x0 (None) to 0x1 (GPU Reset Required)"), from_none(RecoveryAction::GpuReset));
    assert_eq!(tail("0x0 (None) to 0x1 (PF FLR)"), from_none(RecoveryAction::GpuReset));
    assert_eq!(tail("0x0 (None) to 0x2 (Node Reboot Required)"), from_none(RecoveryAction::NodeReboot));
    assert_eq!(tail("0x0 (None) to 0x2 (OS Reboot)"), from_none(RecoveryAction::NodeReboot));
    let back = XidTail::Recovery { from: RecoveryAction::DrainAndReset, to: RecoveryAction::None };
    assert_eq!(tail("0x4 (Drain and Reset) to 0x0 (None)"), Some(back));
    assert_eq!(tail("0x0 (None) to 0x63 (New)"), from_none(RecoveryAction::Unknown(0x63)));
    assert_eq!(tail("0x0 (None) to reset"), None);
}

#[test]
fn what_is_no_xid_is_none() {
    for text in [
        "NVRM: Xid error: xyz, invalid data",
        "NVRM: Xid (invalid): 13, x",
        "NVRM: Xid (PCI:0000:66:00): abc, pid=2280636",
        "NVRM: Xid (PCI:0000:66:00): 13x",
        "NVRM: Xid : 32, pid=2280636",
        "NVRM: Xid (PCI:0000:66:00): 99999999999, x",
        "NVRM: Xid (PCI:0000:01:00 GPU-X:05): 94, x",
        "NVRM: Xid tracing enabled",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}

fn any_xid() -> impl Strategy<Value = XidEvent> {
    let name = "[A-Za-z][A-Za-z0-9:_./-]{0,15}";
    let text = "[A-Z][A-Za-z0-9 ()=:]{0,60}[a-z.]";
    let codes = (0..1000_u32).prop_filter("codes with a tail of their own", |code| tail_free(*code));
    let free = (codes, text).prop_map(|(code, text)| (code, text, None));
    let nvlink =
        (144..=150_u32, "[A-Z_/]{1,20}", any::<bool>(), 0..72_u16, prop::collection::vec(any::<u32>(), 1..7));
    let nvlink = nvlink.prop_map(|(code, unit, fatal, link, words)| {
        let severity = if fatal { Severity5::Fatal } else { Severity5::Nonfatal };
        let list: Vec<_> = words.iter().map(|word| format!("{word:#010x}")).collect();
        let text = format!("{unit} {severity:?} XC0 i0 Link {link:02} ({})", list.join(" "));
        (code, text, Some(XidTail::NvLink(NvLinkTail { unit, severity, link: Some(link), words })))
    });
    let recovery = (0..12_u32, 0..12_u32).prop_map(|(from, to)| {
        let text = format!("GPU recovery action changed from {from:#x} (One) to {to:#x} (Other)");
        (154, text, Some(XidTail::Recovery { from: from.into(), to: to.into() }))
    });
    let pci = (any::<u32>(), any::<u8>(), 0..32_u8);
    let pci = pci.prop_map(|(domain, bus, device)| PciAddress::new(domain, bus, device, 0).unwrap());
    let process = (prop::option::of(any::<u32>()), prop::option::of(name));
    (pci, prop::option::of(any::<u8>()), process, prop_oneof![free, nvlink, recovery]).prop_map(
        |(pci, gpu_instance, (pid, process), (code, text, tail))| XidEvent {
            pci,
            gpu_instance,
            code,
            pid,
            process,
            text,
            tail,
        },
    )
}

fn tail_free(code: u32) -> bool {
    !matches!(code, 94 | 95 | 144..=150 | 154)
}

proptest! {
    #[test]
    fn an_event_comes_back_from_its_line(xid in any_xid()) {
        prop_assert_eq!(parse(&xid.to_string()), Some(xid));
    }

    #[test]
    fn an_event_comes_back_from_its_json(xid in any_xid()) {
        let json = serde_json::to_string(&xid).unwrap();
        prop_assert_eq!(serde_json::from_str::<XidEvent>(&json).unwrap(), xid);
    }

    #[test]
    fn any_rest_is_read_without_a_panic(code in 90..160_u32, rest in "\\PC{0,80}|[(): ,a-zA-Z0-9x=<>'-]{0,80}") {
        if let Some(xid) = parse(&format!("NVRM: Xid (PCI:0000:01:00): {code}, {rest}")) {
            prop_assert!(xid.text.len() <= MAX_TEXT);
        }
        let _ = parse(&format!("NVRM: Xid ({rest}"));
    }
}
