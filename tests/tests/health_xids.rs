//! Every XID of the catalogue: whether it condemns the node, and what takes it away.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::time::Duration;

use gpunode_host::Severity;
use gpunode_host::gpu_pci;
use gpunode_host::health::{Health, Now, Seen};
use gpunode_host::kernel_log::{Parser, Record, Speakers};
use gpunode_tests::health::{Bed, found};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Xids {
    gpu_reset: BTreeSet<u32>,
    replace: BTreeSet<u32>,
    reboot: BTreeSet<u32>,
    harmless: BTreeSet<u32>,
}

fn xids() -> Xids {
    toml::from_str(include_str!("../cases/xids.toml")).unwrap()
}

fn at(seconds: u64) -> Now {
    Now { boot: Duration::from_secs(seconds), unix_ms: seconds * 1000 }
}

/// What the driver prints after the code and the process.
fn line(code: u32) -> String {
    format!("NVRM: Xid (PCI:0000:86:00): {code}, pid=4242, name=python, as the driver puts it")
}

fn says(health: &mut Health, now: Now, text: &str) {
    let record = format!("4,1,1,-;{text}\n");
    let entry = Parser::new(Speakers::Kernel).parse(&Record::parse(record.as_bytes()).unwrap());
    health.see(now, Seen::Kernel(Box::new(entry.unwrap_or_else(|| panic!("{text}")))));
}

fn machine(bed: &Bed) -> Health {
    let mut health = Health::new(bed.settings().setup);
    let (gpus, nvswitches) = (gpu_pci::devices(&bed.root), gpu_pci::nvswitches(&bed.root));
    let hardware = gpus.iter().map(|_| None).collect();
    health.see(at(1), Seen::GpuBus { gpus, hardware, nvswitches });
    health
}

const RESET: &str = "NVRM: Xid (PCI:0000:86:00): 154, GPU recovery action changed from 0x1 (GPU Reset Required) to 0x0 (None)";

#[test]
fn a_fatal_xid_stands_until_what_cures_it_has_happened() {
    let (bed, xids) = (Bed::new("p5.48xlarge"), xids());
    for code in xids.gpu_reset.iter().chain(&xids.replace).chain(&xids.reboot) {
        let mut health = machine(&bed);
        says(&mut health, at(10), &line(*code));
        let name = format!("Xid{code} gpu 3");
        assert_eq!(found(&bed, &health), [name.as_str()]);
        assert_eq!(health.findings()[0].severity, Severity::Error, "{name}");
        health.tick(at(1_000_000));
        assert_eq!(found(&bed, &health), [name.as_str()], "time cures nothing");
        says(&mut health, at(1_000_010), RESET);
        let left = if xids.gpu_reset.contains(code) { vec![] } else { vec![name] };
        assert_eq!(found(&bed, &health), left);
    }
}

#[test]
fn what_is_a_programs_own_fault_condemns_nobody_and_blows_over() {
    let (bed, xids) = (Bed::new("p5.48xlarge"), xids());
    for code in &xids.harmless {
        let mut health = machine(&bed);
        for second in 10..20 {
            says(&mut health, at(second), &line(*code));
        }
        let findings = health.findings();
        assert!(findings.iter().all(|finding| finding.severity < Severity::Error), "{code}: {findings:?}");
        assert!(findings.len() <= 1, "{code}: {findings:?}");
        health.tick(at(700));
        assert_eq!(found(&bed, &health), Vec::<String>::new());
    }
}
