//! Asks an NVMe controller who it is. The answer holds the device name under which EBS attached the volume, which is
//! found nowhere in sysfs.
#![allow(unsafe_code, reason = "an ioctl is a raw call by nature; its structure is checked by size below")]

use std::fs::File;
use std::os::fd::AsRawFd;

use gpunode_host::disk::nvme_id;

use crate::os::Os;

/// `struct nvme_admin_cmd` of linux/nvme_ioctl.h.
#[repr(C)]
#[derive(Default)]
struct AdminCommand {
    opcode: u8,
    flags: u8,
    rsvd1: u16,
    nsid: u32,
    cdw2: u32,
    cdw3: u32,
    metadata: u64,
    addr: u64,
    metadata_len: u32,
    data_len: u32,
    cdw10: u32,
    cdw11: u32,
    cdw12: u32,
    cdw13: u32,
    cdw14: u32,
    cdw15: u32,
    timeout_ms: u32,
    result: u32,
}

// NVME_IOCTL_ADMIN_CMD is _IOWR('N', 0x41, 72 bytes) = 0xC0484E41.
const _: () = assert!(size_of::<AdminCommand>() == 72);

nix::ioctl_readwrite!(nvme_admin, b'N', 0x41, AdminCommand);

/// Identify (NVMe base specification, 5.17), with CNS 1: the controller.
const IDENTIFY: u8 = 0x06;
const CNS_CONTROLLER: u32 = 1;
/// A controller that does not answer in this many milliseconds is not waited for: the kernel's own limit for EBS is
/// 49 days.
const TIMEOUT_MS: u32 = 5000;

/// The device name of an EBS volume's attachment, without `/dev/`. `None` where the controller does not say, or may
/// not be asked (it takes root).
pub(super) fn device_name(os: &Os, disk: &str) -> Option<String> {
    let file = File::open(os.device(disk)).ok()?;
    let mut answer = vec![0_u8; nvme_id::LEN];
    let mut command = AdminCommand {
        opcode: IDENTIFY,
        addr: answer.as_mut_ptr() as u64,
        data_len: u32::try_from(answer.len()).ok()?,
        cdw10: CNS_CONTROLLER,
        timeout_ms: TIMEOUT_MS,
        ..AdminCommand::default()
    };
    // SAFETY: `command` has the kernel's layout, and `answer` outlives the call and is as long as `data_len` says.
    let result = unsafe { nvme_admin(file.as_raw_fd(), &raw mut command) };
    if let Err(error) = result {
        tracing::debug!(disk, %error, "identify controller");
        return None;
    }
    nvme_id::parse(&answer).ok()?.device_name
}
