//! The rows of the XIDs, made from their table: one a code, and two more for each of the NVLink codes, which the
//! severity word of the line decides.

use std::sync::LazyLock;
use std::time::Duration;

use crate::finding::{Clears, Severity};
use crate::health::rule::{Confirm, Rule};
use crate::health::{Kind, rules};
use crate::kernel_log::{NvLinkTail, Severity5, XidEvent, XidTail};
use crate::pci_address::PciAddress;
use crate::xid::{self, TABLE, Verdict, Xid};

/// How long an XID stands that is no state: it says what has happened.
const HOLD: Duration = Duration::from_secs(600);
/// Codes whose line has a severity word.
const NVLINK5: std::ops::RangeInclusive<u32> = 144..=150;
/// Its rows are those of the recovery action, see [`crate::health::judge::gpus::recovery_rule`].
const RECOVERY_ACTION: u32 = 154;

/// By code, then by severity word. Made once, and kept as long as the program runs.
static ROWS: LazyLock<Vec<(u32, Option<Severity5>, &'static Rule)>> = LazyLock::new(rows);

rules::rules! { OTHERS:
    XID_UNKNOWN = "XidUnknown", Gpu, Warning, Confirm::AtOnce, WhenGone, for 600 s;
        is "The driver reports an XID that this version of gpunode does not know.",
        seen "kernel line `Xid` with a code that is not in the table, or an NVML event with it",
        do "Look the code up in NVIDIA's Xid catalogue.",
        by "NVIDIA Xid catalogue";
}

/// The rows of the XIDs.
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    ROWS.iter().map(|(_, _, rule)| *rule).chain(OTHERS.iter().copied())
}

/// The row of an event.
pub fn rule(event: &XidEvent) -> &'static Rule {
    let word = match &event.tail {
        Some(XidTail::NvLink(tail)) => Some(tail.severity),
        _ => None,
    };
    let row =
        |word| ROWS.iter().find(|(code, of, _)| (*code, *of) == (event.code, word)).map(|(_, _, rule)| *rule);
    row(word).or_else(|| row(None)).unwrap_or(&XID_UNKNOWN)
}

fn rows() -> Vec<(u32, Option<Severity5>, &'static Rule)> {
    let mut rows = Vec::new();
    for xid in TABLE.iter().filter(|xid| xid.code != RECOVERY_ACTION) {
        rows.push(row(xid, None));
        if NVLINK5.contains(&xid.code) {
            rows.push(row(xid, Some(Severity5::Fatal)));
            rows.push(row(xid, Some(Severity5::Nonfatal)));
        }
    }
    rows
}

fn row(xid: &'static Xid, word: Option<Severity5>) -> (u32, Option<Severity5>, &'static Rule) {
    let verdict = verdict(xid, word);
    let name = match word {
        None => "",
        Some(Severity5::Fatal) => "Fatal",
        Some(Severity5::Nonfatal) => "Nonfatal",
    };
    let said = if name.is_empty() { String::new() } else { format!(" and the word {name}") };
    let detected =
        format!("kernel line `Xid` with code {} ({}){said}, or its NVML event", xid.code, xid.mnemonic);
    let rule = Rule {
        code: keep(format!("Xid{}{name}", xid.code)),
        kind: Kind::Gpu,
        severity: verdict.severity,
        confirm: Confirm::AtOnce,
        clears: if verdict.condemns { verdict.clears } else { Clears::WhenGone },
        hold: (verdict.severity != Severity::Error).then_some(HOLD),
        about: xid.meaning,
        detected: keep(detected),
        action: verdict.advice,
        source: xid.source,
    };
    (xid.code, word, Box::leak(Box::new(rule)))
}

fn verdict(xid: &Xid, word: Option<Severity5>) -> Verdict {
    let tail = word.map(|severity| {
        XidTail::NvLink(NvLinkTail { unit: String::new(), severity, link: None, words: Vec::new() })
    });
    let (gpu_instance, pid, process, text) = (None, None, None, String::new());
    let pci = PciAddress::default();
    xid::judge(&XidEvent { pci, gpu_instance, code: xid.code, pid, process, text, tail })
}

fn keep(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}
