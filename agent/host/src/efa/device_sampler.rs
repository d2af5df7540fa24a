//! The devices' own counters every second: what the driver counts in its memory, readable when the card is dead.
//!
//! The three counters that rules look at every second are kept open: an open sysfs file costs the kernel a page that
//! is charged to the pod, and 32 devices with all 14 files would be 448 descriptors, half of the usual limit. The
//! other files, which no rule looks at, are opened, read and closed, at the first sample of a device and from then on
//! for a twentieth of the devices at each sample, so that every sample costs the same.

mod apart;
mod device;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::counters::Counters;
use crate::Root;
use crate::bounded::{Task, Times};
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

/// How far whoever reads has come.
#[derive(Clone, Default)]
struct At(Arc<Mutex<Place>>);

#[derive(Default)]
struct Place {
    /// The device whose files are being read.
    device: Option<Arc<str>>,
    /// Devices that were begun so far, in all samples.
    begun: u64,
    /// Others read now what is left: no further device is to be begun.
    is_left: bool,
    /// The thread that reads, where it is not the one that wants the samples; when its present sample began, and what it had
    /// had of the processors.
    thread: Option<(Task, Instant, Option<Times>)>,
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
    /// The read has not come back within the deadline.
    Stalled,
    /// It has not come back yet, and was waited for no longer than that.
    Late,
}

impl DeviceSampler {
    /// A sampler of no devices yet.
    pub fn new(root: Root) -> Self {
        Self {
            root,
            devices: Vec::new(),
            samples: Vec::new(),
            turn: 0,
            at: At::default(),
            known: BTreeMap::new(),
        }
    }

    /// Makes the devices these, by name. To be called every few seconds; a device that was made anew is noticed here, and at
    /// the sample that fails.
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
            if !self.at.begins(sample) {
                return;
            }
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
            if !self.at.begins(sample) {
                break;
            }
            device.read(sample, index % TURNS == turn);
        }
        self.at.ends();
        &self.samples
    }

    /// Reads every counter of every device, whoever's turn it is.
    pub fn sample_all(&mut self) -> &[DeviceSample] {
        for (device, sample) in self.devices.iter_mut().zip(&mut self.samples) {
            if !self.at.begins(sample) {
                break;
            }
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

impl Place {
    /// Whether the thread takes so long by itself, and not for want of a processor.
    fn stands(&self) -> bool {
        self.thread.as_ref().is_none_or(|(task, since, before)| task.stands_since(*since, *before))
    }
}

impl At {
    /// `false`: it is not to be read.
    fn begins(&self, sample: &DeviceSample) -> bool {
        let mut place = self.place();
        if !place.is_left {
            place.device = Some(Arc::clone(&sample.device));
            place.begun += 1;
        }
        !place.is_left
    }

    /// The thread that calls begins a sample.
    fn samples(&self) {
        let mut place = self.place();
        let task = place.thread.take().map(|(task, ..)| task).or_else(Task::current);
        place.thread = task.map(|task| {
            let before = task.times();
            (task, Instant::now(), before)
        });
    }

    fn ends(&self) {
        self.place().device = None;
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
