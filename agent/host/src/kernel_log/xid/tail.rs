//! The rest of an Xid line, for codes whose text has a fixed form.

use serde::{Deserialize, Serialize};

use crate::kernel_log::text::{MAX_NAME, clip, hex32};
use crate::xid::RecoveryAction;

/// A NVLink5 line has up to six words; more are not kept.
const MAX_WORDS: usize = 8;

/// The rest of an Xid line, where it has a fixed form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum XidTail {
    /// 144 to 150: an error of the fifth generation's NVLink.
    NvLink(NvLinkTail),
    /// 154: what the driver asked for before, and what it asks for now.
    Recovery {
        /// Before.
        from: RecoveryAction,
        /// Now.
        to: RecoveryAction,
    },
    /// 94 and 95: an error of the memory.
    Memory(MemoryTail),
}

/// The severity word of a NVLink5 line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity5 {
    /// The link, or the GPU, is out of use until a reset.
    Fatal,
    /// The link goes on.
    Nonfatal,
}

/// `NETIR_LINK_EVT Fatal XC0 i0 Link 08 (0x004505c6 0x00000000 …)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NvLinkTail {
    /// The unit that reports, for example `NETIR_LINK_EVT`.
    pub unit: String,
    /// How bad the driver finds it.
    pub severity: Severity5,
    /// The NVLink; `None` where the line says -1 (no one link).
    pub link: Option<u16>,
    /// The words in the brackets: the first is `intrinfo`, the second the error status.
    pub words: Vec<u32>,
}

impl NvLinkTail {
    /// The sub-code, bits 20 to 25 of the first word. Its meaning differs between drivers before and since R575.
    pub fn sub_code(&self) -> Option<u32> {
        self.words.first().map(|word| word >> 20 & 0x3f)
    }
}

/// `Contained: SM (0x1). RST: No, D-RST: No`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemoryTail {
    /// The GPU must be reset.
    pub reset: bool,
    /// The GPU must be drained and reset.
    pub drain_and_reset: bool,
}

pub(super) fn parse(code: u32, text: &str) -> Option<XidTail> {
    match code {
        94 | 95 => memory(text).map(XidTail::Memory),
        144..=150 => nvlink(text).map(XidTail::NvLink),
        154 => recovery(text),
        _ => None,
    }
}

fn memory(text: &str) -> Option<MemoryTail> {
    let answer = |key: &str| {
        let value = text.split_once(key)?.1.trim_start();
        Some(value.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("yes")))
    };
    // ` RST:` and not `D-RST:`, which ends the same way.
    Some(MemoryTail { reset: answer(" RST:")?, drain_and_reset: answer("D-RST:").unwrap_or(false) })
}

fn nvlink(text: &str) -> Option<NvLinkTail> {
    let (words_before, words) = text.split_once('(').unwrap_or((text, ""));
    let mut before = words_before.split_ascii_whitespace();
    let unit = clip(before.next()?, MAX_NAME);
    let severity = match before.next()? {
        "Fatal" => Severity5::Fatal,
        "Nonfatal" | "Non-fatal" => Severity5::Nonfatal,
        _ => return None,
    };
    let link = before.skip_while(|word| *word != "Link").nth(1).and_then(|link| link.parse().ok());
    let words =
        words.split_ascii_whitespace().map_while(|word| Some(hex32(word)?.0)).take(MAX_WORDS).collect();
    Some(NvLinkTail { unit, severity, link, words })
}

/// The number counts: the words beside it differ between drivers (`Node Reboot Required`, `OS Reboot`).
fn recovery(text: &str) -> Option<XidTail> {
    let (from, to) = text.split_once("changed from ")?.1.split_once(" to ")?;
    Some(XidTail::Recovery { from: hex32(from)?.0.into(), to: hex32(to)?.0.into() })
}
