use super::*;

fn kinds(lines: &[&str]) -> Vec<(String, PcieKind)> {
    let mut parser = Pcie::default();
    let events = lines.iter().filter_map(|line| parser.parse(line, 0));
    events.map(|event| (event.pci.to_string(), event.kind)).collect()
}

fn one(line: &str) -> Option<PcieKind> {
    kinds(&[line]).pop().map(|(_, kind)| kind)
}

#[test]
fn one_error_that_is_said_twice_is_one_event() {
    let old = kinds(&[
        "pcieport 0000:00:1c.5: AER: Corrected error received: 0000:04:00.0",
        "nvme 0000:04:00.0: PCIe Bus Error: severity=Corrected, type=Physical Layer, (Receiver ID)",
        "nvme 0000:04:00.0:   device [1d0f:8061] error status/mask=00000001/00002000",
        "nvme 0000:04:00.0:    [ 0] RxErr",
    ]);
    assert_eq!(old, [("0000:04:00.0".into(), PcieKind::Corrected)]);
    let new = kinds(&[
        "pcieport 0000:64:01.0: AER: Multiple Uncorrectable (Non-Fatal) error message received from 0000:66:00.0",
        "nvidia 0000:66:00.0: AER: PCIe Bus Error: severity=Uncorrectable (Non-Fatal), type=Transaction Layer, (Requester ID)",
        "nvidia 0000:67:00.0: PCIe Bus Error: severity=Uncorrectable (Fatal), type=Transaction Layer, (Requester ID)",
    ]);
    assert_eq!(new, [("0000:66:00.0".into(), PcieKind::NonFatal), ("0000:67:00.0".into(), PcieKind::Fatal)]);
}

#[test]
fn a_device_s_line_counts_where_the_port_s_was_lost_or_long_ago() {
    let device = "efa 0000:4f:00.0: PCIe Bus Error: severity=Uncorrected (Fatal), type=Inaccessible, (Unregistered Agent ID)";
    assert_eq!(one(device), Some(PcieKind::Fatal));
    let mut parser = Pcie::default();
    let port = "pcieport 0000:00:1c.5: AER: Uncorrected (Fatal) error received: 0000:4f:00.0";
    assert!(parser.parse(port, 0).is_some());
    assert!(parser.parse(device, SAME_ERROR).is_some());
}

#[test]
fn hot_plug_containment_and_silent_devices() {
    assert_eq!(one("pcieport 0000:18:03.0: pciehp: Slot(3): Link Down"), Some(PcieKind::LinkDown));
    assert_eq!(one("pcieport 0000:18:03.0: pciehp: Slot(3-1): Card not present"), Some(PcieKind::CardGone));
    let contained = "pcieport 0000:64:01.0: DPC: containment event, status:0x1f01 source:0x0000";
    assert_eq!(one(contained), Some(PcieKind::Contained));
    let silent = "nvidia 0000:53:00.0: Unable to change power state from D3cold to D0, device inaccessible";
    assert_eq!(one(silent), Some(PcieKind::Inaccessible));
    assert_eq!(
        one("nvidia 0000:02:00.0: probe with driver nvidia failed with error -1"),
        Some(PcieKind::ProbeFailed)
    );
    assert_eq!(one("nvidia: probe of 0000:02:00.0 failed with error -1"), Some(PcieKind::ProbeFailed));
}

#[test]
fn everyday_lines_are_none() {
    for text in [
        "pcieport 0000:18:03.0: pciehp: Slot(3): Link Up",
        "pcieport 0000:18:03.0: pciehp: Slot(3): Card present",
        "pcieport 0000:00:1c.0: AER: enabled with IRQ 24",
        "pcieport 0000:00:1c.0: AER: device recovery successful",
        "nvidia 0000:02:00.0: enabling device (0000 -> 0002)",
        "pci 0000:00:1f.0: [8086:7000] type 00 class 0x060100",
        "a: probe of b",
    ] {
        assert_eq!(one(text), None, "{text}");
    }
}
