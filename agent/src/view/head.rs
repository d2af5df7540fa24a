//! The first lines of a report: which machine, which software, and what it comes to.

use gpunode_host::Severity;
use gpunode_host::count;
use gpunode_host::health::report::{Instance, Report, Verdict};

use super::paint::{Paint, Style, clean};

/// `p5.48xlarge i-0abc in us-west-2a, host ip-10-0-0-1`
pub(crate) fn machine(instance: &Instance) -> String {
    let names = [instance.kind.as_deref(), instance.id.as_deref()];
    let mut text = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        "unknown machine".clone_into(&mut text);
    }
    let zone = instance.availability_zone.as_ref().map(|zone| format!(" in {zone}"));
    let host = instance.hostname.as_ref().map(|host| format!(", host {host}"));
    clean(&[Some(text), zone, host].into_iter().flatten().collect::<String>())
}

/// `driver 580.95.05 (open), CUDA 13.0, EFA 2.17.3g`
pub(super) fn versions(report: &Report) -> String {
    let v = &report.versions;
    let driver = v.nvidia_driver.as_ref().map(|driver| match v.nvidia_modules {
        Some(modules) => format!("{driver} ({modules})"),
        None => driver.clone(),
    });
    let parts = [
        ("NVIDIA driver", driver.as_ref()),
        ("CUDA", v.cuda.as_ref()),
        ("EFA driver", v.efa_driver.as_ref()),
        ("EFA installer", v.efa_installer.as_ref()),
        ("libfabric", v.libfabric.as_ref()),
        ("OFI-NCCL", v.ofi_nccl.as_ref()),
        ("kernel", v.kernel.as_ref()),
    ];
    let known = parts.into_iter().filter_map(|(name, version)| Some(format!("{name} {}", version?)));
    clean(&known.collect::<Vec<_>>().join(", "))
}

/// `unhealthy: 1 error, 2 warnings`
pub(super) fn verdict(report: &Report, paint: Paint) -> String {
    let word = report.verdict.word();
    let counts = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "note")];
    let counts = counts.into_iter().filter_map(|(severity, name)| {
        let found = report.findings.iter().filter(|found| found.severity == severity).count();
        (found > 0).then(|| count(found, name))
    });
    let mut what = counts.collect::<Vec<_>>();
    if report.verdict == Verdict::Unknown {
        what.insert(0, format!("{} did not answer", count(report.unknown.len(), "source")));
    }
    let what = if what.is_empty() { "nothing is wrong".to_owned() } else { what.join(", ") };
    format!("{}: {what}", paint.text(Style::from(report.verdict), word))
}
