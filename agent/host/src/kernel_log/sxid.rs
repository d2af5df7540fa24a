//! `nvidia-nvswitch1: SXid (PCI:0000:06:00.0): 20034, Fatal, Link 48 LTSSM Fault Up`
//!
//! The driver says each error up to three times: with its words, with its severity and engine, with its data. Only the
//! first form says whether it is fatal. Forms: NVIDIA's Fabric Manager guide, and lines of public reports.

use serde::{Deserialize, Serialize};

use super::text::{MAX_TEXT, clip, number, number32};
use crate::pci_address::PciAddress;

/// One error of an NVSwitch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SxidEvent {
    /// The switch's number, as in `/dev/nvidia-nvswitch1`.
    pub switch: u16,
    /// Where the switch is.
    pub pci: PciAddress,
    /// The code; what it means is in [`crate::sxid::TABLE`].
    pub code: u32,
    /// What the line says; `None` where it says nothing of it.
    pub fatal: Option<bool>,
    /// The NVLink port of the switch.
    pub link: Option<u16>,
    /// What follows, up to 240 bytes.
    pub text: String,
}

/// A line, and whether it only adds detail to one that was said before.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) event: SxidEvent,
    pub(super) continues: bool,
}

pub(super) fn parse(text: &str) -> Option<Line> {
    let (switch, rest) = number(text.strip_prefix("nvidia-nvswitch")?)?;
    let rest = rest.strip_prefix(':').unwrap_or(rest).trim_start();
    let (address, rest) = rest.strip_prefix("SXid (")?.split_once("):")?;
    let (code, rest) = number32(rest.trim_start())?;
    let rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    let continues = rest.starts_with("Severity ") || rest.starts_with("Data ");
    let (word, after) = rest.split_once(',').unwrap_or((rest, ""));
    let (fatal, rest) = match word.trim() {
        "Fatal" => (Some(true), after),
        "Non-fatal" | "Nonfatal" | "Non-Fatal" => (Some(false), after),
        _ => (None, rest),
    };
    let event = SxidEvent {
        switch: u16::try_from(switch).ok()?,
        pci: address.trim().parse().ok()?,
        code,
        fatal,
        link: link(rest),
        text: clip(rest, MAX_TEXT),
    };
    Some(Line { event, continues })
}

/// `Link 48 …`; the second form calls it the engine's instance.
fn link(text: &str) -> Option<u16> {
    let after = |word: &str| text.split_once(word).and_then(|(_, rest)| number(rest.trim_start()));
    let (link, _) = after("Link ").or_else(|| after("Engine instance "))?;
    u16::try_from(link).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> SxidEvent {
        parse(text).unwrap().event
    }

    #[test]
    fn the_first_form_says_all() {
        let fault = event("nvidia-nvswitch1: SXid (PCI:0000:06:00.0): 20034, Fatal, Link 48 LTSSM Fault Up");
        assert_eq!((fault.switch, fault.code, fault.fatal, fault.link), (1, 20034, Some(true), Some(48)));
        assert_eq!(fault.pci.to_string(), "0000:06:00.0");
        assert_eq!(fault.text, "Link 48 LTSSM Fault Up");
        let mild = event(
            "nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 28006, Non-fatal, Link 46 MC TS crumbstore MCTO (First)",
        );
        assert_eq!((mild.fatal, mild.link), (Some(false), Some(46)));
    }

    #[test]
    fn the_other_forms_continue() {
        let text = "nvidia-nvswitch2: SXid (PCI:0000:07:00.0): 20034, Severity 1 Engine instance 60 Sub-engine instance 00";
        let line = parse(text).unwrap();
        assert!(line.continues);
        assert_eq!((line.event.fatal, line.event.link), (None, Some(60)));
        let data = "nvidia-nvswitch2: SXid (PCI:0000:07:00.0): 20034, Data {0x10000000, 0x10000000}";
        assert!(parse(data).unwrap().continues);
    }

    #[test]
    fn a_line_without_a_word_or_a_link_is_still_one() {
        let halt =
            event("nvidia-nvswitch0: SXid (PCI:0004:00:00.0): 26006, SOE HALT data[0] = 0x               0");
        assert_eq!((halt.code, halt.fatal, halt.link), (26006, None, None));
        let write = event(
            "nvidia-nvswitch1: SXid (PCI:0000:07:00.0): 10001, Non-fatal, PRI WRITE SYSB error, instance=3, chiplet=1",
        );
        assert_eq!(
            (write.fatal, write.text.as_str()),
            (Some(false), "PRI WRITE SYSB error, instance=3, chiplet=1")
        );
        let cut = event("nvidia-nvswitch1: SXid (PCI:0000:06:00.0): 20009, Non-fatal, Li");
        assert_eq!((cut.fatal, cut.link), (Some(false), None));
    }

    #[test]
    fn what_names_no_switch_or_code_is_none() {
        for text in [
            "nvidia-nvswitch: Probing device 0000:06:00.0, Vendor Id = 0x10de",
            "nvidia-nvswitch0: SXid (invalid): some error",
            "nvidia-nvswitch0: SXid (PCI:0000:00:00.0): xyz, Fatal error",
            "nvidia-nvswitch0: open (major=510)",
            "nvidia-nvswitch99999: SXid (PCI:0000:00:00.0): 1, Fatal",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
