//! The devices' own counters every second: what the driver counts in its memory, readable when the card is dead.
//!
//! The three counters that rules look at every second are kept open: an open sysfs file costs the kernel a page that
//! is charged to the pod, and 32 devices with all 14 files would be 448 descriptors, half of the usual limit. The
//! other files, which no rule looks at, are opened, read and closed, at the first sample of a device and from then on
//! for a twentieth of the devices at each sample, so that every sample costs the same.

mod apart;
mod device;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::counters::Counters;
use crate::Root;
use crate::rdma::CLASS;
use device::Device;

pub use apart::SamplerApart;

/// The other counters of a device are read at every twentieth sample: as often as metrics are asked for.
const TURNS: usize = 20;

/// Samples the devices' counters. No path is looked up and no memory is allocated for the three fast ones.
pub struct DeviceSampler {
    root: Root,
    devices: Vec<Device>,
    samples: Vec<DeviceSample>,
    turn: usize,
    at: At,
    /// How often each was made anew, as an earlier sampler saw it.
    known: BTreeMap<Arc<str>, u32>,
}

/// The device whose files are being read.
#[derive(Clone, Debug, Default)]
struct At(Arc<Mutex<Option<Arc<str>>>>);

/// One device at one sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceSample {
    /// The RDMA device.
    pub device: Arc<str>,
    /// 0, and one more each time the device was made anew (driver loaded again): samples with different numbers have
    /// no difference.
    pub incarnation: u32,
    /// Whether the counters could be read.
    pub state: SampleState,
    /// What was read: the three fast counters, and all of them where `full`.
    pub counters: Counters,
    /// Whether all counters were read.
    pub full: bool,
}

/// Whether a device's counters could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleState {
    /// They were.
    Read,
    /// The device has no such folder: the driver is older than 1.14, and they are among the port's counters.
    Absent,
    /// The kernel refused; ENODEV (19) is a device that has just gone.
    Failed {
        /// The error's number.
        errno: Option<i32>,
    },
    /// The read does not come back.
    Stalled,
}

impl DeviceSampler {
    /// A sampler of the devices that are there now.
    pub fn new(root: Root) -> Self {
        let mut sampler = Self::of_none(root);
        sampler.refresh();
        sampler
    }

    /// A sampler of no devices yet.
    pub(super) fn of_none(root: Root) -> Self {
        Self {
            root,
            devices: Vec::new(),
            samples: Vec::new(),
            turn: 0,
            at: At::default(),
            known: BTreeMap::new(),
        }
    }

    /// Looks which devices there are. To be called every few seconds; a device that was made anew is noticed here,
    /// and at the sample that fails. Where it cannot be seen which there are, they stay: their reads tell how it is.
    pub fn refresh(&mut self) {
        if let Ok(names) = super::names(&self.root) {
            self.sync(&names);
        }
    }

    /// Makes the devices these, by name.
    pub fn sync(&mut self, names: &[String]) {
        let known = self.devices.drain(..).zip(self.samples.drain(..));
        let mut known: Vec<_> =
            known.filter(|(_, sample)| names.iter().any(|n| **n == *sample.device)).collect();
        for name in names {
            if !known.iter().any(|(_, sample)| *sample.device == **name) {
                let folder = self.root.at(format!("{CLASS}/{name}/hw_counters"));
                let incarnation = self.known.get(&**name).copied().unwrap_or_default();
                known.push((Device::new(folder), DeviceSample { incarnation, ..DeviceSample::new(name) }));
            }
        }
        known.sort_by(|(_, one), (_, other)| one.device.cmp(&other.device));
        (self.devices, self.samples) = known.into_iter().unzip();
        for (device, sample) in self.devices.iter_mut().zip(&mut self.samples) {
            self.at.begins(sample);
            if !device.is_current() {
                device.open(sample);
            }
        }
        self.at.ends();
    }

    /// The names of the devices, for [`super::PortReaders::sync`].
    pub fn names(&self) -> Vec<Arc<str>> {
        self.samples.iter().map(|sample| Arc::clone(&sample.device)).collect()
    }

    /// Reads the counters: one sample a device, by name.
    pub fn sample(&mut self) -> &[DeviceSample] {
        let turn = self.turn;
        self.turn = (turn + 1) % TURNS;
        for (index, (device, sample)) in self.devices.iter_mut().zip(&mut self.samples).enumerate() {
            self.at.begins(sample);
            device.read(sample, index % TURNS == turn);
        }
        self.at.ends();
        &self.samples
    }

    /// Reads every counter of every device, whoever's turn it is.
    pub fn sample_all(&mut self) -> &[DeviceSample] {
        for (device, sample) in self.devices.iter_mut().zip(&mut self.samples) {
            self.at.begins(sample);
            device.read(sample, true);
        }
        self.at.ends();
        &self.samples
    }
}

impl DeviceSample {
    fn new(name: &str) -> Self {
        Self::without_counters(name.into(), SampleState::Absent)
    }

    fn without_counters(device: Arc<str>, state: SampleState) -> Self {
        Self { device, incarnation: 0, state, counters: Counters::default(), full: false }
    }
}

impl At {
    fn begins(&self, sample: &DeviceSample) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&sample.device));
    }

    fn ends(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn device(&self) -> Option<Arc<str>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
