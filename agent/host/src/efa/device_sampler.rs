//! The devices' own counters every second: what the driver counts in its memory, readable when the card is dead.
//!
//! The three counters that rules look at every second are kept open: an open sysfs file costs the kernel a page that
//! is charged to the pod, and 32 devices with all 14 files would be 448 descriptors, half of the usual limit. The
//! other files, which no rule looks at, are opened, read and closed, at the first sample of a device and from then on
//! for a twentieth of the devices at each sample, so that every sample costs the same.

mod device;

use std::sync::Arc;

use super::counters::Counters;
use crate::Root;
use crate::rdma::CLASS;
use device::Device;

/// The other counters of a device are read at every twentieth sample: as often as metrics are asked for.
const TURNS: usize = 20;

/// Samples the devices' counters. No path is looked up and no memory is allocated for the three fast ones.
pub struct DeviceSampler {
    root: Root,
    devices: Vec<Device>,
    samples: Vec<DeviceSample>,
    turn: usize,
}

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
}

impl DeviceSampler {
    /// A sampler of the devices that are there now.
    pub fn new(root: Root) -> Self {
        let mut sampler = Self { root, devices: Vec::new(), samples: Vec::new(), turn: 0 };
        sampler.refresh();
        sampler
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
                known.push((Device::new(folder), DeviceSample::new(name)));
            }
        }
        known.sort_by(|(_, one), (_, other)| one.device.cmp(&other.device));
        (self.devices, self.samples) = known.into_iter().unzip();
        for (device, sample) in self.devices.iter_mut().zip(&mut self.samples) {
            if !device.is_current() {
                device.open(sample);
            }
        }
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
            device.read(sample, index % TURNS == turn);
        }
        &self.samples
    }

    /// Reads every counter of every device, whoever's turn it is.
    pub fn sample_all(&mut self) -> &[DeviceSample] {
        for (device, sample) in self.devices.iter_mut().zip(&mut self.samples) {
            device.read(sample, true);
        }
        &self.samples
    }
}

impl DeviceSample {
    fn new(name: &str) -> Self {
        let state = SampleState::Absent;
        Self { device: name.into(), incarnation: 0, state, counters: Counters::default(), full: false }
    }
}
