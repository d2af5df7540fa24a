//! NVSwitches in a report.

use serde::Serialize;

use super::Standing;
use crate::gpu_pci::GpuPci;
use crate::health::{Kind, Known, Present};

/// One NVSwitch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NvSwitch {
    /// PCI address.
    pub pci: String,
    /// The kernel driver that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// How it fares.
    pub standing: Standing,
}

/// Every NVSwitch on the bus.
pub(super) fn all(known: &Known, findings: &[Present]) -> Vec<NvSwitch> {
    let row = |switch: &GpuPci| NvSwitch {
        pci: switch.address.clone(),
        driver: switch.driver.clone(),
        standing: Standing::new(findings, Kind::NvSwitch, &switch.address, true),
    };
    known.nvswitches.iter().map(row).collect()
}
