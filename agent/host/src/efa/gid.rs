//! GIDs, the addresses of RDMA ports.

use crate::Root;

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

/// Every GID of the device's port that is not zero, by its place in the table.
pub(super) fn all(root: &Root, folder: &str) -> Vec<String> {
    let table = format!("{folder}/ports/1/gids");
    let mut places: Vec<u32> = root.list(&table).iter().filter_map(|name| name.parse().ok()).collect();
    places.sort_unstable();
    let gid = |place: &u32| super::text(root, format!("{table}/{place}"));
    let is_set = |gid: &String| gid.chars().any(|c| c != '0' && c != ':');
    places.iter().take(MOST).filter_map(gid).filter(is_set).collect()
}
