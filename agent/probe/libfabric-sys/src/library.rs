//! libfabric, loaded when it is asked for.
#![allow(unsafe_code, reason = "a library is loaded and its C functions are called")]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::path::PathBuf;
use std::ptr;

use libloading::os::unix as loader;

use crate::bindings::fi_info;

/// The symbol version whose structures the bindings describe.
const SYMBOLS: &CStr = c"FABRIC_1.3";
/// `FI_VERSION(1, 18)`: from here on EFA's provider offers GPU memory without GPUDirect too.
pub const VERSION_1_18: u32 = version_number(1, 18);

type GetInfo =
    unsafe extern "C" fn(u32, *const c_char, *const c_char, u64, *const fi_info, *mut *mut fi_info) -> c_int;
type FreeInfo = unsafe extern "C" fn(*mut fi_info);
type DupInfo = unsafe extern "C" fn(*const fi_info) -> *mut fi_info;
type Version = unsafe extern "C" fn() -> u32;
type StrError = unsafe extern "C" fn(c_int) -> *const c_char;

/// The header's macro `FI_VERSION`.
pub const fn version_number(major: u32, minor: u32) -> u32 {
    (major << 16) | minor
}

/// Why libfabric cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The loader does not take the file, or one that it needs.
    #[error("{0}")]
    Load(String),
    /// It is no libfabric, or one from before 1.9.
    #[error("{library} has no {symbol}")]
    Symbol {
        /// What was loaded.
        library: String,
        /// What it lacks.
        symbol: String,
    },
}

/// libfabric's functions. Never unloaded: its providers may have threads and exit handlers.
#[derive(Clone, Copy, Debug)]
pub struct Library {
    getinfo: GetInfo,
    freeinfo: FreeInfo,
    dupinfo: DupInfo,
    version: Version,
    strerror: StrError,
}

impl Library {
    /// Loads `name`, a path or what the loader looks for (`libfabric.so.1`).
    pub fn open(name: &OsStr) -> Result<Self, OpenError> {
        // SAFETY: the library's initialisers run, as they do in every program that is linked to it.
        let library = unsafe { loader::Library::new(name) };
        let library = library.map_err(|error| OpenError::Load(loader_says(&error)))?;
        let handle = library.into_raw();
        let lacks = |symbol: &CStr| OpenError::Symbol {
            library: name.to_string_lossy().into_owned(),
            symbol: symbol.to_string_lossy().into_owned(),
        };
        // SAFETY: each symbol has the type that the headers declare it with (`declared` below).
        unsafe {
            let names = [c"fi_getinfo", c"fi_freeinfo", c"fi_dupinfo"];
            let versioned = names.map(|name| libc::dlvsym(handle, name.as_ptr(), SYMBOLS.as_ptr()));
            let found = if versioned.iter().any(|symbol| symbol.is_null()) {
                names.map(|name| if has_versions(handle) { ptr::null_mut() } else { plain(handle, name) })
            } else {
                versioned
            };
            let symbol = |at: usize| Some(found[at]).filter(|s| !s.is_null()).ok_or_else(|| lacks(names[at]));
            let other = |name| Some(plain(handle, name)).filter(|s| !s.is_null()).ok_or_else(|| lacks(name));
            Ok(Self {
                getinfo: std::mem::transmute::<*mut c_void, GetInfo>(symbol(0)?),
                freeinfo: std::mem::transmute::<*mut c_void, FreeInfo>(symbol(1)?),
                dupinfo: std::mem::transmute::<*mut c_void, DupInfo>(symbol(2)?),
                version: std::mem::transmute::<*mut c_void, Version>(other(c"fi_version")?),
                strerror: std::mem::transmute::<*mut c_void, StrError>(other(c"fi_strerror")?),
            })
        }
    }

    /// `fi_version`: major and minor.
    pub fn version(&self) -> (u32, u32) {
        // SAFETY: no arguments, no state.
        let version = unsafe { (self.version)() };
        (version >> 16, version & 0xffff)
    }

