//! The counters at one moment, for a program that looks once.

use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::counters::{Counters, Delta};
use super::device_sampler::DeviceSampler;
use super::folder::{Folder, PortFailure, PortReading};
use crate::Root;
use crate::bounded::{self, Job};

/// The counters of one device, read twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceCounters {
    /// The RDMA device.
    pub name: String,
    /// What the driver counts in its memory, at the second reading.
    pub device: Reading,
    /// What the card counts, at the second reading.
    pub port: PortCounters,
    /// The same at the first reading.
    pub before: Before,
}

/// The first of two readings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Before {
    /// How long before, in milliseconds.
    pub elapsed_ms: u64,
    /// What the driver counted.
    pub device: Counters,
    /// What the card counted; empty where it did not answer.
    pub port: Counters,
}

/// The device's own counters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// What was read; empty with a driver before 1.14, which keeps them with the port's.
    pub counters: Counters,
    /// The error's number, where the kernel refused.
    pub errno: Option<i32>,
}

/// The port's counters, or why there are none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum PortCounters {
    /// The card answered.
    Read(Box<PortReading>),
    /// The card, or the kernel for it, refused.
    Failed(PortFailure),
    /// The card did not answer within the deadline.
    Stalled,
}

impl DeviceCounters {
    /// What happened to the device's counters between the readings.
    pub fn device_delta(&self) -> Delta {
        self.device.counters.delta(&self.before.device, Duration::from_millis(self.before.elapsed_ms))
    }

    /// What happened to the port's counters between the readings; `None` where the card did not answer twice.
    pub fn port_delta(&self) -> Option<Delta> {
        let elapsed = Duration::from_millis(self.before.elapsed_ms);
        match &self.port {
            PortCounters::Read(now) if !self.before.port.is_empty() => {
                Some(now.counters.delta(&self.before.port, elapsed))
            }
            _ => None,
        }
    }
}

/// Reads every counter of the devices twice, `gap` apart. Each of the two readings of the ports takes `deadline` at
/// most; a card that did not answer the first is not asked again. Read [`crate::bounded`] on what a stalled read
/// means for the end of the process.
pub fn counters_once(
    root: &Root,
    names: &[String],
    gap: Duration,
    deadline: Duration,
) -> Vec<DeviceCounters> {
    let mut sampler = DeviceSampler::new(root.clone());
    sampler.sync(names);
    let began = Instant::now();
    let devices = device_readings(&mut sampler, names);
    let ports = port_readings(root, names, deadline, Folder::read);
    thread::sleep(gap.saturating_sub(began.elapsed()));
    let elapsed_ms = crate::millis(began.elapsed());
    let devices_after = device_readings(&mut sampler, names);
    let answering = |port: &PortCounters| matches!(port, PortCounters::Read(_));
    let again: Vec<_> =
        names.iter().zip(&ports).filter(|(_, port)| answering(port)).map(|(name, _)| name.clone()).collect();
    let mut ports_after = port_readings(root, &again, deadline, Folder::read).into_iter();
    let mut all = Vec::new();
    for (((name, before), now), port) in names.iter().zip(devices).zip(devices_after).zip(ports) {
        let (before_port, port) = match port {
            PortCounters::Read(reading) => {
                (reading.counters, ports_after.next().unwrap_or(PortCounters::Stalled))
            }
            silent => (Counters::default(), silent),
        };
        let before = Before { elapsed_ms, device: before.counters, port: before_port };
        all.push(DeviceCounters { name: name.clone(), device: now, port, before });
    }
    all
}

/// Asks each card for one counter, which tells whether it answers, and no more. They take `deadline` at most, as in
/// [`counters_once`].
pub fn answers_now(root: &Root, names: &[String], deadline: Duration) -> Vec<(String, PortCounters)> {
    names.iter().cloned().zip(port_readings(root, names, deadline, Folder::ask)).collect()
}

fn device_readings(sampler: &mut DeviceSampler, names: &[String]) -> Vec<Reading> {
    let read = sampler.sample_all();
    let reading = |name: &String| {
        let sample = read.iter().find(|sample| *sample.device == **name)?;
        let errno = match sample.state {
            super::SampleState::Failed { errno } => errno,
            super::SampleState::Read | super::SampleState::Absent => None,
        };
        Some(Reading { counters: sample.counters.clone(), errno })
    };
    names.iter().map(|name| reading(name).unwrap_or_default()).collect()
}

fn port_readings(
    root: &Root,
    names: &[String],
    deadline: Duration,
    read: fn(&mut Folder) -> Result<PortReading, PortFailure>,
) -> Vec<PortCounters> {
    let job = |name: &String| -> Job<_> {
        let mut folder = Folder::new(root.clone(), name);
        Box::new(move || read(&mut folder))
    };
    let answers = bounded::once(names.iter().map(job).collect(), deadline);
    let outcome = |answer: Option<(Result<PortReading, PortFailure>, Duration)>| match answer {
        Some((Ok(reading), _)) => PortCounters::Read(Box::new(reading)),
        Some((Err(failure), _)) => PortCounters::Failed(failure),
        None => PortCounters::Stalled,
    };
    answers.into_iter().map(outcome).collect()
}
