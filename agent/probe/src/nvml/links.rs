//! The NVLinks of a GPU.

use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::gpu::{Link, LinkErrors};
use nvml_wrapper_sys::bindings::field_id as id;

use super::call::{Ask, get};
use super::fields::{Fields, narrow};
use super::library::no_pci;
use super::text::address;

/// `nvmlNvLinkErrorCounter_t`.
const REPLAY: u32 = 0;
const RECOVERY: u32 = 1;
const CRC_FLIT: u32 = 2;
const CRC_DATA: u32 = 3;

/// Every link, from the fields where the driver has them, else by a call each.
pub(crate) fn links(ask: &Ask<'_>, fields: &Fields<'_>, count: u32, slow: bool) -> Vec<Link> {
    (0..count).map(|link| one(ask, fields, link, slow)).collect()
}

fn one(ask: &Ask<'_>, fields: &Fields<'_>, index: u32, slow: bool) -> Link {
    let state = narrow(fields.of_link(id::NVML_FI_DEV_NVLINK_GET_STATE, index));
    let state = state.or_else(|| get!(ask, nvmlDeviceGetNvLinkState, 0, index));
    let version = narrow(fields.of_link(id::NVML_FI_DEV_NVLINK_GET_VERSION, index));
    let version = version.or_else(|| get!(ask, nvmlDeviceGetNvLinkVersion, 0, index));
    let remote = if slow {
        get!(ask, nvmlDeviceGetNvLinkRemotePciInfo_v2, no_pci(), index).map(|pci| address(&pci))
    } else {
        Reading::NotAsked
    };
    Link { index, active: state.map(|state| state != 0), version, errors: errors(ask, fields, index), remote }
}

fn errors(ask: &Ask<'_>, fields: &Fields<'_>, link: u32) -> LinkErrors {
    let field = |id| fields.of_link(id, link);
    let mut errors = LinkErrors {
        replay: field(id::NVML_FI_DEV_NVLINK_ERROR_DL_REPLAY),
        recovery: field(id::NVML_FI_DEV_NVLINK_ERROR_DL_RECOVERY),
        crc_flit: field(id::NVML_FI_DEV_NVLINK_ERROR_DL_CRC),
        crc_data: Reading::NotSupported,
        receive: field(id::NVML_FI_DEV_NVLINK_COUNT_RCV_ERRORS),
        local_integrity: field(id::NVML_FI_DEV_NVLINK_COUNT_LOCAL_LINK_INTEGRITY_ERRORS),
        recovered: field(id::NVML_FI_DEV_NVLINK_COUNT_LINK_RECOVERY_SUCCESSFUL_EVENTS),
        recovery_failed: field(id::NVML_FI_DEV_NVLINK_COUNT_LINK_RECOVERY_FAILED_EVENTS),
        effective: field(id::NVML_FI_DEV_NVLINK_COUNT_EFFECTIVE_ERRORS),
    };
    if errors.replay == Reading::NotSupported && !fields.is_from_blackwell() {
        let counter = |which| get!(ask, nvmlDeviceGetNvLinkErrorCounter, 0, link, which);
        errors.replay = counter(REPLAY);
        errors.recovery = counter(RECOVERY);
        errors.crc_flit = counter(CRC_FLIT);
        errors.crc_data = counter(CRC_DATA);
    }
    errors
}
