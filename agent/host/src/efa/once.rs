//! The counters at one moment, for a program that looks once.

mod files;

use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::counters::{Counters, Delta};
use super::folder::{PortFailure, PortReading};
use crate::Root;
use crate::bounded::Rounds;
use files::{Answer, Files, Read};

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
    let mut both =
        Both { devices: names.iter().map(|name| Files::new(root, name)).collect(), reads: Rounds::default() };
    let first = both.read(&|_| (true, true), deadline);
    thread::sleep(gap.saturating_sub(began.elapsed()));
    let elapsed_ms = crate::millis(began.elapsed());
    let answered = |nth: usize| {
        let (device, port) = &first[nth];
        (!device.stalled, matches!(port, PortCounters::Read(_)))
    };
    let second = both.read(&answered, deadline);
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
    let mut both = Both::new(root, names);
    let asked = both.devices.iter().enumerate().map(|(nth, files)| files.ask(nth)).collect();
    let read = both.all(asked, deadline).into_iter().map(|(_, port)| port);
    names.iter().cloned().zip(read).collect()
}

/// Both readings.
struct Both {
    devices: Vec<Files>,
    reads: Rounds<(usize, Answer)>,
}

impl Both {
    fn new(root: &Root, names: &[String]) -> Self {
        Self { devices: names.iter().map(|name| Files::new(root, name)).collect(), reads: Rounds::default() }
    }

    /// The devices' own counters and the ports', each where they are wanted, all at the same time; what is not wanted is as
    /// what did not come back.
    fn read(
        &mut self,
        wanted: &dyn Fn(usize) -> (bool, bool),
        deadline: Duration,
    ) -> Vec<(Reading, PortCounters)> {
        let mut reads = Vec::new();
        // The devices first: what the driver has in its memory is not to wait for cards.
        for (nth, files) in self.devices.iter().enumerate().filter(|(nth, _)| wanted(*nth).0) {
            reads.push(files.device(nth));
        }
        for (nth, files) in self.devices.iter().enumerate().filter(|(nth, _)| wanted(*nth).1) {
            reads.push(files.port(nth));
        }
        self.all(reads, deadline)
    }

    /// What these bring, for each device.
    fn all(&mut self, reads: Vec<Read>, deadline: Duration) -> Vec<(Reading, PortCounters)> {
        let silent = |_| (Reading { stalled: true, ..Reading::default() }, PortCounters::Stalled);
        let mut readings: Vec<_> = self.devices.iter().map(silent).collect();
        for (_, (nth, answer)) in self.reads.patient_round(reads, deadline) {
            match answer {
                Answer::Device(reading) => readings[nth].0 = reading,
                Answer::Port(Ok(reading)) => readings[nth].1 = PortCounters::Read(Box::new(reading)),
                Answer::Port(Err(failure)) => readings[nth].1 = PortCounters::Failed(failure),
            }
        }
        readings
    }
}
