//! GIDs, the addresses of RDMA ports.

use std::io;

use crate::Dir;

/// The driver's table has one entry; no table is followed further than this.
const MOST: usize = 16;

/// The MAC address inside a link-local GID, `fe80:0000:0000:0000:0cba:4aff:fe1d:7e21`: the last eight bytes are the
/// address with ff:fe in its middle and its second-lowest bit turned over (RFC 4291, appendix A). `None` for any
/// other GID.
pub fn mac_of_gid(gid: &str) -> Option<String> {
    let gid: std::net::Ipv6Addr = gid.parse().ok()?;
    let [0xfe, 0x80, 0, 0, 0, 0, 0, 0, front @ .., 0xff, 0xfe, back0, back1, back2] = gid.octets() else {
        return None;
    };
    let [first, second, third] = front;
    let first = first ^ 0x02;
    Some(format!("{first:02x}:{second:02x}:{third:02x}:{back0:02x}:{back1:02x}:{back2:02x}"))
}

/// The GIDs of the device's port by their places, which the kernel numbers from 0 on without a gap: the first that is not
/// there tells the end. One that cannot be read is empty.
pub(super) fn table(device: &Dir<'_>) -> Vec<String> {
    let read = |place| match device.read_value(&format!("ports/1/gids/{place}")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        gid => Some(gid.unwrap_or_default()),
    };
    (0..MOST).map_while(read).collect()
}

/// Whether it says more than zeros.
pub(super) fn is_set(gid: &str) -> bool {
    gid.chars().any(|c| c != '0' && c != ':')
}
