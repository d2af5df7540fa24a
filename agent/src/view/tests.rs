//! What people see of one fixed report.

use gpunode_host::Severity;
use gpunode_host::finding::Clears;
use gpunode_host::health::report::{
    Disk, Ecc, Efa, EfaState, ErrorCounts, Expected, Gpu, GpuState, Instance, Listed, Nvlinks, Pcie, Report,
    SCHEMA, SoftwareVersions, SourceName, SourceReport, SourceState, Standing, Verdict,
};
use gpunode_host::health::{Present, Subject};

use super::{Paint, Size, csv, full, inventory_table, screen};

fn gpu(index: u32) -> Gpu {
    Gpu {
        index: Some(index),
        pci: Some(format!("0000:{}3:00.0", index + 5)),
        state: GpuState::Read,
        serial: Some(format!("165{index}")),
        product: Some("NVIDIA H100 80GB HBM3".into()),
        driver: Some("nvidia".into()),
        memory_total: Some(85_520_809_984),
        memory_used: Some(1 << 30),
        temperature: Some(34),
        power_milliwatts: Some(70_499),
        power_limit_milliwatts: Some(700_000),
        utilisation: Some(0),
        ecc: Some(Ecc {
            enabled: Some(true),
            volatile: Some(ErrorCounts { corrected: 0, uncorrected: 2 }),
            ..Ecc::default()
        }),
        nvlinks: Some(Nvlinks { active: 18, total: 18, links: Vec::new() }),
        pcie: Pcie {
            generation: Some(1),
            generation_max: Some(5),
            width: Some(16),
            width_max: Some(16),
            ..Pcie::default()
        },
        standing: Standing::Ok,
        ..Gpu::default()
    }
}

fn efa(card: u32) -> Efa {
    Efa {
        device: Some(format!("rdmap{card}s0")),
        pci: Some(format!("0000:4{card}:00.0")),
        state: EfaState::Ready,
        network_card: Some(card),
        eni: Some(format!("eni-{card}")),
        mac: Some(format!("0a:00:00:00:00:0{card}")),
        rate_gbps: Some(200),
        driver: Some("efa".into()),
        driver_version: Some("2.17.3g".into()),
        libfabric: Some(Listed { rdm: true, dgram: card != 1 }),
        tx_bytes: Some(1_234_000),
        rx_bytes: Some(0),
        standing: Standing::Ok,
        ..Efa::default()
    }
}

fn finding() -> Present {
    Present {
        code: "GpuLost",
        severity: Severity::Error,
        subject: Subject::gpu("0000:63:00.0"),
        message: "it answers\nnothing \u{1b}[2J any more".into(),
        since_unix_ms: 1_700_000_000_000,
        clears: Clears::Reboot,
        action: "Drain the node.",
        stale: false,
    }
}

fn report() -> Report {
    let lost = Gpu {
        index: Some(1),
        pci: Some("0000:63:00.0".into()),
        state: GpuState::Unreachable,
        standing: Standing::Error,
        ..Gpu::default()
    };
    let disk = Disk {
        name: "nvme1n1".into(),
        kind: "instance-store",
        model: "Amazon EC2 NVMe Instance Storage".into(),
        serial: Some("AWS1".into()),
        volume_id: None,
        size: 3_840_755_982_336,
        mounted: vec!["/mnt/a, b".into()],
        standing: Standing::Ok,
    };
    let silent = SourceState::Silent("no answer within 900 ms".into());
    let source = |pci: &str| SourceReport {
        name: SourceName::EfaPort,
        pci: Some(pci.into()),
        state: silent.clone(),
        needed: true,
    };
    Report {
        schema: SCHEMA,
        time_unix_ms: 1_700_000_000_000,
        verdict: Verdict::Unhealthy,
        unknown: Vec::new(),
        instance: Instance {
            id: Some("i-1".into()),
            kind: Some("p5.48xlarge".into()),
            ..Instance::default()
        },
        sources: vec![source("0000:40:00.0"), source("0000:41:00.0")],
        gpus: vec![gpu(0), lost],
        nv_switches: Vec::new(),
        efa: vec![efa(0), efa(1)],
        other_rdma: Vec::new(),
        expected: Expected::default(),
        disks: vec![disk],
        versions: SoftwareVersions { cuda: Some("13.0".into()), ..SoftwareVersions::default() },
        findings: vec![finding()],
    }
}

const FULL: &str = "\
p5.48xlarge i-1
CUDA 13.0

GPU  health  PCI address   product               memory               temp.  power        busy  ECC  NVLink  PCIe
  0  ok      0000:53:00.0  H100 80GB HBM3        1.00 GiB of 79.6 GiB  34 °C  70 of 700 W  0 %   0/2   18/18  gen 1 of 5 x16
