//! The rows of the XIDs, made from their table: one a code, and more for each of the NVLink codes, which the severity
//! word of the line and NVIDIA's sheet of sub-codes decide.

use std::sync::LazyLock;
use std::time::Duration;

use crate::finding::{Clears, Severity};
use crate::health::rule::{Confirm, Rule};
use crate::health::{Kind, rules};
use crate::kernel_log::{NvLinkTail, Severity5, XidEvent, XidTail};
use crate::pci_address::PciAddress;
use crate::xid::nvlink5::{self, Need, TABLE as TABLE5};
use crate::xid::{self, TABLE, Verdict, Xid};

/// How long an XID stands that is no state: it says what has happened.
const HOLD: Duration = Duration::from_secs(600);
/// Codes whose line has a severity word.
const NVLINK5: std::ops::RangeInclusive<u32> = 144..=150;
/// Its rows are those of the recovery action, see [`crate::health::judge::gpus::recovery_rule`].
const RECOVERY_ACTION: u32 = 154;

/// By code, then by the line. Made once, and kept as long as the program runs.
static ROWS: LazyLock<Vec<(u32, Option<Word>, &'static Rule)>> = LazyLock::new(rows);

/// What tells the rows of an NVLink code apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// `Fatal`: a reset.
    Fatal,
    /// `Fatal`, and the sheet says that the GPU needs nothing: software or the host closed the link.
    FatalElsewhere,
    /// `Nonfatal`.
    Nonfatal,
    /// `Nonfatal`, and the sheet says that a program was ended.
    NonfatalFollow,
}

impl Word {
    fn new(code: u32, tail: &NvLinkTail) -> Self {
        let need = nvlink5::find(code, tail).map(|row| row.need);
        match (tail.severity, need) {
            (Severity5::Fatal, Some(Need::Ignore)) => Self::FatalElsewhere,
            (Severity5::Fatal, _) => Self::Fatal,
            (Severity5::Nonfatal, Some(Need::Follow)) => Self::NonfatalFollow,
            (Severity5::Nonfatal, _) => Self::Nonfatal,
        }
    }

    /// What stands behind `Xid149` in the rule's code, and how it is seen.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Fatal => ("Fatal", " and the word Fatal"),
            Self::FatalElsewhere => {
                ("FatalElsewhere", ", the word Fatal, and a sub-code that asks for no reset")
            }
            Self::Nonfatal => ("Nonfatal", " and the word Nonfatal"),
            Self::NonfatalFollow => {
                ("NonfatalFollow", ", the word Nonfatal, and an error status that ends a program")
            }
        }
    }
}

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
        Some(XidTail::NvLink(tail)) => Some(Word::new(event.code, tail)),
        _ => None,
    };
    let row =
        |word| ROWS.iter().find(|(code, of, _)| (*code, *of) == (event.code, word)).map(|(_, _, rule)| *rule);
    row(word).or_else(|| row(None)).unwrap_or(&XID_UNKNOWN)
}

/// Whether a line that `rule`, which is one of these rows, stands for makes its GPU unfit for work by itself. For the
/// NVLink codes that is the row's matter and not the code's, see [`crate::xid::nvlink5`].
pub fn condemns(rule: &Rule) -> bool {
    rule.severity == Severity::Error
}

fn rows() -> Vec<(u32, Option<Word>, &'static Rule)> {
    let mut rows = Vec::new();
    for xid in TABLE.iter().filter(|xid| xid.code != RECOVERY_ACTION) {
        rows.push(row(xid, None, None));
        if NVLINK5.contains(&xid.code) {
            rows.extend(examples(xid.code).iter().map(|(word, tail)| row(xid, Some(*word), Some(tail))));
        }
    }
    rows
}

/// A line of each kind that the code has: the two that are in no row of the sheet, and those of the sheet.
fn examples(code: u32) -> Vec<(Word, NvLinkTail)> {
    let line =
        |unit: &str, severity, words| NvLinkTail { unit: unit.to_owned(), severity, link: None, words };
    let of_sheet = TABLE5
        .iter()
        .filter(|row| row.code == code)
        .map(|row| line(row.units[0], row.severity, vec![row.sub_code << 20, row.statuses[0]]));
    let plain = [Severity5::Fatal, Severity5::Nonfatal].map(|severity| line("", severity, Vec::new()));
    let mut examples: Vec<(Word, NvLinkTail)> = Vec::new();
    for tail in plain.into_iter().chain(of_sheet) {
        let word = Word::new(code, &tail);
        if !examples.iter().any(|(known, _)| *known == word) {
            examples.push((word, tail));
        }
    }
    examples
}

fn row(
    xid: &'static Xid,
    word: Option<Word>,
    tail: Option<&NvLinkTail>,
) -> (u32, Option<Word>, &'static Rule) {
    let verdict = verdict(xid, tail);
    let (name, said) = word.map(Word::names).unwrap_or_default();
    // NVML's event has the code and no word of the line.
    let event = if word.is_none() { ", or its NVML event" } else { "" };
    let detected = format!("kernel line `Xid` with code {} ({}){said}{event}", xid.code, xid.mnemonic);
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

fn verdict(xid: &Xid, tail: Option<&NvLinkTail>) -> Verdict {
    let tail = tail.cloned().map(XidTail::NvLink);
    let (gpu_instance, pid, process, text) = (None, None, None, String::new());
    let pci = PciAddress::default();
    xid::judge(&XidEvent { pci, gpu_instance, code: xid.code, pid, process, text, tail })
}

fn keep(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}
