use std::time::Duration;

use super::*;
use crate::health::Kind;
use crate::kernel_log::{Parser, Record, Speakers};

struct Machine;

impl Names for Machine {
    fn at(&self, pci: &str) -> Subject {
        match pci {
            "0000:53:00.0" | "0000:64:00.0" => Subject::gpu(pci),
            "0000:4f:00.0" => Subject::efa(pci),
            _ => Subject::Pci { pci: pci.to_owned() },
        }
    }

    fn efa(&self, device: &str) -> Option<Subject> {
        (device == "rdmap79s0").then(|| Subject::efa("0000:4f:00.0"))
    }
}

/// What the lines show, each said `milliseconds` after boot.
fn hear(lines: &[(u64, &str)]) -> Vec<Heard> {
    let (mut parser, mut kernel) = (Parser::new(Speakers::Kernel), Kernel::default());
    let mut heard = Vec::new();
    for (at, (milliseconds, line)) in lines.iter().enumerate() {
        let text = format!("4,{at},{},-;{line}\n", milliseconds * 1000);
        let record = Record::parse(text.as_bytes()).unwrap();
        if let Some(entry) = parser.parse(&record) {
            let now = Now { boot: Duration::from_millis(*milliseconds), unix_ms: 0 };
            heard.push(kernel.judge(now, &entry.event, &Machine));
        }
    }
    heard
}

fn codes(heard: &[Heard]) -> Vec<(&'static str, Kind)> {
    let sightings = heard.iter().flat_map(|heard| &heard.sightings);
    sightings.map(|sighting| (sighting.rule.code, sighting.subject.kind())).collect()
}

#[test]
fn each_kind_of_line_has_its_sign() {
    let cases = [
        (
            "NVRM: Xid (PCI:0000:53:00): 79, pid=1, name=python, GPU has fallen off the bus.",
            "Xid79",
            Kind::Gpu,
        ),
        ("NVRM: Xid (PCI:0000:53:00): 31, pid=1, name=python, Ch 00000008", "Xid31", Kind::Gpu),
        ("NVRM: Xid (PCI:0000:53:00): 9999, pid=1, name=python, something", "XidUnknown", Kind::Gpu),
        (
            "NVRM: Xid (PCI:0000:53:00): 149, NETIR_LINK_EVT Fatal XC0 i0 Link 08 (0x004505c6 0x00000000)",
            "Xid149Fatal",
            Kind::Gpu,
        ),
        (
            "NVRM: Xid (PCI:0000:53:00): 149, NETIR_BER_EVENT Nonfatal XC0 i0 Link 08 (0x004505c6 0x00000000)",
            "Xid149Nonfatal",
            Kind::Gpu,
        ),
        (
            "NVRM: Xid (PCI:0000:53:00): 149, NETIR_LINK_EVT Fatal XC0 i0 Link 00 (0x026001c6 0x00000000)",
            "Xid149FatalElsewhere",
            Kind::Gpu,
        ),
        (
            "NVRM: Xid (PCI:0000:53:00): 145, RLW_REMAP Nonfatal XC0 i0 Link 00 (0x00000004 0x00000004)",
            "Xid145NonfatalFollow",
            Kind::Gpu,
        ),
        (
            "NVRM: Xid (PCI:0000:53:00): 154, GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)",
            "GpuResetRequired",
            Kind::Gpu,
        ),
        (
            "nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 20034, Fatal, Link 48 LTSSM Fault Up",
            "NvSwitchFatal",
            Kind::NvSwitch,
        ),
        ("efa 0000:4f:00.0: Admin queue is closed", "EfaCardFault", Kind::Efa),
    ];
    for (line, code, kind) in cases {
        assert_eq!(codes(&hear(&[(1, line)])), [(code, kind)], "{line}");
    }
}

/// What no disk is does not condemn the disks, and what is made of disks holds the data volume's file system.
#[test]
fn only_what_is_a_disk_is_a_sick_disk() {
    let code = |line: &str| codes(&hear(&[(1, line)]))[0].0;
    for device in ["nvme1n1", "nvme0n1p1", "sda", "vdb1", "xvdf", "mdx", "sr", "ramdisk"] {
        assert_eq!(
            code(&format!("I/O error, dev {device}, sector 8 op 0x0:(READ)")),
            "DiskIoError",
            "{device}"
        );
        assert_eq!(code(&format!("XFS ({device}): log I/O error -5")), "FileSystemError", "{device}");
    }
    for (device, file_system) in [
        ("md127", "FileSystemError"),
        ("dm-3", "FileSystemError"),
        ("loop7", "DiskVirtualIoError"),
        ("nbd0", "DiskVirtualIoError"),
        ("sr0", "DiskVirtualIoError"),
        ("fd0", "DiskVirtualIoError"),
    ] {
        let buffer = format!("Buffer I/O error on dev {device}, logical block 0, async page read");
        assert_eq!(code(&buffer), "DiskVirtualIoError", "{device}");
        assert_eq!(code(&format!("XFS ({device}): log I/O error -5")), file_system, "{device}");
    }
}

#[test]
fn a_lost_gpu_explains_the_links_of_the_others_in_either_order() {
    let lost = "NVRM: Xid (PCI:0000:53:00): 79, pid=1, name=python, GPU has fallen off the bus.";
    let link = "NVRM: Xid (PCI:0000:64:00): 74, pid=1, name=python, NVLink: fatal error detected on link 3";
    let switch = "nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 20034, Fatal, Link 48 LTSSM Fault Up";
    let after = hear(&[(1000, lost), (1200, link), (1300, switch)]);
    assert_eq!(codes(&after), [("Xid79", Kind::Gpu)]);
    let before = hear(&[(1000, link), (1100, switch), (1200, lost)]);
    let withdrawn: Vec<_> = before[2].withdrawn.iter().map(|sighting| sighting.rule.code).collect();
    assert_eq!(withdrawn, ["Xid74", "NvSwitchFatal"]);
    let apart = hear(&[(1000, lost), (9000, link)]);
    assert_eq!(codes(&apart), [("Xid79", Kind::Gpu), ("Xid74", Kind::Gpu)], "another fault");
}

#[test]
fn the_drivers_word_takes_its_verdict_back() {
    let line = "NVRM: Xid (PCI:0000:53:00): 154, GPU recovery action changed from 0x1 (GPU Reset Required) to 0x0 (None)";
    let heard = hear(&[(1, line)]);
    assert_eq!((&heard[0].reset[..], heard[0].sightings.len()), (&[Subject::gpu("0000:53:00.0")][..], 0));
}

#[test]
fn a_device_that_registers_again_was_started_anew() {
    let heard = hear(&[(1, "infiniband rdmap79s0: IB device registered")]);
    assert_eq!(heard[0].reset, [Subject::efa("0000:4f:00.0")]);
}