";

#[test]
fn a_report_has_each_device_on_a_line_and_each_finding_with_its_action() {
    let text = full(&report(), false, Paint(false));
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for (line, expected) in text.lines().zip(FULL.lines()) {
        assert_eq!(words(line), words(expected), "{text}");
    }
    assert!(text.contains("  1  error   0000:63:00.0  NVML cannot reach it"), "{text}");
    assert!(text.contains("rdmap1s0  ok"), "{text}");
    assert!(text.contains("error GpuLost GPU 0000:63:00.0: it answers nothing  [2J any more"), "{text}");
    assert!(text.contains("until the instance is rebooted\n  do: Drain the node.\n"), "{text}");
    assert!(text.contains("of 0000:40:00.0 (and 1 more)") || text.contains("(and 1 more)"), "{text}");
    assert!(text.ends_with("unhealthy: 1 error"), "{text}");
}

#[test]
fn a_healthy_report_says_so() {
    let healthy = Report { verdict: Verdict::Healthy, findings: Vec::new(), sources: Vec::new(), ..report() };
    assert!(full(&healthy, false, Paint(false)).ends_with("healthy: nothing is wrong"));
    let reasons = vec!["NVML: not there".to_owned()];
    let unknown = Report { verdict: Verdict::Unknown, unknown: reasons, ..healthy };
    assert!(full(&unknown, false, Paint(false)).ends_with("unknown: 1 source did not answer"));
}

#[test]
fn colours_are_there_only_when_asked_for_and_change_no_text() {
    let (plain, coloured) = (full(&report(), true, Paint(false)), full(&report(), true, Paint(true)));
    assert!(!plain.contains('\x1b'));
    assert!(coloured.contains("\x1b[31munhealthy\x1b[0m"), "{coloured}");
    let mut stripped = coloured;
    for code in ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m"] {
        stripped = stripped.replace(code, "");
    }
    assert_eq!(stripped, plain);
}

#[test]
fn csv_has_a_heading_and_a_line_a_device() {
    let expected = "\
type,name,pci,model,serial,uuid,bytes,mig,driver,firmware,eni,mac,network_card,gbps,numa_node,state
gpu,0,0000:53:00.0,NVIDIA H100 80GB HBM3,1650,,85520809984,,nvidia,,,,,,,read
gpu,1,0000:63:00.0,,,,,,,,,,,,,unreachable
efa,rdmap0s0,0000:40:00.0,,,,,,efa 2.17.3g,,eni-0,0a:00:00:00:00:00,0,200,,ready
efa,rdmap1s0,0000:41:00.0,,,,,,efa 2.17.3g,,eni-1,0a:00:00:00:00:01,1,200,,ready
disk,nvme1n1,,Amazon EC2 NVMe Instance Storage,AWS1,,3840755982336,,,,,,,,,\"/mnt/a, b\"";
    assert_eq!(csv(&report()), expected);
}

#[test]
fn an_inventory_ends_with_a_summary() {
    let text = inventory_table(&report(), Paint(false));
    let summary = "2 GPUs (1 × NVIDIA H100 80GB HBM3, 1 × of unknown model, 79.6 GiB, 1 not read), 2 EFA, 1 disk (3.84 TB)";
    assert_eq!(text.lines().last(), Some(summary), "{text}");
    let nothing = Report { gpus: vec![], efa: vec![], disks: vec![], ..report() };
    assert_eq!(inventory_table(&nothing, Paint(false)), "p5.48xlarge i-1\n0 GPUs, 0 EFA, 0 disks");
}

#[test]
fn a_screen_fits_every_terminal_and_shows_what_is_wrong_first() {
    let many = Report { efa: (0..9).map(efa).collect(), gpus: (0..4).map(gpu).collect(), ..report() };
    for rows in 1..30 {
        for columns in [1, 20, 80, 300] {
            let lines = screen(&many, 0, Size { rows, columns }, Paint(false));
            assert!(lines.len() <= rows, "{rows}: {lines:?}");
            assert!(lines.iter().all(|line| line.chars().count() <= columns), "{columns}: {lines:?}");
        }
    }
    let small = screen(&many, 0, Size { rows: 12, columns: 300 }, Paint(false));
    assert!(small[2].starts_with("error GpuLost"), "{small:?}");
    assert!(small.iter().any(|line| line == "9 EFA are well"), "{small:?}");
    let large = screen(&many, 0, Size { rows: 60, columns: 300 }, Paint(false));
    assert!(large.iter().any(|line| line.starts_with("rdmap8s0")), "{large:?}");
}
