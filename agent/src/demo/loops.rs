//! Loop devices over the demo machine's disk files, so that the look at the disks goes through the kernel's block layer:
//! sizes, exclusive opens, direct reads and the blank proof are those of a real block device.
//!
//! Nothing else on the host may see them. They are read-only; udev does not look into a disk that somebody holds locked
//! (systemd's "Locking Block Device Access"), so no md array and no link is made from what the player writes into the
//! files; and with `LO_FLAGS_AUTOCLEAR` the kernel frees each when its one descriptor is closed, however this process
//! ends.
#![allow(unsafe_code, reason = "an ioctl is a raw call by nature; its structure is checked by size below")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use gpunode_host::Root;
use nix::errno::Errno;
use nix::libc;

/// `struct loop_info64` of linux/loop.h, of which only the flags are set.
#[repr(C)]
struct Info {
    places: [u64; 5],
    number: u32,
    encryption: [u32; 2],
    flags: u32,
    names_and_key: [u8; 160],
    init: [u64; 2],
}

/// `struct loop_config` of linux/loop.h.
#[repr(C)]
struct Config {
    fd: u32,
    block_size: u32,
    info: Info,
    reserved: [u64; 8],
}

// The kernel's sizes on every 64-bit machine.
const _: () = assert!(size_of::<Info>() == 232 && size_of::<Config>() == 304);

const READ_ONLY: u32 = 1;
const AUTOCLEAR: u32 = 4;

nix::ioctl_none_bad!(get_free, 0x4C82);
nix::ioctl_write_ptr_bad!(configure, 0x4C0A, Config);

const CONTROL: &str = "/dev/loop-control";

/// Somebody else may take a free device before we do; so often in a row means that something else is wrong.
const TRIES: usize = 64;

/// The disks of the machine: each a loop device, or each a file.
pub(super) struct Disks {
    root: Root,
    /// By name on the machine. Empty where files are used.
    loops: Mutex<BTreeMap<String, Loop>>,
    /// Why there are no loop devices.
    files: Option<io::Error>,
}

/// One loop device. Closing its descriptor frees it, and the lock with it: never the lock first.
struct Loop {
    path: PathBuf,
    _held: File,
}

impl Disks {
    /// Attaches those of the machine's files that can be part of its data volume, all or none.
    pub(super) fn of(root: &Root) -> Self {
        let is_disk = |name: &String| name.starts_with("nvme") || name.starts_with("md");
        let names: Vec<_> = root.list("/dev").into_iter().filter(|name| is_disk(name)).collect();
        let attached: io::Result<BTreeMap<_, _>> =
            names.into_iter().map(|name| Ok((name.clone(), attach(&file(root, &name))?))).collect();
        let (loops, files) = match attached {
            Ok(loops) => (loops, None),
            Err(error) => (BTreeMap::new(), Some(error)),
        };
        Self { root: root.clone(), loops: Mutex::new(loops), files }
    }

    /// Attaches a disk that was just made.
    pub(super) fn add(&self, name: &str) -> io::Result<()> {
        if self.files.is_none() {
            let made = attach(&file(&self.root, name))?;
            self.loops.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), made);
        }
        Ok(())
    }

    /// The loop device of a disk.
    pub(super) fn device(&self, name: &str) -> Option<PathBuf> {
        self.loops.lock().unwrap_or_else(PoisonError::into_inner).get(name).map(|held| held.path.clone())
    }

    /// `loop devices` or `files`.
    pub(super) fn kind(&self) -> &'static str {
        if self.files.is_none() { "loop devices" } else { "files" }
    }

    /// What they are, for people.
    pub(super) fn sentence(&self) -> String {
        match &self.files {
            None => "Its disks were loop devices, looked at through the kernel's block layer.".to_owned(),
            Some(error) => format!("Its disks were files, since there are no loop devices for us: {error}."),
        }
    }
}

fn file(root: &Root, name: &str) -> PathBuf {
    root.at(format!("/dev/{name}"))
}

fn attach(file: &Path) -> io::Result<Loop> {
    let backing = File::open(file)?;
    let control = File::open(CONTROL).map_err(|error| at(CONTROL, &error))?;
    let mut last = Errno::EBUSY;
    for _ in 0..TRIES {
        // SAFETY: the call takes no argument.
        let number = unsafe { get_free(control.as_raw_fd()) }.map_err(|e| at(CONTROL, &e.into()))?;
        let path = PathBuf::from(format!("/dev/loop{number}"));
        let device = File::open(&path).map_err(|error| at(&path.to_string_lossy(), &error))?;
        match set_up(&device, &backing) {
            Ok(()) => return Ok(Loop { path, _held: device }),
            Err(error @ (Errno::EBUSY | Errno::EAGAIN)) => last = error,
            Err(error) => return Err(at(&path.to_string_lossy(), &error.into())),
        }
    }
    Err(at(CONTROL, &last.into()))
}

fn set_up(device: &File, backing: &File) -> Result<(), Errno> {
    // Locked before there is anything to see.
    // SAFETY: a call with two numbers; the descriptor is open.
    Errno::result(unsafe { libc::flock(device.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) })?;
    let fd = u32::try_from(backing.as_raw_fd()).map_err(|_| Errno::EBADF)?;
    let info = Info {
        places: [0; 5],
        number: 0,
        encryption: [0; 2],
        flags: READ_ONLY | AUTOCLEAR,
        names_and_key: [0; 160],
        init: [0; 2],
    };
    let config = Config { fd, block_size: 0, info, reserved: [0; 8] };
    // SAFETY: `config` has the kernel's layout and outlives the call; the kernel takes its own hold of the file.
    unsafe { configure(device.as_raw_fd(), &raw const config) }.map(drop)
}

fn at(path: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{path}: {error}"))
}
