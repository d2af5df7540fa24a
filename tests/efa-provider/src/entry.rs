//! One entry of the list, made of the C allocator's memory: the core frees it.

use std::ffi::{CString, c_char, c_int};
use std::ptr;

use libfabric_sys::Library;
use libfabric_sys::bindings::{
    FI_BUS_PCI, FI_EP_DGRAM, FI_EP_RDM, FI_HMEM, FI_LINK_UP, FI_MSG, FI_RMA, fi_bus_attr, fi_device_attr,
    fi_info, fi_link_attr, fi_ops, fid, fid_nic,
};

use crate::scenario::{Device, Kind, Scenario};

/// What the core needs to free the NIC attributes.
static OPERATIONS: fi_ops = {
    // SAFETY: a size and optional functions, however many this version of the headers has: none of them.
    let mut operations: fi_ops = unsafe { std::mem::zeroed() };
    operations.size = size_of::<fi_ops>();
    operations.close = Some(close);
    operations
};

/// # Safety
/// The result is the library's to free. Null when memory is short.
pub(crate) unsafe fn make(
    library: &Library,
    device: &Device,
    kind: Kind,
    scenario: &Scenario,
    capabilities: u64,
) -> *mut fi_info {
    let (fabric, suffix, endpoint) = match kind {
        Kind::Rdm => ("efa", "rdm", FI_EP_RDM),
        Kind::Direct => ("efa-direct", "rdm", FI_EP_RDM),
        Kind::Dgram => ("efa", "dgrm", FI_EP_DGRAM),
    };
    let rma = if kind == Kind::Dgram { 0 } else { u64::from(FI_RMA) };
    // SAFETY: of the library's making; all three parts are there when it is.
    unsafe {
        let info = library.dup_info(ptr::null());
        if let Some(info) = info.as_mut() {
            info.caps = u64::from(FI_MSG) | rma | (capabilities & FI_HMEM);
            (*info.fabric_attr).name = text(fabric);
            (*info.domain_attr).name = text(&format!("{}-{suffix}", device.name));
            (*info.ep_attr).type_ = endpoint;
            info.nic = if scenario.without_nic { ptr::null_mut() } else { nic(device) };
        }
        info
    }
}

/// # Safety
/// The result is freed by [`close`].
unsafe fn nic(device: &Device) -> *mut fid_nic {
    // SAFETY: zeros are a valid value of each of these structures, and each is filled before it is read.
    unsafe {
        let nic: *mut fid_nic = room();
        let (parts, bus, link): (*mut fi_device_attr, *mut fi_bus_attr, *mut fi_link_attr) =
            (room(), room(), room());
        (*nic).fid.ops = (&raw const OPERATIONS).cast_mut();
        (*parts).name = text(&device.name);
        (*parts).device_version = text("0xefa1");
        (*parts).vendor_id = text("0x1d0f");
        (*parts).driver = text("efa");
        (*parts).firmware = text("0.0.0.0");
        (*bus).bus_type = FI_BUS_PCI;
        (*bus).attr.pci.bus_id = device.bus;
        (*link).address = text(&format!("fe80::4{:02x}:ff:fe00:1", device.bus));
        (*link).mtu = 8928;
        (*link).speed = 100_000_000_000;
        (*link).state = FI_LINK_UP;
        (*link).network_type = text("Ethernet");
        (*nic).device_attr = parts;
        (*nic).bus_attr = bus;
        (*nic).link_attr = link;
        nic
    }
}

/// Frees the NIC attributes.
unsafe extern "C" fn close(fid: *mut fid) -> c_int {
    // SAFETY: the core gives back what `nic` made; `fid` is its first field.
    unsafe {
        let nic: *mut fid_nic = fid.cast();
        let (parts, link) = ((*nic).device_attr, (*nic).link_attr);
        let texts =
            [(*parts).name, (*parts).device_version, (*parts).vendor_id, (*parts).driver, (*parts).firmware];
        for text in texts.into_iter().chain([(*link).address, (*link).network_type]) {
            libc::free(text.cast());
        }
        for part in [parts.cast(), link.cast(), (*nic).bus_attr.cast(), nic.cast()] {
            libc::free(part);
        }
    }
    0
}

/// # Safety
/// Zeros must be a valid `T`.
unsafe fn room<T>() -> *mut T {
    // SAFETY: the allocator's result is checked.
    let room = unsafe { libc::calloc(1, size_of::<T>()) };
    if room.is_null() {
        std::process::abort();
    }
    room.cast()
}

fn text(text: &str) -> *mut c_char {
    let Ok(text) = CString::new(text) else { return ptr::null_mut() };
    // SAFETY: a C string; the copy is the C allocator's.
    unsafe { libc::strdup(text.as_ptr()) }
}
