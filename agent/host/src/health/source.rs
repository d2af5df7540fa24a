//! Where a sighting comes from.

use serde::{Deserialize, Serialize};

/// One source, looked at as a whole: what a look at it does not show any more has gone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The probe's NVML sweep.
    Gpus,
    /// GPUs on the PCI bus and what the driver's /proc files say.
    GpuBus,
    /// NVML's event set.
    GpuEvents,
    /// The state of the probe itself.
    Probe,
    /// EFA devices in sysfs, joined with the instance metadata.
    EfaDevices,
    /// Per-device counters of the EFA at this PCI address.
    EfaDevice(String),
    /// Per-port counters of the EFA at this PCI address.
    EfaPort(String),
    /// What libfabric lists.
    Libfabric,
    /// The kernel log.
    KernelLog,
    /// Versions of drivers and libraries.
    Versions,
    /// What pods hold and how busy it is.
    Use,
}
