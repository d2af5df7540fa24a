//! What is known of the devices, the newest of each source.

use std::collections::BTreeMap;

use gpunode_probe_protocol::fabric::Interfaces;
use gpunode_probe_protocol::gpu::{Entry, Sweep};
use gpunode_probe_protocol::library::Unusable;

use crate::efa::counters::Counters;
use crate::efa::{Attached, Join, Observation};
use crate::gpu_pci::{GpuPci, Hardware};
use crate::health::judge::efa_devices::name;
use crate::health::judge::gpus;
use crate::health::judge::kernel::Names;
use crate::health::{EfaName, GpuName, Source, Subject};
use crate::versions::Versions;

/// What is known of the devices, the newest of each source. What no source has said yet is empty or `None`.
#[derive(Debug, Default)]
pub struct Known {
    /// GPUs on the PCI bus.
    pub gpus: Vec<GpuPci>,
    /// What each of them said; as many as `gpus`.
    pub hardware: Vec<Option<Hardware>>,
    /// NVSwitches.
    pub nvswitches: Vec<GpuPci>,
    /// NVML.
    pub nvml: Nvml,
    /// UUIDs by PCI address, where the kernel log told them.
    pub uuids: BTreeMap<String, String>,
    /// EFA; `None` before the first look.
    pub efa: Option<Observation>,
    /// EFA devices with their interfaces.
    pub join: Option<Join>,
    /// By RDMA device, from `join`: 32 devices are looked up every second.
    efa_devices: BTreeMap<String, EfaDevice>,
    /// The devices' own counters, by RDMA device.
    pub device_counters: BTreeMap<String, Counters>,
    /// The ports' counters, by RDMA device.
    pub port_counters: BTreeMap<String, Counters>,
    /// libfabric.
    pub libfabric: Libfabric,
    /// Drivers and libraries.
    pub versions: Option<Versions>,
    /// Whether a program holds EFA queue pairs.
    pub efa_held: Option<bool>,
}

/// What an EFA device is called, and the sources that are its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EfaDevice {
    /// Every name of it.
    pub name: EfaName,
    /// [`Source::EfaDevice`]
    pub counters: Source,
    /// [`Source::EfaPort`]
    pub port: Source,
}

impl From<EfaName> for EfaDevice {
    fn from(name: EfaName) -> Self {
        let (counters, port) = (Source::EfaDevice(name.pci.clone()), Source::EfaPort(name.pci.clone()));
        Self { name, counters, port }
    }
}

/// What NVML says.
#[derive(Debug, Default)]
pub enum Nvml {
    /// It was not asked yet, or the probe is in trouble.
    #[default]
    Unknown,
    /// It cannot be used.
    Unusable(Unusable),
    /// Its newest sweep.
    Sweep(Box<Sweep>),
}

/// What libfabric says.
#[derive(Debug, Default)]
pub enum Libfabric {
    /// It was not asked yet, or the probe is in trouble.
    #[default]
    Unknown,
    /// It cannot be used.
    Unusable(Unusable),
    /// What it lists.
    Lists(Interfaces),
}

impl Known {
    /// Whether the NVIDIA driver is loaded; `None` before anybody looked.
    pub fn nvidia_loaded(&self) -> Option<bool> {
        self.versions.as_ref().map(|versions| versions.nvidia.is_some())
    }

    /// PCI addresses of the GPUs that the NVIDIA driver drives.
    pub(super) fn driven(&self) -> Vec<String> {
        let driven = self.gpus.iter().filter(|gpu| gpu.driver.as_deref() == Some("nvidia"));
        driven.map(|gpu| gpu.address.clone()).collect()
    }

    /// The EFA device of this name.
    pub fn efa_device(&self, device: &str) -> Option<&EfaDevice> {
        self.efa_devices.get(device)
    }

    /// What a look at the EFA devices saw.
    pub(super) fn set_efa(&mut self, seen: Observation, join: Join) {
        let named = join.devices.iter().map(|attached| (attached.efa.name.clone(), name(attached).into()));
        self.efa_devices = named.collect();
        (self.efa, self.join) = (Some(seen), Some(join));
    }

    /// EFA devices with their interfaces.
    pub fn attached(&self) -> impl Iterator<Item = &Attached> {
        self.join.iter().flat_map(|join| &join.devices)
    }

    /// Every name of the GPU at this address.
    pub fn gpu_name(&self, pci: &str) -> GpuName {
        if let Nvml::Sweep(sweep) = &self.nvml {
            let found = sweep.gpus.iter().find_map(|entry| match entry {
                Entry::Read(gpu) if gpu.pci == pci => Some(gpus::name(gpu)),
                _ => None,
            });
            if let Some(name) = found {
                return name;
            }
        }
        GpuName { pci: pci.to_owned(), uuid: self.uuids.get(pci).cloned(), ..GpuName::default() }
    }
}

impl Names for Known {
    fn at(&self, pci: &str) -> Subject {
        if self.gpus.iter().any(|gpu| gpu.address == pci) {
            return Subject::Gpu(self.gpu_name(pci));
        }
        if let Some(attached) =
            self.attached().find(|attached| attached.efa.pci_address.as_deref() == Some(pci))
        {
            return Subject::Efa(name(attached));
        }
        if self.nvswitches.iter().any(|switch| switch.address == pci) {
            return Subject::NvSwitch { pci: pci.to_owned() };
        }
        let functions = self.efa.iter().flat_map(|efa| &efa.functions);
        if functions.into_iter().any(|function| function.address == pci) {
            return Subject::efa(pci);
        }
        Subject::Pci { pci: pci.to_owned() }
    }

    fn efa(&self, device: &str) -> Option<Subject> {
        self.efa_device(device).map(|device| Subject::Efa(device.name.clone()))
    }
}
