//! Asking `fi_getinfo` and reading its list.
#![allow(unsafe_code)] // The list is C structures of the library's; each reading says why it is sound.

use std::ffi::{CStr, c_char};

use gpunode_probe_protocol::fabric::{Endpoint, Interface};
use libfabric_sys::bindings::{
    FI_BUS_PCI, FI_ENOMEM, FI_EP_DGRAM, FI_EP_RDM, FI_HMEM, FI_RMA, fi_info, fi_link_attr, fid_nic,
};
use libfabric_sys::{Library, VERSION_1_18, version_number};

/// The provider.
const EFA: &CStr = c"efa";
/// `FI_MR_BASIC | FI_MR_SCALABLE`, which cannot be combined with the bits that came after them.
const OLD_MR_MODES: i32 = 0b11;
/// Entries that are read at most. 32 devices have 96.
const MOST: usize = 1024;
/// Bytes that are kept of a text.
const LONGEST: usize = 256;

/// `fi_getinfo`'s code, and what it lists.
pub(super) fn list(library: &Library) -> (i32, Vec<Interface>) {
    let (code, mut entries) = ask(library, 0);
    if !entries.is_empty() && may_look_for_gpus() {
        let (_, with_gpu_memory) = ask(library, FI_HMEM);
        for entry in &mut entries {
            let same = |other: &Interface| other.domain == entry.domain && other.fabric == entry.fabric;
            entry.hmem = Some(with_gpu_memory.iter().any(same));
        }
    }
    (code, entries)
}

/// GPU memory is only offered to who asks for it; asking makes no sense where libfabric was told to look for no GPU.
#[expect(clippy::disallowed_methods, reason = "libfabric's own variable")]
fn may_look_for_gpus() -> bool {
    std::env::var("FI_HMEM").as_deref() != Ok("system")
}

fn ask(library: &Library, capabilities: u64) -> (i32, Vec<Interface>) {
    // The newest interface that both sides know: from 1.18 on GPU memory is offered without GPUDirect too, and an older
    // library refuses a newer version.
    let (major, minor) = library.version();
    let version = version_number(major, minor).min(VERSION_1_18);
    // SAFETY: null makes an empty one, of this library's making.
    let hints = unsafe { library.dup_info(std::ptr::null()) };
    // SAFETY: null or a whole, unshared structure with all its parts, as fi_allocinfo promises.
    let Some(info) = (unsafe { hints.as_mut() }) else { return (-FI_ENOMEM.cast_signed(), Vec::new()) };
    info.caps = capabilities;
    // Whatever a provider demands of its user is fine with us, or it would leave entries out.
    info.mode = u64::MAX;
    // SAFETY: as above; the name is the C allocator's, with which fi_freeinfo frees it.
    unsafe {
        if let Some(domain) = info.domain_attr.as_mut() {
            domain.mode = u64::MAX;
            domain.mr_mode = !OLD_MR_MODES;
        }
        if let Some(fabric) = info.fabric_attr.as_mut() {
            fabric.prov_name = libc::strdup(EFA.as_ptr());
        }
    }
    // SAFETY: the hints are this library's.
    let (code, first) = unsafe { library.get_info(version, hints) };
    let mut entries = Vec::new();
    let mut next = first;
    // SAFETY: null, or an entry of the list, which lives until it is freed below.
    while let Some(info) = unsafe { next.as_ref() }
        && entries.len() < MOST
    {
        // SAFETY: an entry of the list.
        entries.push(unsafe { interface(info) });
        next = info.next;
    }
    // SAFETY: both are this library's, and nothing points into them any more.
    unsafe {
        library.free_info(first);
        library.free_info(hints);
    }
    (code, entries)
}

/// # Safety
/// `info` is an entry that `fi_getinfo` made: every pointer in it is null or to what it says.
unsafe fn interface(info: &fi_info) -> Interface {
    // SAFETY: see above.
    unsafe {
        let fabric = info.fabric_attr.as_ref().and_then(|fabric| text(fabric.name)).unwrap_or_default();
        let domain = info.domain_attr.as_ref().and_then(|domain| text(domain.name)).unwrap_or_default();
        let nic = info.nic.as_ref();
        let device = nic.and_then(|nic| nic.device_attr.as_ref());
        let link = nic.and_then(|nic| nic.link_attr.as_ref());
        let number = |read: fn(&fi_link_attr) -> usize| {
            link.map(read).map(|value| value as u64).filter(|value| *value > 0)
        };
        Interface {
            device: device.and_then(|device| text(device.name)).unwrap_or_else(|| without_suffix(&domain)),
            endpoint: endpoint(info.ep_attr.as_ref().map_or(0, |endpoint| endpoint.type_)),
            pci: nic.and_then(|nic| pci(nic)),
            device_version: device.and_then(|device| text(device.device_version)),
            firmware: device.and_then(|device| text(device.firmware)),
            driver: device.and_then(|device| text(device.driver)),
            address: link.and_then(|link| text(link.address)),
            mtu: number(|link| link.mtu),
            speed: number(|link| link.speed),
            hmem: None,
            rma: info.caps & u64::from(FI_RMA) != 0,
            fabric,
            domain,
        }
    }
}

/// # Safety
/// `nic` is of an entry that `fi_getinfo` made.
unsafe fn pci(nic: &fid_nic) -> Option<String> {
    // SAFETY: see above; the union has this one form.
    let pci = unsafe {
        let bus = nic.bus_attr.as_ref().filter(|bus| bus.bus_type == FI_BUS_PCI)?;
        bus.attr.pci
    };
    Some(format!("{:04x}:{:02x}:{:02x}.{:x}", pci.domain_id, pci.bus_id, pci.device_id, pci.function_id))
}

fn endpoint(kind: u32) -> Endpoint {
    match kind {
        FI_EP_RDM => Endpoint::Rdm,
        FI_EP_DGRAM => Endpoint::Dgram,
        other => Endpoint::Other(other),
    }
}

/// The device's name where only the domain's is known (`fi_efa(7)`: device and `-rdm` or `-dgrm`).
fn without_suffix(domain: &str) -> String {
    let suffixes = ["-rdm", "-dgrm", "-direct"];
    suffixes.iter().find_map(|suffix| domain.strip_suffix(suffix)).unwrap_or(domain).to_owned()
}

/// # Safety
/// `text` is null or ends with a zero.
unsafe fn text(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not null; the caller vouches for the zero.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    Some(String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]).into_owned())
        .filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_s_name_is_in_its_domain_s() {
        assert_eq!(without_suffix("rdmap79s0-rdm"), "rdmap79s0");
        assert_eq!(without_suffix("rdmap79s0-dgrm"), "rdmap79s0");
        assert_eq!(without_suffix("efa_0"), "efa_0");
    }

    #[test]
    fn texts_are_bounded_and_nothing_is_no_text() {
        let long = std::ffi::CString::new([b'x'; 1000]).unwrap();
        // SAFETY: null, or C strings that live through the call.
        unsafe {
            assert_eq!(text(std::ptr::null()), None);
            assert_eq!(text(c"".as_ptr()), None);
            assert_eq!(text(long.as_ptr()).map(|text| text.len()), Some(LONGEST));
        }
    }

    #[test]
    fn endpoint_types_are_named() {
        assert_eq!([3, 2, 1].map(endpoint), [Endpoint::Rdm, Endpoint::Dgram, Endpoint::Other(1)]);
    }
}