    /// `fi_strerror` of a code, whatever its sign.
    pub fn message(&self, code: i32) -> String {
        let code = i32::try_from(code.unsigned_abs()).unwrap_or(i32::MAX);
        // SAFETY: it returns a constant text for every number.
        let text = unsafe { (self.strerror)(code) };
        if text.is_null() {
            return format!("code {code}");
        }
        // SAFETY: not null, and ended by a zero.
        unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
    }

    /// The file the loader took.
    pub fn file(&self) -> Option<PathBuf> {
        use std::os::unix::ffi::OsStrExt as _;
        // SAFETY: a Dl_info of zeros is a valid one, and dladdr fills it.
        let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
        // SAFETY: the address is one of the library's functions, which is never unloaded.
        let found = unsafe { libc::dladdr(self.version as *const c_void, &raw mut info) };
        if found == 0 || info.dli_fname.is_null() {
            return None;
        }
        // SAFETY: the loader's own text, which lives as long as the library.
        let name = unsafe { CStr::from_ptr(info.dli_fname) };
        Some(PathBuf::from(OsStr::from_bytes(name.to_bytes())))
    }

    /// `fi_getinfo` without node, service and flags: its code and, where that is 0, the list.
    ///
    /// # Safety
    /// `hints` is null or comes from [`Self::dup_info`] of this library.
    pub unsafe fn get_info(&self, version: u32, hints: *const fi_info) -> (i32, *mut fi_info) {
        let mut list = ptr::null_mut();
        // SAFETY: the caller vouches for `hints`; `list` is a valid place for a pointer.
        let code = unsafe { (self.getinfo)(version, ptr::null(), ptr::null(), 0, hints, &raw mut list) };
        (code, if code == 0 { list } else { ptr::null_mut() })
    }

    /// `fi_dupinfo`; of null it makes an empty one, as the header's `fi_allocinfo` does. Null when memory is short.
    ///
    /// # Safety
    /// `info` is null or comes from this library.
    pub unsafe fn dup_info(&self, info: *const fi_info) -> *mut fi_info {
        // SAFETY: the caller vouches for `info`.
        unsafe { (self.dupinfo)(info) }
    }

    /// `fi_freeinfo` of a whole list.
    ///
    /// # Safety
    /// `info` is null or comes from this library, and is not used afterwards.
    pub unsafe fn free_info(&self, info: *mut fi_info) {
        if !info.is_null() {
            // SAFETY: the caller vouches for `info`.
            unsafe { (self.freeinfo)(info) }
        }
    }
}

/// Whether the library has symbol versions at all; one that has, but lacks ours, is older than 1.9.
///
/// # Safety
/// `handle` is a loaded library.
unsafe fn has_versions(handle: *mut c_void) -> bool {
    // SAFETY: the caller vouches for `handle`; every versioned release has this symbol under this version.
    unsafe { !libc::dlvsym(handle, c"fi_version".as_ptr(), c"FABRIC_1.0".as_ptr()).is_null() }
}

/// # Safety
/// `handle` is a loaded library.
unsafe fn plain(handle: *mut c_void, name: &CStr) -> *mut c_void {
    // SAFETY: the caller vouches for `handle`.
    unsafe { libc::dlsym(handle, name.as_ptr()) }
}

/// The loader's own words: `libloading` keeps them as the cause.
fn loader_says(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// Never called, and generic, so that no symbol of libfabric is asked for when a program is linked: the compiler
/// compares our types with the headers'.
#[allow(dead_code, clippy::extra_unused_type_parameters, reason = "only its types are of interest")]
fn declared<T>() {
    let _: GetInfo = crate::bindings::fi_getinfo;
    let _: FreeInfo = crate::bindings::fi_freeinfo;
    let _: DupInfo = crate::bindings::fi_dupinfo;
    let _: Version = crate::bindings::fi_version;
    let _: StrError = crate::bindings::fi_strerror;
}

#[cfg(test)]
mod tests;
