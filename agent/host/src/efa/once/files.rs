//! The files of one device, which stay open from one reading to the next.

use std::sync::{Arc, Mutex, PoisonError};

use super::Reading;
use crate::Root;
use crate::bounded::Job;
use crate::efa::device_sampler::{DeviceSampler, SampleState};
use crate::efa::folder::{Folder, PortFailure, PortReading};

/// A read by its name, which brings the device's number along.
pub(super) type Read = (Arc<str>, Job<(usize, Answer)>);

/// What one read brought.
pub(super) enum Answer {
    Device(Reading),
    Port(Result<PortReading, PortFailure>),
}

/// All of them.
pub(super) struct Files {
    root: Root,
    name: String,
    /// Made by the first reading: that opens them.
    sampler: Arc<Mutex<Option<DeviceSampler>>>,
    folder: Arc<Mutex<Folder>>,
}

impl Files {
    pub(super) fn new(root: &Root, name: &str) -> Self {
        let folder = Arc::new(Mutex::new(Folder::new(root.clone(), name)));
        Self { root: root.clone(), name: name.to_owned(), sampler: Arc::default(), folder }
    }

    /// The read of the device's own counters, by its name.
    pub(super) fn device(&self, nth: usize) -> Read {
        let whose = self.name.as_str().into();
        let (sampler, root, name) = (Arc::clone(&self.sampler), self.root.clone(), self.name.clone());
        let read = move || {
            let mut sampler = sampler.lock().unwrap_or_else(PoisonError::into_inner);
            let sampler = sampler.get_or_insert_with(|| {
                let mut sampler = DeviceSampler::new(root.clone());
                sampler.sync(std::slice::from_ref(&name));
                sampler
            });
            let reading = sampler.sample_all().first().map(|sample| Reading {
                counters: sample.counters.clone(),
                errno: if let SampleState::Failed { errno } = sample.state { errno } else { None },
                stalled: false,
            });
            (nth, Answer::Device(reading.unwrap_or_default()))
        };
        (whose, Box::new(read))
    }

    /// The read of the port's.
    pub(super) fn port(&self, nth: usize) -> Read {
        self.of_folder(nth, Folder::read)
    }

    /// The read of one of them, which tells whether the card answers.
    pub(super) fn ask(&self, nth: usize) -> Read {
        self.of_folder(nth, Folder::ask)
    }

    fn of_folder(&self, nth: usize, read: fn(&mut Folder) -> Result<PortReading, PortFailure>) -> Read {
        let folder = Arc::clone(&self.folder);
        let read = move || {
            let mut folder = folder.lock().unwrap_or_else(PoisonError::into_inner);
            (nth, Answer::Port(read(&mut folder)))
        };
        (format!("{}/port", self.name).into(), Box::new(read))
    }
}
