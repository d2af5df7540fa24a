//! One GPU, whole.

use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::gpu::{Clocks, Gpu, Memory, Pcie, Power, Thermal, Throttled, Utilisation};
use nvml_wrapper_sys::bindings::{
    field_id as id, nvmlClockType_enum_NVML_CLOCK_MEM as MEM, nvmlClockType_enum_NVML_CLOCK_SM as SM,
    nvmlMarginTemperature_t, nvmlMemory_t, nvmlMemory_v2_t, nvmlTemperature_t,
    nvmlTemperatureSensors_enum_NVML_TEMPERATURE_GPU as CORE, nvmlUtilization_t,
};

use super::call::{Ask, get};
use super::fields::{Fields, narrow, throttle_ids};
use super::known::Known;
use super::{ecc, library, links, mig, nvlink_fabric, slow as slowly};

/// The first number of a struct that NVML versions: its size, and the version in the highest byte
/// (`NVML_STRUCT_VERSION`).
pub(super) fn version_of<T>(version: u32) -> u32 {
    u32::try_from(size_of::<T>()).unwrap_or(0) | version << 24
}

/// Asks for everything about the GPU; `known` keeps what need not be asked again.
pub(crate) fn gpu(ask: &Ask<'_>, index: u32, pci: String, known: &mut Known, slow: bool) -> Gpu {
    known.complete(ask);
    let system = library::system(ask.session, ask.slot);
    let link_count = known.links.value().copied().unwrap_or(0);
    let throttled = throttle_ids(system.driver.value().map(String::as_str));
    let fields = Fields::of(ask, throttled, link_count, known.architecture.value().copied());
    let mut gpu = Gpu {
        index,
        pci,
        uuid: known.uuid.clone(),
        serial: known.serial.clone(),
        product: known.product.clone(),
        architecture: known.architecture,
        vbios: known.vbios.clone(),
        module_id: known.module_id,
        minor: known.minor,
        gsp: known.gsp.clone(),
        gsp_mode: known.gsp_mode,
        recovery_action: narrow(fields.get(id::NVML_FI_DEV_GET_GPU_RECOVERY_ACTION)),
        persistence: get!(ask, nvmlDeviceGetPersistenceMode, 0).map(|mode| mode != 0),
        pstate: get!(ask, nvmlDeviceGetPerformanceState, 0),
        thermal: thermal(ask, &fields, known),
        clocks: clocks(ask, &fields, throttled, known),
        power: power(ask, &fields),
        utilisation: utilisation(ask),
        memory: memory(ask),
        ecc: ecc::ecc(ask, &fields),
        remap: ecc::remap(ask, &fields),
        pages: ecc::pages(&fields),
        links: links::links(ask, &fields, link_count, slow),
        pcie: pcie(ask, &fields, known),
        fabric: nvlink_fabric::fabric(ask),
        mig: mig::mig(ask),
        ..Gpu::default()
    };
    if slow {
        gpu.info_rom_valid = slowly::info_rom_valid(ask);
        gpu.processes = slowly::processes(ask);
    }
    gpu.failures = ask.failures();
    gpu
}

fn thermal(ask: &Ask<'_>, fields: &Fields<'_>, known: &Known) -> Thermal {
    let empty =
        nvmlMarginTemperature_t { version: version_of::<nvmlMarginTemperature_t>(1), marginTemperature: 0 };
    // A degree below zero comes as a number with its sign spread over 64 bits.
    let signed = |value: u64| i32::try_from(value.cast_signed()).unwrap_or(i32::MAX);
    Thermal {
        gpu: core(ask),
        memory: fields.get(id::NVML_FI_DEV_MEMORY_TEMP).map(signed),
        margin: get!(ask, nvmlDeviceGetMarginTemperature, empty).map(|margin| margin.marginTemperature),
        shutdown: known.shutdown,
        slowdown: known.slowdown,
        memory_max: known.memory_max,
        gpu_max: known.gpu_max,
    }
}

