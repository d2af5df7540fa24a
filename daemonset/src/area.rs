//! Which condition a finding belongs to.

use gpunode_host::health::report::SourceName;
use gpunode_host::health::{Kind, Present, Source, rules};

/// What a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// GPUs, NVSwitches, their driver and library.
    Gpu,
    /// EFA interfaces, their driver and libfabric.
    Efa,
    /// Disks.
    Storage,
}

/// Findings about the node as a whole that are about GPUs.
const OF_GPUS: [&str; 12] = [
    rules::NVIDIA_DRIVER_ABSENT.code,
    rules::NVML_NOT_INSTALLED.code,
    rules::NVML_VERSION_MISMATCH.code,
    rules::NVML_UNUSABLE.code,
    rules::GPU_PROBE_HUNG.code,
    rules::GPU_PROBE_CRASHED.code,
    rules::GPU_PROBE_GARBAGE.code,
    rules::GPU_PROBE_NOT_STARTED.code,
    rules::GPU_MISSING.code,
    rules::GPU_FIRMWARE_TROUBLE.code,
    rules::DRIVER_API_MISMATCH.code,
    rules::UVM_FATAL.code,
];
/// Findings about the node as a whole that are about EFA.
const OF_EFA: [&str; 9] = [
    rules::EFA_MISSING.code,
    rules::EFA_DRIVER_ABSENT.code,
    rules::EFA_DRIVER_PAIR.code,
    rules::EFA_TOPOLOGY_CHECK.code,
    rules::EFA_GPU_MEMORY_REFUSED.code,
    rules::EFA_ALL_HIDDEN.code,
    rules::EFA_IDLE.code,
    rules::LIBFABRIC_UNUSABLE.code,
    rules::LIBFABRIC_PROBE_FAILED.code,
];

impl Area {
    /// Every area.
    pub const ALL: [Self; 3] = [Self::Gpu, Self::Efa, Self::Storage];

    /// The area of a finding; `None` for what is neither: the processor, memory, tasks, other PCI devices. Those are
    /// told as events and metrics alone.
    pub fn of(finding: &Present) -> Option<Self> {
        match finding.subject.kind() {
            Kind::Gpu | Kind::NvSwitch => Some(Self::Gpu),
            Kind::Efa => Some(Self::Efa),
            Kind::Disk => Some(Self::Storage),
            Kind::Pci => None,
            Kind::Node => Self::of_node(finding.code),
        }
    }

    fn of_node(code: &str) -> Option<Self> {
        if OF_GPUS.contains(&code) {
            Some(Self::Gpu)
        } else if OF_EFA.contains(&code) {
            Some(Self::Efa)
        } else {
            None
        }
    }

    /// Whether this source tells something about the area; of those that all machines have, see [`Area::hears`].
    pub(crate) fn hears_source(self, source: &Source) -> bool {
        match source {
            Source::KernelLog => true,
            Source::GpuBus | Source::Gpus | Source::GpuEvents | Source::Probe => self == Self::Gpu,
            Source::EfaDevices
            | Source::EfaDevice(_)
            | Source::EfaPort(_)
            | Source::Libfabric
            | Source::Use => self == Self::Efa,
            Source::Versions => self != Self::Storage,
        }
    }

    /// Whether a report's source tells something about the area.
    pub fn hears(self, source: SourceName) -> bool {
        use SourceName as S;
        match source {
            S::KernelLog => true,
            S::GpuBus | S::Nvml | S::NvmlEvents | S::Probe => self == Self::Gpu,
            S::EfaDevices | S::EfaDevice | S::EfaPort | S::Libfabric | S::Use => self == Self::Efa,
            S::Versions => self != Self::Storage,
            S::Metadata => false,
            S::Disks => self == Self::Storage,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Findings about the whole node that belong to no condition.
    const OF_NONE: [&str; 5] = [
        rules::MACHINE_CHECK.code,
        rules::OUT_OF_MEMORY.code,
        rules::TASK_HUNG.code,
        rules::PROCESSOR_LOCKED_UP.code,
        rules::KERNEL_LOG_LOST.code,
    ];

    #[test]
    fn every_rule_about_the_node_has_its_place() {
        for rule in rules::all().filter(|rule| rule.kind == Kind::Node) {
            let lists = [&OF_GPUS[..], &OF_EFA[..], &OF_NONE[..]];
            let places = lists.iter().filter(|list| list.contains(&rule.code)).count();
            assert_eq!(places, 1, "{}", rule.code);
        }
    }
}
