//! What EKS node auto repair and Karpenter may act on: they replace, or reboot, the node.
//!
//! They act on `False` alone, ten minutes after it for `AcceleratedHardwareReady` and thirty for the others, so only
//! findings that a new instance, or a reboot, takes away make it so. What lies in the image, the configuration or the
//! start of a service would be the same on the next instance.

use gpunode_host::Severity;
use gpunode_host::health::{Present, rules};

/// Errors that another instance of the same image and launch template would have as well, or that say that something
/// is not ready yet.
const NOT_FOR_REPAIR: [&str; 8] = [
    rules::NVIDIA_DRIVER_ABSENT.code,
    rules::NVML_UNUSABLE.code,
    rules::GPU_FABRIC_NOT_READY.code,
    rules::EFA_DRIVER_ABSENT.code,
    rules::EFA_NOT_BOUND.code,
    rules::EFA_HIDDEN.code,
    rules::EFA_ALL_HIDDEN.code,
    rules::EFA_NO_RDM.code,
];

/// Reasons that managed node groups know, by the code of the finding. XIDs are in [`reason`]. Source: EKS user guide,
/// node health and auto repair; the EKS node monitoring agent's reasons.
const KNOWN: [(&str, &str); 13] = [
    (rules::GPU_LOST.code, "NvidiaXID79Error"),
    (rules::GPU_FELL_OFF_BUS.code, "NvidiaXID79Error"),
    (rules::GPU_OFF_BUS.code, "NvidiaXID79Error"),
    (rules::GPU_SRAM_THRESHOLD.code, "NvidiaDoubleBitError"),
    (rules::GPU_REMAP_FAILED.code, "NvidiaXID64Error"),
    (rules::NVLINK_DOWN.code, "NvidiaNVLinkError"),
    (rules::NVSWITCH_FATAL.code, "NvidiaNVLinkError"),
    (rules::GPU_MISSING.code, "NvidiaDeviceCountMismatch"),
    (rules::GPU_FABRIC_FAILED.code, "NvidiaFabricError"),
    (rules::EFA_CARD_FAULT.code, "InterfaceNotRunning"),
    (rules::EFA_ADMIN_TIMEOUT.code, "InterfaceNotRunning"),
    (rules::EFA_QUEUE_CLOSED.code, "InterfaceNotRunning"),
    (rules::EFA_ABSENT.code, "InterfaceNotUp"),
];

/// Whether the finding is worth an instance.
pub(crate) fn condemns(finding: &Present) -> bool {
    finding.severity == Severity::Error && !NOT_FOR_REPAIR.contains(&finding.code)
}

/// The reason by which a managed node group picks what it does; one that it does not know is replaced by Karpenter and
/// left alone by managed node groups unless they are told (`nodeRepairConfigOverrides`).
pub(crate) fn reason(code: &str) -> String {
    if let Some((_, known)) = KNOWN.iter().find(|(ours, _)| *ours == code) {
        return (*known).to_owned();
    }
    let number = code.strip_prefix("Xid").map(|rest| rest.trim_end_matches(|c: char| !c.is_ascii_digit()));
    match number {
        Some(number) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("NvidiaXID{number}Error")
        }
        _ => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpunode_host::finding::Clears;

    #[test]
    fn reasons_are_those_that_managed_node_groups_know() {
        assert_eq!(reason("Xid79"), "NvidiaXID79Error");
        assert_eq!(reason("Xid149Fatal"), "NvidiaXID149Error");
        assert_eq!(reason("NvlinkDown"), "NvidiaNVLinkError");
        assert_eq!(reason("XidUnknown"), "XidUnknown");
        assert_eq!(reason("EfaMissing"), "EfaMissing");
    }

    #[test]
    fn what_a_reset_or_a_new_instance_takes_away_is_never_left_out() {
        for rule in rules::all().filter(|rule| NOT_FOR_REPAIR.contains(&rule.code)) {
            let known = [Clears::WhenGone, Clears::DriverReload];
            assert!(known.contains(&rule.clears), "{}", rule.code);
        }
    }

    #[test]
    fn no_reason_is_for_a_finding_that_is_not_repaired() {
        for (code, _) in KNOWN {
            assert!(!NOT_FOR_REPAIR.contains(&code), "{code}");
            assert!(rules::find(code).is_some_and(|rule| rule.severity == Severity::Error), "{code}");
        }
    }
}
