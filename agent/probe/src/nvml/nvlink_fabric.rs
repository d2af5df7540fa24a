//! The NVLink fabric that a GPU is registered with.

use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::gpu::Fabric;
use nvml_wrapper_sys::bindings::{nvmlGpuFabricInfo_t, nvmlGpuFabricInfo_v2_t, nvmlGpuFabricInfoV_t};

use super::call::{Ask, get};
use super::device::version_of;

/// Asks with the newest struct first. A library that does not know it says so, and gets an older one; the third is
/// from before driver 550.
pub(super) fn fabric(ask: &Ask<'_>) -> Reading<Fabric> {
    third(ask).or_else(|| second(ask)).or_else(|| first(ask))
}

fn empty() -> nvmlGpuFabricInfoV_t {
    // SAFETY: numbers, for which zeros are valid.
    unsafe { std::mem::zeroed() }
}

fn third(ask: &Ask<'_>) -> Reading<Fabric> {
    let empty = nvmlGpuFabricInfoV_t { version: version_of::<nvmlGpuFabricInfoV_t>(3), ..empty() };
    get!(ask, nvmlDeviceGetGpuFabricInfoV, empty).map(|info| Fabric {
        health_summary: Some(info.healthSummary.into()),
        ..known(&info, Some(info.healthMask))
    })
}

/// The second version is the third without its last number, so the same place has room for it.
fn second(ask: &Ask<'_>) -> Reading<Fabric> {
    let empty = nvmlGpuFabricInfoV_t { version: version_of::<nvmlGpuFabricInfo_v2_t>(2), ..empty() };
    get!(ask, nvmlDeviceGetGpuFabricInfoV, empty).map(|info| known(&info, Some(info.healthMask)))
}

fn first(ask: &Ask<'_>) -> Reading<Fabric> {
    let empty = nvmlGpuFabricInfo_t { clusterUuid: [0; 16], status: 0, cliqueId: 0, state: 0 };
    let info = get!(ask, nvmlDeviceGetGpuFabricInfo, empty);
    info.map(|info| {
        let nvmlGpuFabricInfo_t { clusterUuid, status, cliqueId, state } = info;
        known(&nvmlGpuFabricInfoV_t { clusterUuid, status, cliqueId, state, ..self::empty() }, None)
    })
}

fn known(info: &nvmlGpuFabricInfoV_t, health_mask: Option<u32>) -> Fabric {
    Fabric {
        state: info.state.into(),
        status: info.status,
        clique: info.cliqueId,
        cluster: uuid(info.clusterUuid),
        health_mask,
        health_summary: None,
    }
}

fn uuid(bytes: [u8; 16]) -> String {
    let number = u128::from_be_bytes(bytes);
    let part = |shift: u32, digits: u32| (number >> shift) & ((1 << (4 * digits)) - 1);
    let [second, third, fourth] = [80, 64, 48].map(|shift| part(shift, 4));
    format!("{:08x}-{second:04x}-{third:04x}-{fourth:04x}-{:012x}", part(96, 8), part(0, 12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_written_as_a_uuid() {
        let bytes = std::array::from_fn(|index| u8::try_from(index * 17).unwrap());
        assert_eq!(uuid(bytes), "00112233-4455-6677-8899-aabbccddeeff");
        assert_eq!(uuid([0; 16]), "00000000-0000-0000-0000-000000000000");
    }
}
