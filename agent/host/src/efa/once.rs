//! The counters at one moment, for a program that looks once.

use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::counters::{Counters, Delta};
use super::device_sampler::{DeviceSampler, SampleState};
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
    /// The read did not come back within the deadline.
    pub stalled: bool,
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

/// Reads every counter of the devices twice, `gap` apart. Each of the two readings takes `deadline` at most; what did
/// not come back from the first is not asked again. Read [`crate::bounded`] on what a stalled read means for the end of
/// the process.
pub fn counters_once(
    root: &Root,
    names: &[String],
    gap: Duration,
    deadline: Duration,
) -> Vec<DeviceCounters> {
    let began = Instant::now();
    let first = readings(root, names.iter().map(|name| (name, true, true)), deadline);
    thread::sleep(gap.saturating_sub(began.elapsed()));
    let elapsed_ms = crate::millis(began.elapsed());
    let answers = |port: &PortCounters| matches!(port, PortCounters::Read(_));
    let again = names.iter().zip(&first).map(|(name, (device, port))| (name, !device.stalled, answers(port)));
    let second = readings(root, again, deadline);
    let mut all = Vec::new();
    for ((name, (before, port)), (now, port_after)) in names.iter().zip(first).zip(second) {
        let device = if before.stalled { before.clone() } else { now };
        let (before_port, port) = match port {
            PortCounters::Read(reading) => (reading.counters, port_after),
            silent => (Counters::default(), silent),
        };
        let before = Before { elapsed_ms, device: before.counters, port: before_port };
        all.push(DeviceCounters { name: name.clone(), device, port, before });
    }
    all
}

/// Asks each card for one counter, which tells whether it answers, and no more. They take `deadline` at most, as in
/// [`counters_once`].
pub fn answers_now(root: &Root, names: &[String], deadline: Duration) -> Vec<(String, PortCounters)> {
    let job = |name: &String| -> Job<_> {
        let mut folder = Folder::new(root.clone(), name);
        Box::new(move || folder.ask())
    };
    let answers = bounded::once(names.iter().map(job).collect(), deadline);
    let read = answers.into_iter().map(|answer| outcome(answer.map(|(read, _)| read)));
    names.iter().cloned().zip(read).collect()
}

/// What one read brought.
enum Answer {
    Device(Reading),
    Port(Result<PortReading, PortFailure>),
}

/// The device's own counters and the port's, each where they are wanted, all at the same time; what is not wanted is as
/// what did not come back.
fn readings<'a>(
    root: &Root,
    wanted: impl Iterator<Item = (&'a String, bool, bool)>,
    deadline: Duration,
) -> Vec<(Reading, PortCounters)> {
    let wanted: Vec<_> = wanted.collect();
    let device = |(nth, (name, device, _)): (usize, &(&String, bool, bool))| {
        device.then(|| (nth, device_job(root, name)))
    };
    let port =
        |(nth, (name, _, port)): (usize, &(&String, bool, bool))| port.then(|| (nth, port_job(root, name)));
    // The devices first: what the driver has in its memory is not to wait for cards.
    let all = wanted.iter().enumerate().filter_map(device).chain(wanted.iter().enumerate().filter_map(port));
    let (places, jobs): (Vec<_>, Vec<_>) = all.unzip();
    let silent = || (Reading { stalled: true, ..Reading::default() }, PortCounters::Stalled);
    let mut readings: Vec<_> = wanted.iter().map(|_| silent()).collect();
    for (place, answer) in places.into_iter().zip(bounded::once(jobs, deadline)) {
        match answer {
            Some((Answer::Device(reading), _)) => readings[place].0 = reading,
            Some((Answer::Port(read), _)) => readings[place].1 = outcome(Some(read)),
            None => {}
        }
    }
    readings
}

fn device_job(root: &Root, name: &str) -> Job<Answer> {
    let (mut sampler, names) = (DeviceSampler::of_none(root.clone()), [name.to_owned()]);
    Box::new(move || {
        sampler.sync(&names);
        let reading = sampler.sample_all().first().map(|sample| Reading {
            counters: sample.counters.clone(),
            errno: if let SampleState::Failed { errno } = sample.state { errno } else { None },
            stalled: false,
        });
        Answer::Device(reading.unwrap_or_default())
    })
}

fn port_job(root: &Root, name: &str) -> Job<Answer> {
    let mut folder = Folder::new(root.clone(), name);
    Box::new(move || Answer::Port(folder.read()))
}

fn outcome(read: Option<Result<PortReading, PortFailure>>) -> PortCounters {
    match read {
        Some(Ok(reading)) => PortCounters::Read(Box::new(reading)),
        Some(Err(failure)) => PortCounters::Failed(failure),
        None => PortCounters::Stalled,
    }
}
