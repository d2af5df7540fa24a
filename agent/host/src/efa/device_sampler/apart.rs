//! Samples on a thread of its own: a device whose files do not come back costs itself and no other.
//!
//! What the driver counts is plain memory, so one thread reads all of it and is waited for. Where it does not come on it
//! is left behind in that device's file, and another reads the others at once. The device is sampled again once the thread
//! that stands has come back: no read of one device is ever begun beside another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::{At, DeviceSample, DeviceSampler, SampleState};
use crate::Root;

/// Enough for a debug build.
const STACK: usize = 256 << 10;
/// Whoever is in the files of the same device for so long stands there: a device takes some twenty microseconds.
const PATIENCE: Duration = Duration::from_millis(10);

/// Samples the devices' counters, see [`DeviceSampler`], and waits for none of them.
pub struct SamplerApart {
    root: Root,
    names: Vec<String>,
    /// Whether the thread does not know yet which devices it is to read.
    anew: bool,
    worker: Option<Worker>,
    standing: Vec<Standing>,
    incarnations: BTreeMap<Arc<str>, u32>,
}

struct Worker {
    /// The devices from now on, where they are others than before.
    ask: Sender<Option<Vec<String>>>,
    samples: Receiver<Vec<DeviceSample>>,
    at: At,
    /// It was asked and had not done it all when time was up.
    owes: bool,
}

/// A device in whose file a thread stands, and what comes when it does not any more.
struct Standing {
    device: Arc<str>,
    since: Instant,
    at: At,
    back: Receiver<Vec<DeviceSample>>,
}

/// What came of asking once.
enum Asked {
    Samples(Vec<DeviceSample>),
    /// One more device stands.
    Stands,
    /// There is no thread, or the machine is too busy.
    Nothing,
}

impl Standing {
    fn is_stalled(&self, now: Instant, deadline: Duration) -> bool {
        now >= self.since + deadline && self.at.place().stands()
    }
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

    /// One sample a device, by name. One that does not come back is left out, and is beside the others as stalled once
    /// `deadline` is over. None where the machine is so busy that not even the others come back within it.
    pub fn sample(&mut self, deadline: Duration) -> Vec<DeviceSample> {
        let now = Instant::now();
        self.hear_standing(&mut Vec::new());
        let mut samples = loop {
            match self.ask(now, deadline) {
                Asked::Samples(samples) => break samples,
                Asked::Stands => {}
                Asked::Nothing => return Vec::new(),
            }
        };
        // Whoever was only slow is not late.
        self.hear_standing(&mut samples);
        for standing in self.standing.iter().filter(|standing| standing.is_stalled(now, deadline)) {
            let device = Arc::clone(&standing.device);
            let incarnation = self.incarnations.get(&device).copied().unwrap_or_default();
            let sample = DeviceSample::without_counters(device, SampleState::Stalled);
            samples.push(DeviceSample { incarnation, ..sample });
        }
        samples.sort_by(|one, other| one.device.cmp(&other.device));
        samples
    }

    /// When a read that stands passes `deadline`: a sample then tells of it.
    pub fn next_deadline(&self, deadline: Duration) -> Option<Instant> {
        let now = Instant::now();
        self.standing.iter().map(|standing| standing.since + deadline).filter(|until| *until > now).min()
    }

    /// Those that stand no more are read with the others again; `samples` gets what they brought.
    fn hear_standing(&mut self, samples: &mut Vec<DeviceSample>) {
        let before = self.standing.len();
        self.standing.retain(|standing| match standing.back.try_recv() {
            Err(TryRecvError::Empty) => true,
            Err(TryRecvError::Disconnected) => false,
            Ok(back) => {
                // One that stood when it was opened has not been read.
                let read = |sample: &DeviceSample| !sample.counters.is_empty();
                samples.extend(back.into_iter().filter(|it| it.device == standing.device && read(it)));
                false
            }
        });
        self.anew |= self.standing.len() != before;
    }

    /// Asks for the devices in whose files nobody stands.
    fn ask(&mut self, now: Instant, deadline: Duration) -> Asked {
        // Without a thread it is tried again at the next sample.
        let Some(mut worker) = self.worker.take().or_else(|| self.start()) else { return Asked::Nothing };
        if !worker.owes && worker.ask.send(self.anew.then(|| self.free())).is_err() {
            return Asked::Nothing;
        }
        // Whoever owes an answer was asked before: what is new is for the next.
        self.anew &= worker.owes;
        let mut before = worker.at.place().begun;
        loop {
            match worker.samples.recv_timeout(PATIENCE) {
                Ok(samples) => {
                    let now = samples.iter().map(|sample| (Arc::clone(&sample.device), sample.incarnation));
                    self.incarnations.extend(now);
                    worker.owes = false;
                    self.worker = Some(worker);
                    return Asked::Samples(samples);
                }
                Err(RecvTimeoutError::Disconnected) => return Asked::Nothing,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let mut place = worker.at.place();
            match &place.device {
                // One that only wants a processor goes on by itself.
                Some(device) if place.begun == before && place.stands() => {
                    let device = Arc::clone(device);
                    place.is_left = true;
                    drop(place);
                    let Worker { at, samples: back, .. } = worker;
                    self.standing.push(Standing { device, since: now, at, back });
                    return Asked::Stands;
                }
                _ => before = place.begun,
            }
            drop(place);
            if now.elapsed() >= deadline {
                self.worker = Some(Worker { owes: true, ..worker });
                return Asked::Nothing;
            }
        }
    }

    fn free(&self) -> Vec<String> {
        let stands = |name: &&String| self.standing.iter().any(|standing| *standing.device == ***name);
        self.names.iter().filter(|name| !stands(name)).cloned().collect()
    }

    fn start(&mut self) -> Option<Worker> {
        let ((ask, asked), (tell, samples), at) =
            (channel::<Option<Vec<String>>>(), channel(), At::default());
        let known = self.incarnations.clone();
        let mut devices = DeviceSampler { at: at.clone(), known, ..DeviceSampler::new(self.root.clone()) };
        let work = move || {
            while let Ok(names) = asked.recv() {
                devices.at.samples();
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
