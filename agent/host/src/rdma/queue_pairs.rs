//! Whether programs hold queue pairs on RDMA devices, as `rdma resource show` asks the kernel for it.
//!
//! Requests and answers are those of `rdma_netlink.h`: a dump of `RDMA_NLDEV_CMD_RES_GET` brings a message a device with
//! a summary of its resources; where it counts queue pairs, a dump of `RDMA_NLDEV_CMD_RES_QP_GET` brings each. One of
//! the kernel's own has the name of its owner (`RDMA_NLDEV_ATTR_RES_KERN_NAME`) and does not count: EFA has no
//! management pairs (`efa_verbs.c`), but since driver 3 kernel modules can make pairs of their own on it, as a file system
//! does. Asking needs no privilege. To a container with process ids of its own, older kernels show no
//! program's; then nobody is said to hold any.

#[cfg(test)]
mod tests;

use std::os::fd::AsRawFd as _;
use std::sync::Arc;

use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, setsockopt, socket,
};
use nix::sys::time::TimeVal;

/// `RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, RDMA_NLDEV_CMD_RES_GET)`, and with `…_RES_QP_GET`
const RES_GET: u16 = (5 << 10) + 9;
const RES_QP_GET: u16 = (5 << 10) + 10;
/// `NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH`: a dump.
const DUMP: u16 = 0x301;
/// `NLMSG_ERROR`, `NLMSG_DONE`
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// `struct nlmsghdr`
const HEADER: usize = 16;
/// Ours, to tell the answer by.
const SEQUENCE: u32 = 1;

/// `RDMA_NLDEV_ATTR_…`
const DEV_INDEX: u16 = 1;
const DEV_NAME: u16 = 2;
const RES_SUMMARY: u16 = 15;
const RES_SUMMARY_ENTRY: u16 = 16;
const RES_SUMMARY_ENTRY_NAME: u16 = 17;
const RES_SUMMARY_ENTRY_CURR: u16 = 18;
const RES_QP: u16 = 19;
const RES_QP_ENTRY: u16 = 20;
const RES_KERN_NAME: u16 = 29;
/// Without the bits for "nested" and "network byte order".
const TYPE_MASK: u16 = 0x3fff;

/// The kernel's pieces of a dump are no longer than this.
const PIECE: usize = 32 << 10;
/// A piece holds some forty devices.
const PIECES: usize = 64;
/// The kernel answers while it is asked; this only guards against one that does not.
const PATIENCE: TimeVal = TimeVal::new(1, 0);

/// Whether a program holds a queue pair on any of `devices`; `None` where the kernel does not tell: no such protocol, not
/// allowed, or none of the devices is in its answer (a container may see devices in sysfs that are another's).
pub fn held(devices: &[Arc<str>]) -> Option<bool> {
    let mut found = Answer::default();
    dump(RES_GET, None, |piece| read(piece, &mut found))?;
    let ours: Vec<_> = found
        .devices
        .into_iter()
        .filter(|found| devices.iter().any(|device| **device == *found.name))
        .collect();
    if ours.is_empty() {
        return None;
    }
    for device in ours.iter().filter(|device| device.queue_pairs > 0) {
        let mut found = Answer::default();
        dump(RES_QP_GET, Some(device.index), |piece| match read(piece, &mut found)? {
            // One is enough; the rest of the dump goes with the socket.
            Progress::More if found.of_programs > 0 => Some(Progress::Done),
            progress => Some(progress),
        })?;
        if found.of_programs > 0 {
            return Some(true);
        }
    }
    Some(false)
}

/// Asks for a dump and hands each piece to `each`, until that says it is done.
fn dump(what: u16, device: Option<u32>, mut each: impl FnMut(&[u8]) -> Option<Progress>) -> Option<()> {
    let family = AddressFamily::Netlink;
    let socket =
        socket(family, SockType::Raw, SockFlag::SOCK_CLOEXEC, Some(SockProtocol::NetlinkRDMA)).ok()?;
    setsockopt(&socket, ReceiveTimeout, &PATIENCE).ok()?;
    send(socket.as_raw_fd(), &request(what, device), MsgFlags::empty()).ok()?;
    let mut buffer = vec![0; PIECE];
    for _ in 0..PIECES {
        let length = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()).ok()?;
        if each(buffer.get(..length)?)? == Progress::Done {
            return Some(());
        }
    }
    None
}

