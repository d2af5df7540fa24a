//! Findings, each with what to do.

use gpunode_host::Severity;
use gpunode_host::finding::Clears;
use gpunode_host::health::Present;

use super::paint::{Paint, Style, clean};
use super::units::time;

/// As reports call it.
pub(super) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// On one line.
pub(crate) fn line(found: &Present, paint: Paint) -> String {
    let kind = paint.text(found.severity.into(), word(found.severity));
    let code = paint.text(Style::Bold, found.code);
    let stale = if found.stale { " (its source is silent now)" } else { "" };
    clean_line(&format!(
        "{kind} {code} {}: {}{stale}",
        clean(&found.subject.to_string()),
        clean(&found.message)
    ))
}

/// Our own colour codes are the only control characters that are left by then.
fn clean_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// With what takes each away and what to do; that is said once for findings of the same kind, which follow each other.
pub(super) fn lines(findings: &[Present], paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for same in findings.chunk_by(|a, b| a.code == b.code) {
        lines.extend(same.iter().map(|found| line(found, paint)));
        let (Some(first), since) = (same.first(), same.iter().map(|found| found.since_unix_ms).min()) else {
            continue;
        };
        let since = format!("  since {}, until {}", time(since.unwrap_or_default()), until(first.clears));
        lines.extend([paint.text(Style::Dim, &since), format!("  do: {}", first.action)]);
    }
    lines
}

fn until(clears: Clears) -> &'static str {
    match clears {
        Clears::WhenGone => "it is not seen any more",
        Clears::GpuReset => "the GPU is reset",
        Clears::DriverReload => "the driver starts the device anew",
        Clears::Reboot => "the instance is rebooted",
        Clears::Replace => "the instance is replaced",
    }
}
