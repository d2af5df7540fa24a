//! A libfabric provider that says it is `efa`, for machines without EFA: the real libfabric core loads it from
//! `FI_PROVIDER_PATH` (a file whose name ends with `-fi.so`), and it lists what a scenario file says.
//!
//! It has a higher version than the built-in provider of that name, so the core prefers it. It leaves `prov_name` unset,
//! as the core fills it in. It can list and nothing else: opening a fabric fails, so a test shows that nobody does.
#![allow(unsafe_code, reason = "libfabric calls it, and reads and frees C structures that are made here")]

mod entry;
mod scenario;

use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use libfabric_sys::bindings::{
    FI_EINVAL, FI_ENODATA, FI_ENOMEM, FI_ENOSYS, FI_HMEM, fi_context, fi_fabric_attr, fi_info, fi_provider,
    fid_fabric,
};
use libfabric_sys::{Library, version_number};

pub use scenario::{Scenario, VARIABLE};

/// Above every real one: the core takes the highest of a name.
const VERSION: u32 = version_number(999, 0);

/// libfabric, which is loaded already: it has loaded this.
static LIBRARY: OnceLock<Library> = OnceLock::new();

/// What the core calls when it has loaded the file.
#[unsafe(no_mangle)]
pub extern "C" fn fi_prov_ini() -> *mut fi_provider {
    let Ok(library) = Library::open("libfabric.so.1".as_ref()) else { return ptr::null_mut() };
    let (major, minor) = library.version();
    let _ = LIBRARY.set(library);
    let provider = fi_provider {
        version: VERSION,
        fi_version: version_number(major, minor),
        context: fi_context { internal: [ptr::null_mut(); 4] },
        name: c"efa".as_ptr(),
        getinfo: Some(getinfo),
        fabric: Some(fabric),
        cleanup: Some(cleanup),
    };
    // The core keeps it until the process ends.
    Box::into_raw(Box::new(provider))
}

unsafe extern "C" fn getinfo(
    _version: u32,
    _node: *const c_char,
    _service: *const c_char,
    _flags: u64,
    hints: *const fi_info,
    info: *mut *mut fi_info,
) -> c_int {
    let (Some(library), Some(scenario)) = (LIBRARY.get(), Scenario::of_environment()) else {
        return minus(FI_EINVAL);
    };
    if !scenario.log.is_empty() {
        eprintln!("{}", scenario.log);
    }
    if scenario.crash {
        std::process::abort();
    }
    if scenario.hang {
        loop {
            thread::sleep(Duration::from_secs(3600));
        }
    }
    if scenario.code != 0 {
        return scenario.code;
    }
    // SAFETY: null or the caller's hints.
    let capabilities = unsafe { hints.as_ref() }.map_or(0, |hints| hints.caps);
    if capabilities & FI_HMEM != 0 && !scenario.hmem {
        return minus(FI_ENODATA);
    }
    let mut first = ptr::null_mut();
    for device in scenario.listed().rev() {
        for kind in scenario.kinds().rev() {
            // SAFETY: of this library's making, and linked to the list so far.
            unsafe {
                let made = entry::make(library, &device, *kind, &scenario, capabilities);
                if made.is_null() {
                    library.free_info(first);
                    return minus(FI_ENOMEM);
                }
                (*made).next = first;
                first = made;
            }
        }
    }
    if first.is_null() {
        return minus(FI_ENODATA);
    }
    // SAFETY: the caller's place for the list.
    unsafe { *info = first };
    0
}

unsafe extern "C" fn fabric(_: *mut fi_fabric_attr, _: *mut *mut fid_fabric, _: *mut c_void) -> c_int {
    minus(FI_ENOSYS)
}

unsafe extern "C" fn cleanup() {}

fn minus(code: u32) -> c_int {
    -code.cast_signed()
}
