//! The open files of one device.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;

use super::{DeviceSample, SampleState};
use crate::efa::counters::{self, Counter, Scope};
use crate::efa::folder;

/// What rules look at every second.
const FAST: [Counter; 3] = [Counter::NoCompletionCmds, Counter::CmdsErr, Counter::KeepAliveRcvd];
/// One device's files.
pub(super) struct Device {
    path: PathBuf,
    folder: Option<File>,
    fast: [Option<File>; FAST.len()],
    /// File system and inode of the first open file: the number is not given to another while the file is open.
    /// Times do not tell: the kernel makes them up anew when it drops an inode of sysfs from its memory.
    identity: Option<(u64, u64)>,
    was_open: bool,
    /// Whether all counters were read since it was opened.
    was_whole: bool,
}

impl Device {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            folder: None,
            fast: [const { None }; FAST.len()],
            identity: None,
            was_open: false,
            was_whole: false,
        }
    }

    /// Whether what is open is what is there, and all of it: the driver makes the files one after the other.
    pub(super) fn is_current(&self) -> bool {
        let there = |counter: Counter| fs::metadata(self.path.join(counter.name())).ok();
        let mut found = FAST.iter().map(|counter| there(*counter)).zip(&self.fast);
        let first = found.clone().find_map(|(about, file)| file.as_ref().and(about));
        found.all(|(about, file)| about.is_some() == file.is_some())
            && first.is_some_and(|about| Some((about.dev(), about.ino())) == self.identity)
    }

    pub(super) fn open(&mut self, sample: &mut DeviceSample) {
        let mut error = None;
        for (file, counter) in self.fast.iter_mut().zip(FAST) {
            *file = File::open(self.path.join(counter.name())).map_err(|e| error = Some(e)).ok();
        }
        let first = self.fast.iter().flatten().next();
        let identity = first.and_then(|file| file.metadata().ok()).map(|about| (about.dev(), about.ino()));
        self.folder = File::open(&self.path).ok();
        self.was_whole = false;
        sample.state = match (first.is_some(), error) {
            (true, _) => SampleState::Read,
            (false, Some(error)) if error.kind() != io::ErrorKind::NotFound => failed(&error),
            (false, _) => SampleState::Absent,
        };
        if identity.is_some() {
            // After an error the old files are closed, and their numbers prove nothing any more.
            sample.incarnation += u32::from(self.was_open && identity != self.identity);
            self.was_open = true;
        }
        self.identity = identity;
    }

    pub(super) fn read(&mut self, sample: &mut DeviceSample, all: bool) {
        if self.identity.is_none() {
            self.open(sample);
        }
        sample.counters.clear();
        sample.full = false;
        if self.identity.is_none() {
            return;
        }
        sample.state = SampleState::Read;
        let mut buffer = [0; 32];
        for (file, counter) in self.fast.iter().zip(FAST) {
            let Some(file) = file else { continue };
            match file.read_at(&mut buffer, 0).map(|length| counters::parse(&buffer[..length])) {
                Ok(value) => value.into_iter().for_each(|value| sample.counters.set(counter, value)),
                Err(error) => sample.state = failed(&error),
            }
        }
        if sample.state != SampleState::Read {
            // The device is gone; the next sample looks whether it is there again.
            self.fast = [const { None }; FAST.len()];
            self.folder = None;
            self.identity = None;
            return;
        }
        sample.full = all || !self.was_whole;
        let Some(folder) = self.folder.as_ref().filter(|_| sample.full) else { return };
        self.was_whole = true;
        for counter in Counter::ALL.iter().filter(|c| c.scope() == Scope::Device && !FAST.contains(c)) {
            if let Ok(Some(value)) = folder::value(folder, counter.name()) {
                sample.counters.set(*counter, value);
            }
        }
    }
}

fn failed(error: &io::Error) -> SampleState {
    SampleState::Failed { errno: error.raw_os_error() }
}
