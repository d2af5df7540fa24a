//! From what was seen to the signs of each rule.

pub mod efa_device;
pub mod efa_devices;
pub mod efa_port;
pub mod gpu_bus;
pub mod gpu_event;
pub mod gpus;
pub mod kernel;
pub mod libfabric;
pub mod nvml;
mod rate;

pub use rate::Rate;

/// What this machine should have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expect {
    /// GPUs on the PCI bus; `None` where nobody says.
    pub gpus: Option<u32>,
    /// Whether the machine has NVSwitches of its own, so that its GPUs must join a fabric that a fabric manager here
    /// sets up.
    pub own_nvswitch: bool,
    /// Whether it is one of an UltraServer's (p6e): Grace processors, whose GPUs and EFA cards share no PCI root.
    pub ultra_server: bool,
}
