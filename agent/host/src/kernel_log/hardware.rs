//! Processor and memory errors: machine checks, EDAC, firmware-first reports (APEI), pages taken out of use.

use serde::{Deserialize, Serialize};

use super::text::{MAX_TEXT, between, clip, number32};

/// One hardware error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HardwareEvent {
    /// What kind of report it is.
    pub kind: HardwareKind,
    /// The CPU that saw it, where the line has one.
    pub cpu: Option<u32>,
    /// The line, up to 240 bytes.
    pub text: String,
}

/// What kind of report it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HardwareKind {
    /// A machine check; the line does not say whether it was corrected.
    MachineCheck,
    /// A corrected memory error (EDAC `CE`).
    MemoryCorrected,
    /// An uncorrected memory error (EDAC `UE`).
    MemoryUncorrected,
    /// A page of memory is broken and was taken out of use.
    MemoryFailure,
    /// The firmware reports a corrected error.
    FirmwareCorrected,
    /// The firmware reports an error that was not corrected.
    FirmwareUncorrected,
}

pub(super) fn parse(text: &str) -> Option<HardwareEvent> {
    let kind = if text.starts_with("EDAC ") {
        edac(text)?
    } else if text.starts_with("Memory failure: ") {
        // `0x1a2b3c: recovery action for dirty LRU page: Recovered`: other lines of a failure only add to this one.
        text.contains("recovery action for ").then_some(HardwareKind::MemoryFailure)?
    } else {
        reported(text.split_once("[Hardware Error]: ")?.1)?
    };
    let cpu =
        between(text, "CPU ", ":").or(between(text, "CPU:", " ")).and_then(number32).map(|(cpu, _)| cpu);
    Some(HardwareEvent { kind, cpu, text: clip(text, MAX_TEXT) })
}

/// `EDAC MC0: 1 CE memory read error on CPU_SrcID#0_MC#0_Chan#1_DIMM#0 (…)`
fn edac(text: &str) -> Option<HardwareKind> {
    let mut words = text.split_once(": ")?.1.split(' ');
    words.next()?.parse::<u64>().ok()?;
    match words.next()? {
        "CE" => Some(HardwareKind::MemoryCorrected),
        "UE" => Some(HardwareKind::MemoryUncorrected),
        _ => None,
    }
}

/// One error is a paragraph; one line of each paragraph counts.
fn reported(text: &str) -> Option<HardwareKind> {
    if let Some(severity) = text.trim_start().strip_prefix("event severity: ") {
        let corrected = matches!(severity.trim_end(), "corrected" | "info");
        return Some(if corrected {
            HardwareKind::FirmwareCorrected
        } else {
            HardwareKind::FirmwareUncorrected
        });
    }
    let machine = text.starts_with("CPU ") && text.contains("Machine Check");
    (machine || text.starts_with("Machine check events logged")).then_some(HardwareKind::MachineCheck)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Option<HardwareKind> {
        parse(text).map(|event| event.kind)
    }

    #[test]
    fn a_machine_check_is_one_event_with_its_cpu() {
        let check = parse("mce: [Hardware Error]: CPU 2: Machine Check: 0 Bank 5: be00000000800400").unwrap();
        assert_eq!((check.kind, check.cpu), (HardwareKind::MachineCheck, Some(2)));
        assert_eq!(
            kind("mce: [Hardware Error]: Machine check events logged"),
            Some(HardwareKind::MachineCheck)
        );
        assert_eq!(kind("mce: [Hardware Error]: TSC 0 ADDR 7f8a1c000 MISC 38a0000086"), None);
        assert_eq!(kind("mce: [Hardware Error]: PROCESSOR 0:806f8 TIME 1700000000 SOCKET 0 APIC 4"), None);
        assert_eq!(kind("mce: CPU0: Thermal monitoring enabled (TM1)"), None);
    }

    #[test]
    fn memory_and_firmware() {
        let corrected =
            "EDAC MC0: 1 CE memory read error on CPU_SrcID#0_MC#0_Chan#1_DIMM#0 (channel:1 slot:0 page:0x1)";
        assert_eq!(kind(corrected), Some(HardwareKind::MemoryCorrected));
        assert_eq!(
            kind("EDAC MC3: 12 UE multi-bit ECC on any memory ( page:0x0)"),
            Some(HardwareKind::MemoryUncorrected)
        );
        assert_eq!(kind("EDAC MC0: Giving out device to module igen6_edac"), None);
        assert_eq!(kind("EDAC MC: Ver: 3.0.0"), None);
        let page = "Memory failure: 0x1a2b3c: recovery action for dirty LRU page: Recovered";
        assert_eq!(kind(page), Some(HardwareKind::MemoryFailure));
        assert_eq!(
            kind("{1}[Hardware Error]: event severity: corrected"),
            Some(HardwareKind::FirmwareCorrected)
        );
        assert_eq!(
            kind("{2}[Hardware Error]: event severity: fatal"),
            Some(HardwareKind::FirmwareUncorrected)
        );
        assert_eq!(kind("{2}[Hardware Error]:  Error 0, type: fatal"), None);
    }
}
