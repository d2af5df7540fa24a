//! NVML's texts.

use std::ffi::{OsStr, c_char};

use gpunode_probe_protocol::library::Unusable;
use nvml_wrapper_sys::bindings::{NvmlLib, nvmlPciInfo_t};

/// A text in a buffer that NVML filled; what is no UTF-8 is replaced.
pub(crate) fn text(buffer: &[c_char]) -> String {
    let bytes: Vec<u8> =
        buffer.iter().map(|byte| byte.to_ne_bytes()[0]).take_while(|byte| *byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A PCI address as the kernel writes it. NVML writes the domain with eight digits.
pub(crate) fn address(pci: &nvmlPciInfo_t) -> String {
    format!("{:04x}:{:02x}:{:02x}.0", pci.domain, pci.bus, pci.device)
}

/// Why the loader gave no library: it has none, or none that it can load.
pub(super) fn refused(name: &OsStr, error: &libloading::Error) -> Unusable {
    let message = match error {
        libloading::Error::DlOpen { desc } => format!("{desc:?}").trim_matches('"').to_owned(),
        other => other.to_string(),
    };
    // The loader's words for every file that is not there; it names the library itself, or one that it needs.
    let absent = "cannot open shared object file: No such file or directory";
    let own = message.starts_with(&*name.to_string_lossy());
    if own && message.contains(absent) {
        Unusable::NotInstalled { message }
    } else {
        Unusable::WrongLibrary { message }
    }
}

/// NVML's words for a code.
pub(super) fn words(lib: &NvmlLib, code: u32) -> String {
    let Ok(function) = lib.nvmlErrorString.as_ref() else { return String::new() };
    // SAFETY: takes a number; gives a constant text, or null in no version known.
    let words = unsafe { function(code) };
    if words.is_null() {
        return String::new();
    }
    // SAFETY: a constant text that ends in a zero.
    unsafe { std::ffi::CStr::from_ptr(words) }.to_string_lossy().into_owned()
}
