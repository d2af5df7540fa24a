//! Verdicts, and how the program itself fares.

use super::Facts;
use super::page::Page;
use crate::keeper::Status;
use crate::publisher::Lane;
use crate::told;
use gpunode_host::health::{EfaName, GpuName, Subject};

pub(super) fn add(page: &mut Page, facts: &Facts<'_>) {
    let version = env!("CARGO_PKG_VERSION");
    page.gauge(
        "gpunode_build_info",
        "The program; the value is always 1.",
        &[("version", version), ("node", facts.node)],
        1.0,
    );
    conditions(page, facts);
    findings(page, facts);
    sources(page, facts);
    writes(page, facts);
    let versions = &facts.report.versions;
    let text = |found: &Option<String>| found.clone().unwrap_or_default();
    page.gauge(
        "gpunode_software_info",
        "Versions of drivers and libraries; the value is always 1.",
        &[
            ("nvidia_driver", &text(&versions.nvidia_driver)),
            ("cuda", &text(&versions.cuda)),
            ("efa_driver", &text(&versions.efa_driver)),
            ("efa_installer", &text(&versions.efa_installer)),
            ("libfabric", &text(&versions.libfabric)),
            ("kernel", &text(&versions.kernel)),
            ("instance_type", &text(&facts.report.instance.kind)),
        ],
        1.0,
    );
}

fn conditions(page: &mut Page, facts: &Facts<'_>) {
    for condition in &facts.desired.conditions {
        let name = condition.kind.name();
        let value = match condition.status {
            Status::True => 1.0,
            Status::False => 0.0,
            Status::Unknown => -1.0,
        };
        let labels = [("condition", name)];
        page.gauge(
            "gpunode_condition",
            "A condition of the node as it is decided here: 1 True, 0 False, -1 Unknown.",
            &labels,
            value,
        );
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of our time fit a double")]
        let since = condition.since_unix_ms as f64 / 1000.0;
        page.gauge(
            "gpunode_condition_since_seconds",
            "When the condition got its status, in seconds since 1970.",
            &labels,
            since,
        );
    }
}

fn findings(page: &mut Page, facts: &Facts<'_>) {
    for finding in &facts.report.findings {
        let severity = told::severity(finding.severity);
        let (gpu, device, pci) = names(&finding.subject);
        let labels = [
            ("code", finding.code),
            ("severity", severity),
            ("gpu", gpu.as_str()),
            ("device", device.as_str()),
            ("pci_bus_id", pci.as_str()),
            ("stale", if finding.stale { "true" } else { "false" }),
        ];
        page.gauge("gpunode_finding", "Something that is wrong now; the value is always 1.", &labels, 1.0);
    }
}

/// GPU index, RDMA device or disk, PCI address.
fn names(subject: &Subject) -> (String, String, String) {
    match subject {
        Subject::Node => Default::default(),
        Subject::Gpu(GpuName { pci, index, .. }) => {
            (index.map(|index| index.to_string()).unwrap_or_default(), String::new(), pci.clone())
        }
        Subject::Efa(EfaName { pci, device, eni, .. }) => {
            let device = device.clone().or(eni.clone()).unwrap_or_default();
            (String::new(), device, pci.clone())
        }
        Subject::NvSwitch { pci } | Subject::Pci { pci } => (String::new(), String::new(), pci.clone()),
        Subject::Disk { name } => (String::new(), name.clone(), String::new()),
    }
}

fn sources(page: &mut Page, facts: &Facts<'_>) {
    for source in &facts.report.sources {
        let pci = source.pci.as_deref().unwrap_or_default();
        let labels = [("source", source.name.words()), ("pci_bus_id", pci)];
        let good = if source.state.is_good() { 1.0 } else { 0.0 };
        page.gauge(
            "gpunode_source_answers",
            "Whether a source of health answers, or there is nothing to ask.",
            &labels,
            good,
        );
    }
}

fn writes(page: &mut Page, facts: &Facts<'_>) {
    let counts = facts.publisher.counts();
    for lane in Lane::ALL {
        let labels = [("write", lane.word())];
        let (written, failed) = (counts.written[lane as usize], counts.failed[lane as usize]);
        page.counter("gpunode_api_writes_total", "Writes that the API server took.", &labels, written);
        page.counter(
            "gpunode_api_failures_total",
            "Writes that came to nothing and were, or will be, tried again.",
            &labels,
            failed,
        );
    }
    let events = facts.publisher.events();
    let waiting = u32::try_from(events.waiting()).unwrap_or(u32::MAX);
    page.gauge("gpunode_events_waiting", "Events that wait to be told.", &[], f64::from(waiting));
    page.counter("gpunode_events_lost_total", "Events that were dropped untold.", &[], events.lost());
}
