//! What is slow to read and changes rarely.

use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::gpu::{Process, ProcessKind};
use nvml_wrapper_sys::bindings::nvmlProcessInfo_t;

use super::call::{Ask, call, code};

/// Processes of a kind that are told at most.
const MOST: usize = 1024;
/// Processes of a kind that there is room for at first.
const ROOM: usize = 64;
/// `NVML_VALUE_NOT_AVAILABLE`, which a process in another container or on a MIG device has.
const NOT_AVAILABLE: u64 = u64::MAX;

/// Whether the InfoROM's checksum is right.
pub(super) fn info_rom_valid(ask: &Ask<'_>) -> Reading<bool> {
    match call!(ask, nvmlDeviceValidateInforom, ask.device) {
        Err(code::CORRUPTED_INFOROM) => Reading::Value(false),
        done => ask.reading("nvmlDeviceValidateInforom", done.map(|()| true)),
    }
}

/// The processes of every kind.
pub(super) fn processes(ask: &Ask<'_>) -> Reading<Vec<Process>> {
    let kinds = [
        compute(ask).map(|all| told(&all, ProcessKind::Compute)),
        graphics(ask).map(|all| told(&all, ProcessKind::Graphics)),
        mps(ask).map(|all| told(&all, ProcessKind::Mps)),
    ];
    // A kind that is not supported has no processes; only when none is supported, nothing can be said.
    let mut whole = Reading::NotSupported;
    for kind in kinds {
        whole = match (whole, kind) {
            (Reading::Failed(code), _) | (_, Reading::Failed(code)) => Reading::Failed(code),
            (Reading::Value(mut all), Reading::Value(more)) => {
                all.extend(more);
                Reading::Value(all)
            }
            (Reading::Value(all), _) | (_, Reading::Value(all)) => Reading::Value(all),
            _ => Reading::NotSupported,
        };
    }
    whole
}

fn told(all: &[nvmlProcessInfo_t], kind: ProcessKind) -> Vec<Process> {
    let memory = |bytes| (bytes != NOT_AVAILABLE).then_some(bytes);
    all.iter().map(|one| Process { pid: one.pid, kind, memory: memory(one.usedGpuMemory) }).collect()
}

/// Asks with more room while NVML says that there are more; the number can grow between two calls.
macro_rules! listed {
    ($ask:expr, $name:ident) => {{
        let mut room = ROOM;
        loop {
            let empty =
                nvmlProcessInfo_t { pid: 0, usedGpuMemory: 0, gpuInstanceId: 0, computeInstanceId: 0 };
            let mut list = vec![empty; room];
            let mut count = u32::try_from(room).unwrap_or(0);
            let done = call!($ask, $name, $ask.device, &raw mut count, list.as_mut_ptr());
            let count = count as usize;
            if done == Err(code::INSUFFICIENT_SIZE) && room < MOST {
                room = (count + ROOM).clamp(room + 1, MOST);
                continue;
            }
            list.truncate(count);
            // With more than the most, what fits is told by some versions and nothing by others.
            let done = if done == Err(code::INSUFFICIENT_SIZE) { Ok(list) } else { done.map(|()| list) };
            break $ask.reading(stringify!($name), done);
        }
    }};
}

fn compute(ask: &Ask<'_>) -> Reading<Vec<nvmlProcessInfo_t>> {
    listed!(ask, nvmlDeviceGetComputeRunningProcesses_v3)
}

fn graphics(ask: &Ask<'_>) -> Reading<Vec<nvmlProcessInfo_t>> {
    listed!(ask, nvmlDeviceGetGraphicsRunningProcesses_v3)
}

fn mps(ask: &Ask<'_>) -> Reading<Vec<nvmlProcessInfo_t>> {
    listed!(ask, nvmlDeviceGetMPSComputeRunningProcesses_v3)
}