/// What the pieces of a dump say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Of a dump of summaries.
    pub devices: Vec<Device>,
    /// Of a dump of one device's queue pairs: how many of them belong to programs.
    pub of_programs: usize,
}

/// One device's summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The kernel's number of it.
    pub index: u32,
    /// For example `rdmap79s0`.
    pub name: String,
    /// All of them, the kernel's own included.
    pub queue_pairs: u64,
}

/// Whether a dump goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more.
    More,
    /// That was all.
    Done,
}

/// Reads one piece of an answer. `None` for an error, and for what has another form.
pub fn read(mut piece: &[u8], answer: &mut Answer) -> Option<Progress> {
    while !piece.is_empty() {
        let length = usize::try_from(u32_at(piece, 0)?).ok()?;
        let message = piece.get(..length)?;
        let (kind, payload) = (u16_at(message, 4)?, message.get(HEADER..)?);
        if u32_at(message, 8)? == SEQUENCE {
            match kind {
                DONE => return Some(Progress::Done),
                ERROR => return None,
                RES_GET => answer.devices.extend(device(payload)),
                RES_QP_GET => answer.of_programs += of_programs(payload),
                _ => {}
            }
        }
        piece = piece.get(aligned(length)..).unwrap_or_default();
    }
    Some(Progress::More)
}

fn request(what: u16, device: Option<u32>) -> Vec<u8> {
    let attribute = device
        .map(|index| [8, DEV_INDEX].map(u16::to_ne_bytes).concat().into_iter().chain(index.to_ne_bytes()));
    let attribute: Vec<u8> = attribute.into_iter().flatten().collect();
    let length = if attribute.is_empty() { 16_u32 } else { 24 };
    let words = [what, DUMP].map(u16::to_ne_bytes).concat();
    [&length.to_ne_bytes()[..], &words, &SEQUENCE.to_ne_bytes(), &[0; 4], &attribute].concat()
}

/// `None` where the message has no such entry.
fn device(payload: &[u8]) -> Option<Device> {
    let index = u32_at(first(payload, DEV_INDEX)?, 0)?;
    let name = text(first(payload, DEV_NAME)?);
    let mut entries = Attributes(first(payload, RES_SUMMARY)?).filter(|(kind, _)| *kind == RES_SUMMARY_ENTRY);
    let count = entries.find_map(|(_, entry)| {
        let is_ours = text(first(entry, RES_SUMMARY_ENTRY_NAME)?) == "qp";
        is_ours.then(|| first(entry, RES_SUMMARY_ENTRY_CURR))?
    })?;
    Some(Device { index, name, queue_pairs: u64::from_ne_bytes(*count.first_chunk()?) })
}

fn of_programs(payload: &[u8]) -> usize {
    let entries =
        Attributes(first(payload, RES_QP).unwrap_or_default()).filter(|(kind, _)| *kind == RES_QP_ENTRY);
    entries.filter(|(_, entry)| first(entry, RES_KERN_NAME).is_none()).count()
}

fn first(attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    Attributes(attributes).find(|(kind, _)| *kind == wanted).map(|(_, value)| value)
}

/// Attributes one after the other; ends at the first that does not fit.
struct Attributes<'a>(&'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (length, kind) = (usize::from(u16_at(self.0, 0)?), u16_at(self.0, 2)?);
        let value = self.0.get(4..length)?;
        self.0 = self.0.get(aligned(length)..).unwrap_or_default();
        Some((kind & TYPE_MASK, value))
    }
}

/// A C string, or what there is of one.
fn text(bytes: &[u8]) -> String {
    let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

fn aligned(length: usize) -> usize {
    length.saturating_add(3) & !3
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}
