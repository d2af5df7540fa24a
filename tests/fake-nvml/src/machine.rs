//! The machine that the scenario describes, now.

use std::ffi::CStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use crate::scenario::{Gpu, Scenario};

/// The scenario and what follows from it.
#[derive(Default)]
pub(crate) struct Machine {
    pub(crate) scenario: Scenario,
    pub(crate) gpus: Vec<(String, Gpu)>,
    pub(crate) error: Option<String>,
    seen: Option<(u64, i64, i64, u64)>,
}

static MACHINE: RwLock<Option<Machine>> = RwLock::new(None);

/// The folder that this library was loaded from.
pub(crate) fn folder() -> PathBuf {
    let mut info = libc::Dl_info {
        dli_fname: std::ptr::null(),
        dli_fbase: std::ptr::null_mut(),
        dli_sname: std::ptr::null(),
        dli_saddr: std::ptr::null_mut(),
    };
    // SAFETY: an address inside this library, and a place for the answer.
    let found = unsafe { libc::dladdr((folder as *const ()).cast(), &raw mut info) };
    assert!(found != 0 && !info.dli_fname.is_null(), "dladdr does not know this library");
    // SAFETY: a text of the loader that lives as long as the library.
    let name = unsafe { CStr::from_ptr(info.dli_fname) };
    PathBuf::from(name.to_string_lossy().into_owned()).parent().map(PathBuf::from).unwrap_or_default()
}

/// The machine as it was read last.
pub(crate) fn machine() -> RwLockReadGuard<'static, Option<Machine>> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

/// Reads the scenario again, if it has changed.
pub(crate) fn refresh() {
    let path = folder().join("scenario.toml");
    let seen =
        fs::metadata(&path).ok().map(|meta| (meta.ino(), meta.mtime(), meta.mtime_nsec(), meta.size()));
    if machine().as_ref().is_some_and(|machine| machine.seen == seen) {
        return;
    }
    let read = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()));
    let parsed = read.and_then(|text| Scenario::parse(&text)).and_then(|scenario| {
        let gpus = scenario.gpus()?;
        Ok(Machine { scenario, gpus, error: None, seen })
    });
    let machine = parsed.unwrap_or_else(|error| Machine { error: Some(error), seen, ..Machine::default() });
    *MACHINE.write().unwrap_or_else(PoisonError::into_inner) = Some(machine);
}
