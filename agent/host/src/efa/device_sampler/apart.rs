//! Samples on a thread of its own: a device whose files do not come back costs itself and no other.
//!
//! What the driver counts is plain memory, so one thread reads all of it and is waited for. When it does not come back it
//! is left behind in that device's file, and another begins with the others. The device is sampled again once the thread
//! that stands has come back: no read of one device is ever begun beside another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread;
use std::time::Duration;

use super::{At, DeviceSample, DeviceSampler, SampleState};
use crate::Root;

/// Enough for a debug build.
const STACK: usize = 256 << 10;

/// Samples the devices' counters, see [`DeviceSampler`], and waits for none of them longer than it is told to.
#[derive(Debug)]
pub struct SamplerApart {
    root: Root,
    names: Vec<String>,
    /// Whether the thread does not know yet which devices it is to read.
    anew: bool,
    worker: Option<Worker>,
    standing: Vec<Standing>,
    incarnations: BTreeMap<Arc<str>, u32>,
}

#[derive(Debug)]
struct Worker {
    /// The devices from now on, where they are others than before.
    ask: Sender<Option<Vec<String>>>,
    samples: Receiver<Vec<DeviceSample>>,
    at: At,
    /// It was asked and had not begun when time was up.
    owes: bool,
}

/// A device in whose file a thread stands, and what comes when it does not any more.
#[derive(Debug)]
struct Standing {
    device: Arc<str>,
    back: Receiver<Vec<DeviceSample>>,
}

impl SamplerApart {
    /// A sampler of no devices yet.
    pub fn new(root: Root) -> Self {
        let (names, standing) = (Vec::new(), Vec::new());
        Self { root, names, anew: true, worker: None, standing, incarnations: BTreeMap::new() }
    }

    /// Makes the devices these, by name; one that was made anew is noticed.
    pub fn sync(&mut self, names: Vec<String>) {
        self.standing.retain(|standing| names.iter().any(|name| **name == *standing.device));
        self.names = names;
        self.anew = true;
    }

    /// One sample a device; `None` where one does not come back within `deadline`: from the next on it is beside the others,
    /// as stalled. A sample without the others would say that they are gone.
    pub fn sample(&mut self, deadline: Duration) -> Option<Vec<DeviceSample>> {
        let standing = self.standing.len();
        self.standing.retain(|standing| standing.back.try_recv() == Err(TryRecvError::Empty));
        self.anew |= self.standing.len() != standing;
        let mut samples = self.read(deadline)?;
        let stalled = |standing: &Standing| {
            let device = Arc::clone(&standing.device);
            let incarnation = self.incarnations.get(&device).copied().unwrap_or_default();
            let sample = DeviceSample::without_counters(device, SampleState::Stalled);
            DeviceSample { incarnation, ..sample }
        };
        samples.extend(self.standing.iter().map(stalled));
        samples.sort_by(|one, other| one.device.cmp(&other.device));
        Some(samples)
    }

    /// The devices in whose files nobody stands; none where time was up.
    fn read(&mut self, deadline: Duration) -> Option<Vec<DeviceSample>> {
        // Without a thread it is tried again at the next sample.
        let mut worker = self.worker.take().or_else(|| self.start())?;
        if !worker.owes && worker.ask.send(self.anew.then(|| self.free())).is_err() {
            return None;
        }
        // Whoever owes an answer was asked before: what is new is for the next.
        self.anew &= worker.owes;
        match worker.samples.recv_timeout(deadline) {
            Ok(samples) => {
                let now = samples.iter().map(|sample| (Arc::clone(&sample.device), sample.incarnation));
                self.incarnations.extend(now);
                worker.owes = false;
                self.worker = Some(worker);
                Some(samples)
            }
            Err(RecvTimeoutError::Timeout) => {
                match worker.at.device() {
                    Some(device) => self.standing.push(Standing { device, back: worker.samples }),
                    // The machine is so busy that it has not begun, or has just ended.
                    None => self.worker = Some(Worker { owes: true, ..worker }),
                }
                None
            }
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    fn free(&self) -> Vec<String> {
        let stands = |name: &&String| self.standing.iter().any(|standing| *standing.device == ***name);
        self.names.iter().filter(|name| !stands(name)).cloned().collect()
    }

    fn start(&mut self) -> Option<Worker> {
        let ((ask, asked), (tell, samples), at) =
            (channel::<Option<Vec<String>>>(), channel(), At::default());
        let mut devices = DeviceSampler {
            at: at.clone(),
            known: self.incarnations.clone(),
            ..DeviceSampler::of_none(self.root.clone())
        };
        let work = move || {
            while let Ok(names) = asked.recv() {
                if let Some(names) = names {
                    devices.sync(&names);
                }
                // Nobody listens any more to whom was left behind.
                if tell.send(devices.sample().to_vec()).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("efa-sampler".to_owned()).stack_size(STACK).spawn(work).ok()?;
        self.anew = true;
        Some(Worker { ask, samples, at, owes: false })
    }
}
