use proptest::prelude::*;

use super::*;
use crate::kernel_log::{EfaKind, NvrmEvent, PcieKind};

fn entries(speakers: Speakers, records: &[String]) -> Vec<Entry> {
    let mut parser = Parser::new(speakers);
    let records = records.iter().filter_map(|bytes| Record::parse(bytes.as_bytes()));
    records.filter_map(|record| parser.parse(&record)).collect()
}

fn events(texts: &[&str]) -> Vec<Event> {
    let records: Vec<_> = texts.iter().zip(1..).map(|(text, at)| format!("4,{at},{at},-;{text}\n")).collect();
    entries(Speakers::Kernel, &records).into_iter().map(|entry| entry.event).collect()
}

/// One line of each family.
const LINES: [&str; 12] = [
    "NVRM: Xid (PCI:0000:18:00): 79, pid=1, name=python3, GPU has fallen off the bus.",
    "nvidia-nvswitch1: SXid (PCI:0000:06:00.0): 20034, Fatal, Link 48 LTSSM Fault Up",
    "NVRM: GPU 0000:5d:00.0: GPU has fallen off the bus.",
    "efa 0000:4f:00.0 rdmap79s0: Admin queue is closed",
    "infiniband rdmap79s0: Admin queue is closed",
    "I/O error, dev nvme1n1, sector 2048 op 0x0:(READ)",
    "pcieport 0000:18:03.0: pciehp: Slot(3): Link Down",
    "mce: [Hardware Error]: Machine check events logged",
    "Out of memory: Killed process 1 (a) total-vm:1kB",
    "INFO: task nvidia-smi:4711 blocked for more than 122 seconds.",
    "watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [a:1]",
    "nvme1n1: I/O Cmd(0x2) @ LBA 0, 8 blocks, I/O Error (sct 0x0 / sc 0x6)",
];

#[test]
fn every_family_is_heard_from_the_kernel_and_from_no_program() {
    let as_said_by = |facility: u32| -> Vec<_> {
        LINES.iter().map(|text| format!("{},1,2,-;{text}\n", facility * 8 + 4)).collect()
    };
    assert_eq!(entries(Speakers::Kernel, &as_said_by(0)).len(), LINES.len());
    assert_eq!(entries(Speakers::Kernel, &as_said_by(1)), []);
    assert_eq!(entries(Speakers::Anybody, &as_said_by(1)).len(), LINES.len());
}

#[test]
fn an_entry_says_when() {
    let entry = entries(Speakers::Kernel, &[format!("4,77,88,-;{}\n", LINES[0])]).pop().unwrap();
    assert_eq!((entry.sequence, entry.microseconds), (77, 88));
    let json = serde_json::to_string(&entry).unwrap();
    assert_eq!(serde_json::from_str::<Entry>(&json).unwrap(), entry);
}

#[test]
fn a_message_of_several_lines_in_one_record() {
    let text = r"NVRM: The NVIDIA GPU 0000:b3:00.0\x0aNVRM: (PCI ID: 10de:26b5) installed in this system has\x0aNVRM: fallen off the bus and is not responding to commands.";
    assert!(matches!(events(&[text])[..], [Event::Nvrm(NvrmEvent::FallenOffBus { .. })]));
}

#[test]
fn an_xid_ends_with_its_line() {
    let text = r"NVRM: Xid (PCI:0000:b3:00): 31, pid=1, name=a, MMU Fault\x0aNVRM: more";
    assert!(matches!(&events(&[text])[..], [Event::Xid(xid)] if xid.text == "MMU Fault"));
}

#[test]
fn an_sxid_that_is_said_three_times_is_one_event() {
    let sxid = |switch: u32, rest: &str| {
        format!("nvidia-nvswitch{switch}: SXid (PCI:0000:0{switch}:00.0): 20034, {rest}")
    };
    let (first, again) = (sxid(1, "Fatal, Link 48 LTSSM Fault Up"), sxid(1, "Fatal, Link 49 LTSSM Fault Up"));
    let (severity, data) =
        (sxid(1, "Severity 1 Engine instance 48 Sub-engine instance 00"), sxid(1, "Data {0x1}"));
    let other = sxid(2, "Severity 1 Engine instance 60 Sub-engine instance 00");
    let found = events(&[&first, &severity, &data, &again, &data, &other, &sxid(2, "Data {0x1}")]);
    let found: Vec<_> = found
        .iter()
        .map(|event| match event {
            Event::Sxid(sxid) => (sxid.switch, sxid.link, sxid.fatal),
            _ => panic!("{event:?}"),
        })
        .collect();
    // The second switch's first line was lost; the one that stands in cannot tell whether it was fatal.
    assert_eq!(found, [(1, Some(48), Some(true)), (1, Some(49), Some(true)), (2, Some(60), None)]);
}

#[test]
fn an_efa_device_s_bus_error_is_the_bus_s() {
    let found =
        events(&["efa 0000:4f:00.0: PCIe Bus Error: severity=Corrected, type=Physical Layer", LINES[3]]);
    assert!(matches!(&found[0], Event::Pcie(event) if event.kind == PcieKind::Corrected), "{found:?}");
    assert!(matches!(&found[1], Event::Efa(event) if event.kind == EfaKind::AdminQueueClosed), "{found:?}");
}

#[test]
fn an_event_is_small() {
    // A burst of events waits in memory; text is on the heap and cut.
    assert!(size_of::<Entry>() <= 160, "{}", size_of::<Entry>());
}

fn line() -> impl Strategy<Value = String> {
    let start = prop::sample::select(LINES.to_vec());
    // A true line, cut anywhere and gone on with anything.
    (start, any::<prop::sample::Index>(), "\\PC{0,60}|[ -~]{0,60}").prop_map(|(start, cut, rest)| {
        let cut = cut.index(start.len());
        format!("{}{rest}", &start[..cut])
    })
}

proptest! {
    #[test]
    fn any_lines_are_read_without_a_panic_and_memory_stays_small(lines in prop::collection::vec(line(), 0..40)) {
        let mut parser = Parser::default();
        for (text, at) in lines.iter().zip(0_u32..) {
            let bytes = format!("4,{at},{at},-;{text}\n");
            if let Some(entry) = Record::parse(bytes.as_bytes()).and_then(|record| parser.parse(&record)) {
                let json = serde_json::to_string(&entry).unwrap();
                prop_assert!(json.len() < 2000);
                prop_assert_eq!(serde_json::from_str::<Entry>(&json).unwrap(), entry);
            }
            prop_assert!(parser.sxids.len() <= SXIDS);
        }
    }

    #[test]
    fn a_program_never_makes_an_event(text in line(), facility in 1..200_u32, priority in 0..8_u32) {
        let record = format!("{},1,2,-;{text}\n", facility * 8 + priority);
        prop_assert_eq!(entries(Speakers::Kernel, &[record]), []);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
        let mut record = b"4,1,2,-;".to_vec();
        record.extend(bytes);
        if let Some(record) = Record::parse(&record) {
            let _ = Parser::default().parse(&record);
        }
    }
}
