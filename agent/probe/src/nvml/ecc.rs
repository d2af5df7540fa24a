//! Memory errors.

use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::gpu::{Ecc, EccCounts, Histogram, Pages, Remap, Sram};
use nvml_wrapper_sys::bindings::{
    field_id as id, nvmlEccSramErrorStatus_t, nvmlRowRemapperHistogramValues_t,
};

use super::call::{Ask, get};
use super::device::version_of;
use super::fields::Fields;

/// Error correction.
pub(super) fn ecc(ask: &Ask<'_>, fields: &Fields<'_>) -> Ecc {
    let counts = |ids| fields.all(ids).map(|[corrected, uncorrected]| EccCounts { corrected, uncorrected });
    Ecc {
        enabled: fields.flag(id::NVML_FI_DEV_ECC_CURRENT),
        pending: fields.flag(id::NVML_FI_DEV_ECC_PENDING),
        volatile: counts([id::NVML_FI_DEV_ECC_SBE_VOL_TOTAL, id::NVML_FI_DEV_ECC_DBE_VOL_TOTAL]),
        aggregate: counts([id::NVML_FI_DEV_ECC_SBE_AGG_TOTAL, id::NVML_FI_DEV_ECC_DBE_AGG_TOTAL]),
        sram: sram(ask),
    }
}

fn sram(ask: &Ask<'_>) -> Reading<Sram> {
    // SAFETY: numbers, for which zeros are valid.
    let mut empty: nvmlEccSramErrorStatus_t = unsafe { std::mem::zeroed() };
    empty.version = version_of::<nvmlEccSramErrorStatus_t>(1);
    get!(ask, nvmlDeviceGetSramEccErrorStatus, empty).map(|status| Sram {
        threshold_exceeded: status.bThresholdExceeded != 0,
        volatile: EccCounts {
            corrected: status.volatileCor,
            uncorrected: status.volatileUncParity.saturating_add(status.volatileUncSecDed),
        },
        aggregate: EccCounts {
            corrected: status.aggregateCor,
            uncorrected: status.aggregateUncParity.saturating_add(status.aggregateUncSecDed),
        },
    })
}

/// Remapped rows. Without them there is no histogram to ask for.
pub(super) fn remap(ask: &Ask<'_>, fields: &Fields<'_>) -> Reading<Remap> {
    let rows = fields.all([
        id::NVML_FI_DEV_REMAPPED_COR,
        id::NVML_FI_DEV_REMAPPED_UNC,
        id::NVML_FI_DEV_REMAPPED_PENDING,
        id::NVML_FI_DEV_REMAPPED_FAILURE,
    ]);
    let count = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    rows.map(|[corrected, uncorrected, pending, failure]| Remap {
        corrected: count(corrected),
        uncorrected: count(uncorrected),
        pending: pending != 0,
        failure: failure != 0,
        histogram: histogram(ask),
    })
}

fn histogram(ask: &Ask<'_>) -> Option<Histogram> {
    let empty = nvmlRowRemapperHistogramValues_t { max: 0, high: 0, partial: 0, low: 0, none: 0 };
    let banks = get!(ask, nvmlDeviceGetRowRemapperHistogram, empty);
    let banks = banks.value()?;
    let (max, high, partial, low, none) = (banks.max, banks.high, banks.partial, banks.low, banks.none);
    Some(Histogram { max, high, partial, low, none })
}

/// Retired pages.
pub(super) fn pages(fields: &Fields<'_>) -> Reading<Pages> {
    let pages = fields.all([
        id::NVML_FI_DEV_RETIRED_SBE,
        id::NVML_FI_DEV_RETIRED_DBE,
        id::NVML_FI_DEV_RETIRED_PENDING,
    ]);
    let count = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    pages.map(|[single, double, pending]| Pages {
        single_bit: count(single),
        double_bit: count(double),
        pending: pending != 0,
    })
}
