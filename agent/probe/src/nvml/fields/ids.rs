//! Which fields are asked for.

use nvml_wrapper_sys::bindings::field_id as id;

/// Asked of every GPU.
pub(super) const OF_GPU: &[u32] = &[
    id::NVML_FI_DEV_ECC_CURRENT,
    id::NVML_FI_DEV_ECC_PENDING,
    id::NVML_FI_DEV_ECC_SBE_VOL_TOTAL,
    id::NVML_FI_DEV_ECC_DBE_VOL_TOTAL,
    id::NVML_FI_DEV_ECC_SBE_AGG_TOTAL,
    id::NVML_FI_DEV_ECC_DBE_AGG_TOTAL,
    id::NVML_FI_DEV_RETIRED_SBE,
    id::NVML_FI_DEV_RETIRED_DBE,
    id::NVML_FI_DEV_RETIRED_PENDING,
    id::NVML_FI_DEV_MEMORY_TEMP,
    id::NVML_FI_DEV_PCIE_REPLAY_COUNTER,
    id::NVML_FI_DEV_REMAPPED_COR,
    id::NVML_FI_DEV_REMAPPED_UNC,
    id::NVML_FI_DEV_REMAPPED_PENDING,
    id::NVML_FI_DEV_REMAPPED_FAILURE,
    id::NVML_FI_DEV_PCIE_COUNT_CORRECTABLE_ERRORS,
    id::NVML_FI_DEV_PCIE_COUNT_NON_FATAL_ERROR,
    id::NVML_FI_DEV_PCIE_COUNT_FATAL_ERROR,
    id::NVML_FI_DEV_POWER_INSTANT,
    id::NVML_FI_DEV_POWER_DEFAULT_LIMIT,
    id::NVML_FI_DEV_POWER_CURRENT_LIMIT,
    id::NVML_FI_DEV_GET_GPU_RECOVERY_ACTION,
];
/// Asked of every link.
pub(super) const OF_LINK: &[u32] = &[id::NVML_FI_DEV_NVLINK_GET_STATE, id::NVML_FI_DEV_NVLINK_GET_VERSION];
/// Asked of links up to Hopper.
pub(super) const OF_LINK_TO_HOPPER: &[u32] = &[
    id::NVML_FI_DEV_NVLINK_ERROR_DL_REPLAY,
    id::NVML_FI_DEV_NVLINK_ERROR_DL_RECOVERY,
    id::NVML_FI_DEV_NVLINK_ERROR_DL_CRC,
];
/// Asked of links from Blackwell on.
pub(super) const OF_LINK_FROM_BLACKWELL: &[u32] = &[
    id::NVML_FI_DEV_NVLINK_COUNT_RCV_ERRORS,
    id::NVML_FI_DEV_NVLINK_COUNT_LOCAL_LINK_INTEGRITY_ERRORS,
    id::NVML_FI_DEV_NVLINK_COUNT_LINK_RECOVERY_SUCCESSFUL_EVENTS,
    id::NVML_FI_DEV_NVLINK_COUNT_LINK_RECOVERY_FAILED_EVENTS,
    id::NVML_FI_DEV_NVLINK_COUNT_EFFECTIVE_ERRORS,
];
/// `nvmlDeviceArchitecture_t` of Blackwell, and of what NVML itself does not know.
pub(super) const BLACKWELL: u32 = 10;
pub(super) const UNKNOWN: u32 = u32::MAX;

/// The three counters of time spent throttled. Driver 580.82 moved the ids 251 to 253 to 269 to 271 and gave the old
/// ones another meaning (NVML API reference, "Known issues").
pub(crate) fn throttle_ids(driver: Option<&str>) -> [u32; 3] {
    let mut parts = driver.unwrap_or_default().split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if version >= (580, 82) { [269, 270, 271] } else { [251, 252, 253] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_of_throttling_moved_with_driver_580_82() {
        for (driver, first) in [
            (Some("550.127.05"), 251),
            (Some("580.65.06"), 251),
            (Some("580.82"), 269),
            (Some("580.95.05"), 269),
            (Some("590.44.01"), 269),
            (Some("not a version"), 251),
            (None, 251),
        ] {
            assert_eq!(throttle_ids(driver)[0], first, "{driver:?}");
        }
    }
}