/// The call that every driver has is deprecated with CUDA 13, in favour of the second.
fn core(ask: &Ask<'_>) -> Reading<i32> {
    let degrees = get!(ask, nvmlDeviceGetTemperature, 0_u32, CORE).map(u32::cast_signed);
    degrees.or_else(|| {
        let version = version_of::<nvmlTemperature_t>(1);
        let empty = nvmlTemperature_t { version, sensorType: CORE, temperature: 0 };
        get!(ask, nvmlDeviceGetTemperatureV, empty).map(|answer| answer.temperature)
    })
}

fn clocks(ask: &Ask<'_>, fields: &Fields<'_>, throttled: [u32; 3], known: &Known) -> Clocks {
    let reasons = get!(ask, nvmlDeviceGetCurrentClocksEventReasons, 0);
    let [software_thermal, hardware_thermal, power_brake] = throttled.map(|id| fields.get(id));
    Clocks {
        sm: get!(ask, nvmlDeviceGetClockInfo, 0, SM),
        memory: get!(ask, nvmlDeviceGetClockInfo, 0, MEM),
        sm_max: known.sm_max,
        // Its name before driver 535.
        event_reasons: reasons.or_else(|| get!(ask, nvmlDeviceGetCurrentClocksThrottleReasons, 0)),
        throttled: Throttled { software_thermal, hardware_thermal, power_brake },
    }
}

/// The fields are newer than the calls.
fn power(ask: &Ask<'_>, fields: &Fields<'_>) -> Power {
    let field = |id| narrow(fields.get(id));
    Power {
        usage: field(id::NVML_FI_DEV_POWER_INSTANT).or_else(|| get!(ask, nvmlDeviceGetPowerUsage, 0)),
        limit: field(id::NVML_FI_DEV_POWER_CURRENT_LIMIT)
            .or_else(|| get!(ask, nvmlDeviceGetPowerManagementLimit, 0)),
        default_limit: field(id::NVML_FI_DEV_POWER_DEFAULT_LIMIT)
            .or_else(|| get!(ask, nvmlDeviceGetPowerManagementDefaultLimit, 0)),
    }
}

fn utilisation(ask: &Ask<'_>) -> Reading<Utilisation> {
    let empty = nvmlUtilization_t { gpu: 0, memory: 0 };
    let utilisation = get!(ask, nvmlDeviceGetUtilizationRates, empty);
    utilisation.map(|percent| Utilisation { gpu: percent.gpu, memory: percent.memory })
}

/// The older call counts what the driver keeps for itself as used.
fn memory(ask: &Ask<'_>) -> Reading<Memory> {
    let version = version_of::<nvmlMemory_v2_t>(2);
    let empty = nvmlMemory_v2_t { version, total: 0, reserved: 0, free: 0, used: 0 };
    let memory = get!(ask, nvmlDeviceGetMemoryInfo_v2, empty);
    memory.map(|bytes| Memory { total: bytes.total, used: bytes.used, free: bytes.free }).or_else(|| {
        let empty = nvmlMemory_t { total: 0, free: 0, used: 0 };
        let memory = get!(ask, nvmlDeviceGetMemoryInfo, empty);
        memory.map(|bytes| Memory { total: bytes.total, used: bytes.used, free: bytes.free })
    })
}

fn pcie(ask: &Ask<'_>, fields: &Fields<'_>, known: &Known) -> Pcie {
    Pcie {
        width: get!(ask, nvmlDeviceGetCurrPcieLinkWidth, 0),
        width_max: known.width_max,
        generation: get!(ask, nvmlDeviceGetCurrPcieLinkGeneration, 0),
        generation_max: known.generation_max,
        replays: fields.get(id::NVML_FI_DEV_PCIE_REPLAY_COUNTER),
        correctable: fields.get(id::NVML_FI_DEV_PCIE_COUNT_CORRECTABLE_ERRORS),
        non_fatal: fields.get(id::NVML_FI_DEV_PCIE_COUNT_NON_FATAL_ERROR),
        fatal: fields.get(id::NVML_FI_DEV_PCIE_COUNT_FATAL_ERROR),
    }
}
