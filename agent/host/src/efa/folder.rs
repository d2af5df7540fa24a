//! The folder of a port's counters, read as a whole.

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;

use super::counters::{self, Counters};
use crate::Root;
use crate::rdma::CLASS;

/// The most files that are read of one folder; the newest driver has 22.
const MOST: usize = 64;
/// A counter is 20 digits and a line end at most.
const SIZE: usize = 64;
/// Says how long the kernel serves the counters from its memory, and is no counter.
const LIFESPAN: &str = "lifespan";

/// One reading of a port's counters. With a driver before 1.14 the device's counters are among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortReading {
    /// What was read.
    pub counters: Counters,
    /// 0, and one more each time the device was made anew (driver loaded again): readings with different numbers
    /// have no difference.
    pub incarnation: u32,
    /// Files whose text was no number, or which the driver refused as not supported.
    pub unreadable: u32,
}

/// The card, or the kernel for it, refused to answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("cannot read {path}: {message}")]
#[serde(rename_all = "camelCase")]
pub struct PortFailure {
    /// As the machine sees it.
    pub path: String,
    /// The error's number: ENODEV (19) once the admin queue is closed or the device is gone, ETIME (62) of the read
    /// that ran into the card's own limit, ENOENT (2) where the driver has no counters or the device went away.
    pub errno: Option<i32>,
    /// The error in words.
    pub message: String,
}

/// The counters of one device's port.
pub(super) struct Folder {
    root: Root,
    path: String,
    held: Option<Held>,
    incarnation: u32,
}

/// The folder as it was at the last reading. While it is open its inode number cannot be given to another.
struct Held {
    folder: File,
    identity: (u64, u64),
    /// Its files. The driver makes them right after the folder, and the first look may have come between: it is not
    /// trusted, the second is.
    names: Vec<String>,
    looks: u32,
}

impl Folder {
    pub(super) fn new(root: Root, device: &str) -> Self {
        // An EFA device has one port.
        let path = format!("{CLASS}/{device}/ports/1/hw_counters");
        Self { root, path, held: None, incarnation: 0 }
    }

    /// Reads all files back to back: the first asks the card, the others come from the kernel's memory for about
    /// 10 ms. Stops at the first file that the card does not answer for, since each further one would wait again.
    pub(super) fn read(&mut self) -> Result<PortReading, PortFailure> {
        self.read_some(MOST)
    }

    /// Reads one file: the card has answered then, to one admin command in place of five.
    pub(super) fn ask(&mut self) -> Result<PortReading, PortFailure> {
        self.read_some(1)
    }

    /// Stops when it has so many counters.
    fn read_some(&mut self, enough: usize) -> Result<PortReading, PortFailure> {
        let path = self.path.clone();
        let (held, incarnation) = self.open().map_err(|error| failure(path.clone(), &error))?;
        let mut reading = PortReading { incarnation, ..PortReading::default() };
        let mut read = 0;
        for name in &held.names {
            if read >= enough {
                break;
            }
            match value(&held.folder, name) {
                Ok(Some(value)) => {
                    reading.counters.set_by_name(name, value);
                    read += 1;
                }
                Ok(None) => reading.unreadable += 1,
                Err(error) if is_this_file_only(&error) => reading.unreadable += 1,
                Err(error) => return Err(failure(format!("{path}/{name}"), &error)),
            }
        }
        Ok(reading)
    }

    /// The folder; opened anew when it is another one than before.
    fn open(&mut self) -> io::Result<(&Held, u32)> {
        let about = self.root.metadata(&self.path)?;
        let identity = (about.dev(), about.ino());
        if self.held.as_ref().is_some_and(|held| held.identity != identity) {
            self.incarnation += 1;
            self.held = None;
        }
        let mut held = match self.held.take() {
            Some(held) => held,
            None => {
                Held { folder: self.root.open_folder(&self.path)?, identity, names: Vec::new(), looks: 0 }
            }
        };
        if held.looks < 2 {
            held.looks += 1;
            held.names = self.names();
        }
        Ok((self.held.insert(held), self.incarnation))
    }

    fn names(&self) -> Vec<String> {
        let mut names = self.root.list(&self.path);
        names.retain(|name| name != LIFESPAN);
        names.truncate(MOST);
        names
    }
}

/// What says nothing about the card: the file has just gone, or the driver does not keep this counter.
fn is_this_file_only(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, IsADirectory, NotFound, PermissionDenied, Unsupported};
    matches!(error.kind(), NotFound | Unsupported | InvalidInput | IsADirectory | PermissionDenied)
}

fn failure(path: String, error: &io::Error) -> PortFailure {
    PortFailure { path, errno: error.raw_os_error(), message: error.to_string() }
}

/// The number in a file of `folder`; `None` where the text is none. Opened by its name alone: the folder's path has
/// nine parts, and looking them up anew costs more than the read.
pub(super) fn value(folder: &File, name: &str) -> io::Result<Option<u64>> {
    let mut buffer = [0; SIZE];
    let file = openat(folder, name, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    let length = File::from(file).read(&mut buffer)?;
    Ok(counters::parse(&buffer[..length]))
}
