//! NVML: loading, starting, and one way to make a call.
#![allow(unsafe_code)] // A C library that is loaded at run time cannot be called otherwise.

mod call;
mod device;
mod ecc;
mod fields;
mod known;
mod library;
mod links;
mod mig;
mod nvlink_fabric;
mod set;
mod slow;
mod text;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::sync::{Mutex, OnceLock, PoisonError};

use gpunode_probe_protocol::gpu::System;
use gpunode_probe_protocol::library::Unusable;
use libloading::os::unix::{Library, RTLD_LAZY, RTLD_LOCAL};
use nvml_wrapper_sys::bindings::NvmlLib;

use crate::slot::Slot;
use call::call;
pub(crate) use call::{Ask, code};
pub(crate) use device::gpu;
pub(crate) use known::Known;
pub(crate) use library::{count, handle, system};
pub(crate) use set::{EventSet, WAIT, Waited};
use text::{refused, words};

/// NVML, loaded and started. Any thread may call it.
pub(crate) struct Session {
    /// Every symbol that the library has; one that it lacks is an error here and `NotSupported` to who asks.
    pub(crate) lib: NvmlLib,
    system: OnceLock<System>,
    known: Mutex<HashMap<u32, Known>>,
}

impl Session {
    /// Loads and starts the library.
    pub(crate) fn open(name: &OsStr, slot: &Slot) -> Result<Self, Unusable> {
        slot.enter("dlopen");
        // SAFETY: NVML's initialisers expect nothing of the process. The probe exists to keep the rest safe from it.
        let library = unsafe { Library::open(Some(name), RTLD_LAZY | RTLD_LOCAL) };
        let library = library.map_err(|error| refused(name, &error))?;
        // SAFETY: the signatures are those of NVML's header, which never change under one name.
        let lib = unsafe { NvmlLib::from_library(library) };
        let lib = lib.map_err(|error| Unusable::WrongLibrary { message: error.to_string() })?;
        let needed = [
            lib.nvmlInit_v2.as_ref().err(),
            lib.nvmlDeviceGetCount_v2.as_ref().err(),
            lib.nvmlDeviceGetHandleByIndex_v2.as_ref().err(),
            lib.nvmlDeviceGetPciInfo_v3.as_ref().err(),
        ];
        if let Some(missing) = needed.into_iter().flatten().next() {
            return Err(Unusable::WrongLibrary { message: missing.to_string() });
        }
        slot.enter("nvmlInit_v2");
        // SAFETY: takes nothing, may be called at any time.
        let started = lib.nvmlInit_v2.as_ref().map_or(code::FUNCTION_NOT_FOUND, |init| unsafe { init() });
        if started != code::SUCCESS {
            let code = i32::try_from(started).unwrap_or(i32::MAX);
            return Err(Unusable::Start { code, message: words(&lib, started) });
        }
        Ok(Self { lib, system: OnceLock::new(), known: Mutex::default() })
    }

    /// Ends NVML's side; the library is unloaded with `self`.
    pub(crate) fn close(&self, slot: &Slot) {
        slot.enter("nvmlShutdown");
        if let Ok(shutdown) = self.lib.nvmlShutdown.as_ref() {
            // SAFETY: once for each start that succeeded.
            unsafe { shutdown() };
        }
    }

    /// What is known of the GPU with this index from an earlier look.
    pub(crate) fn known(&self, index: u32) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&index).cloned().unwrap_or_default()
    }

    /// Keeps it for the next look.
    pub(crate) fn remember(&self, index: u32, known: Known) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(index, known);
    }
}
