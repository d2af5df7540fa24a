//! Whether NVML, and the probe that loads it, can be used.

use gpunode_probe_protocol::gpu::Stuck;
use gpunode_probe_protocol::library::Unusable;

use crate::health::{GpuName, Rule, Sighting, Subject, rules};

/// `NVML_ERROR_DRIVER_NOT_LOADED`
const DRIVER_NOT_LOADED: i32 = 9;
/// `NVML_ERROR_LIB_RM_VERSION_MISMATCH`
const VERSION_MISMATCH: i32 = 18;

/// What is wrong with the probe itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It could not be started; the message names the call.
    NotStarted(String),
    /// It ended; the message says how, with its last words.
    Ended(String),
    /// It does not answer.
    Frozen {
        /// Milliseconds it was waited for.
        deadline_ms: u64,
    },
    /// It said what is not understood.
    Garbage(String),
}

/// The signs of NVML not being usable. `gpus` says whether NVIDIA GPUs are on the PCI bus: without any, nothing is
/// missing.
pub fn unusable(why: &Unusable, gpus: bool, driver_loaded: bool) -> Vec<Sighting> {
    if !gpus || !driver_loaded {
        // What is missing then is said by the look at the PCI bus.
        return Vec::new();
    }
    let (rule, message): (&'static Rule, _) = match why {
        Unusable::NotInstalled { message } => (&rules::NVML_NOT_INSTALLED, message.clone()),
        Unusable::Start { code: VERSION_MISMATCH, message } => {
            (&rules::NVML_VERSION_MISMATCH, message.clone())
        }
        Unusable::Start { code: DRIVER_NOT_LOADED, message } => {
            (&rules::NVML_UNUSABLE, format!("{message}, though its module is there"))
        }
        Unusable::Start { code, message } => {
            (&rules::NVML_UNUSABLE, format!("{message} (NVML error {code})"))
        }
        Unusable::Stuck { call, .. } => (&rules::GPU_PROBE_HUNG, format!("{call} does not come back")),
        Unusable::WrongLibrary { message } => (&rules::NVML_UNUSABLE, message.clone()),
    };
    vec![Sighting::new(rule, Subject::Node, message)]
}

/// The signs of a probe in trouble.
pub fn trouble(trouble: &Trouble) -> Sighting {
    let (rule, message): (&'static Rule, _) = match trouble {
        Trouble::NotStarted(message) => (&rules::GPU_PROBE_NOT_STARTED, message.clone()),
        Trouble::Ended(message) => (&rules::GPU_PROBE_CRASHED, message.clone()),
        Trouble::Garbage(message) => (&rules::GPU_PROBE_GARBAGE, message.clone()),
        Trouble::Frozen { deadline_ms } => {
            (&rules::GPU_PROBE_HUNG, format!("the probe as a whole did not answer within {deadline_ms} ms"))
        }
    };
    Sighting::new(rule, Subject::Node, message)
}

/// The signs of a call that does not come back.
pub fn stuck(stuck: &Stuck) -> Sighting {
    let message = format!("{} does not come back", stuck.call);
    match &stuck.pci {
        Some(pci) => {
            let name = GpuName { pci: pci.clone(), index: stuck.index, ..GpuName::default() };
            Sighting::new(&rules::GPU_HANGS, Subject::Gpu(name), message)
        }
        None => Sighting::new(&rules::GPU_PROBE_HUNG, Subject::Node, message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(why: &Unusable, gpus: bool, driver: bool) -> Vec<&'static str> {
        unusable(why, gpus, driver).iter().map(|sighting| sighting.rule.code).collect()
    }

    #[test]
    fn a_machine_without_gpus_misses_nothing() {
        let absent = Unusable::NotInstalled { message: "cannot open shared object file".into() };
        let start = |code| Unusable::Start { code, message: "words".into() };
        assert!(code(&absent, false, false).is_empty());
        assert!(code(&start(9), true, false).is_empty(), "that the driver is absent is said by the bus");
        assert_eq!(code(&absent, true, true), ["NvmlNotInstalled"]);
        assert_eq!(code(&start(18), true, true), ["NvmlVersionMismatch"]);
        assert_eq!(code(&start(999), true, true), ["NvmlUnusable"]);
    }

    #[test]
    fn what_a_probe_in_trouble_is_called() {
        let code = |what: Trouble| trouble(&what).rule.code;
        assert_eq!(code(Trouble::NotStarted("fork: no memory".into())), "GpuProbeNotStarted");
        assert_eq!(code(Trouble::Ended("by signal 11".into())), "GpuProbeCrashed");
        assert_eq!(code(Trouble::Frozen { deadline_ms: 5000 }), "GpuProbeHung");
        assert_eq!(code(Trouble::Garbage("a frame of 4 GiB".into())), "GpuProbeGarbage");
    }

    #[test]
    fn a_hang_is_blamed_on_its_gpu_where_that_is_known() {
        let mut call = Stuck { call: "nvmlInit_v2".into(), pci: None, index: None, for_ms: 900 };
        assert_eq!(stuck(&call).rule.code, "GpuProbeHung");
        call.pci = Some("0000:53:00.0".into());
        assert_eq!((stuck(&call).rule.code, stuck(&call).subject.id()), ("GpuHangs", "0000:53:00.0"));
    }
}
