use gpunode_host::health::report::Machine;
use gpunode_host::health::{Health, Setup, Sighting, Source, Subject, rules};

use super::*;
use crate::condition::{Condition, Type};
use crate::event_book::EventBook;
use crate::keeper::Status;
use crate::publisher::{Published, Settings};

fn page() -> String {
    let health = Health::new(Setup::default());
    let sources: [(&Source, _); 0] = [];
    let mut report = Report::new(&health, sources, Machine::default());
    let mut engine = gpunode_host::health::Engine::at_once();
    let now = gpunode_host::health::Now { boot: std::time::Duration::ZERO, unix_ms: 0 };
    let gpu = Subject::gpu("0000:53:00.0");
    engine.happened(now, &Source::KernelLog, Sighting::new(&rules::GPU_LOST, gpu, "lost"));
    report.findings = engine.findings();
    let condition = Condition {
        kind: Type::GpuHealthy,
        status: Status::False,
        reason: "GpuLost".into(),
        message: String::new(),
        since_unix_ms: 1500,
    };
    let desired = Desired { conditions: vec![condition], ..Desired::default() };
    let settings = Settings { node: "n".into(), boot_id: "b".into(), heartbeat: std::time::Duration::ZERO };
    let publisher = Publisher::new(settings, Published::default(), EventBook::default());
    text(&Facts {
        node: "n",
        report: &report,
        known: health.known(),
        desired: &desired,
        publisher: &publisher,
    })
}

#[test]
fn a_condition_and_a_finding_have_a_series_each() {
    let page = page();
    for line in [
        "gpunode_condition{condition=\"GPUHealthy\"} 0",
        "gpunode_condition_since_seconds{condition=\"GPUHealthy\"} 1.5",
        "gpunode_finding{code=\"GpuLost\",severity=\"error\",gpu=\"\",device=\"\",pci_bus_id=\"0000:53:00.0\",stale=\"false\"} 1",
        "gpunode_api_writes_total{write=\"status\"} 0",
    ] {
        assert!(page.lines().any(|each| each == line), "{line}\n{page}");
    }
}

#[test]
fn every_metric_has_its_help_and_type_before_its_samples() {
    let page = page();
    let mut described = None;
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            described = rest.split(' ').next();
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next();
            assert_eq!(name, described, "{line}");
        }
    }
}
