//! The md arrays that the kernel knows, from sysfs and `/proc/mdstat`.

use uuid::Uuid;

use super::discover::{BLOCK, DevNumber};
use crate::Root;
use crate::root::ReadError;

/// One md array.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Array {
    /// The kernel's name, for example `md127`.
    pub name: String,
    /// The kernel's number.
    pub dev: Option<DevNumber>,
    /// Bytes; 0 while it is not started.
    pub size: u64,
    /// For example `raid0`; empty while it is not started.
    pub level: String,
    /// How many members it has when whole.
    pub raid_disks: u32,
    /// `clean`, `active`, `inactive`, `readonly`, …
    pub state: String,
    /// The array's id, where the kernel says it (6.1 does).
    pub uuid: Option<Uuid>,
    /// Sorted by name.
    pub members: Vec<Member>,
}

/// A device of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The kernel's name, for example `nvme1n1`.
    pub name: String,
    /// Its place; `None` for a spare or one that is not used yet.
    pub slot: Option<u32>,
    /// Whether the kernel has given up on it.
    pub faulty: bool,
}

impl Array {
    /// Whether it runs with every member in its place.
    pub fn is_whole(&self) -> bool {
        let running = matches!(self.state.as_str(), "clean" | "active" | "active-idle" | "write-pending");
        let mut slots: Vec<_> = self.members.iter().filter(|m| !m.faulty).filter_map(|m| m.slot).collect();
        slots.sort_unstable();
        running
            && self.raid_disks > 0
            && self.members.len() == slots.len()
            && slots.into_iter().eq(0..self.raid_disks)
    }
}

/// Every md array, sorted by name.
///
/// # Errors
/// It cannot be seen what there is.
pub fn arrays(root: &Root) -> Result<Vec<Array>, ReadError> {
    let mut found: Vec<Array> = root
        .names_if_there(BLOCK)?
        .into_iter()
        .filter(|name| root.exists(format!("{BLOCK}/{name}/md")))
        .map(|name| from_sysfs(root, name))
        .collect();
    // Where sysfs shows less than /proc does, the array still counts, as one that does not run.
    for listed in parse_mdstat(&root.value("/proc/mdstat").unwrap_or_default()) {
        if !found.iter().any(|array| array.name == listed.name) {
            found.push(listed);
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn from_sysfs(root: &Root, name: String) -> Array {
    let value = |leaf: &str| root.value(format!("{BLOCK}/{name}/{leaf}")).unwrap_or_default();
    let members = root
        .list(format!("{BLOCK}/{name}/md"))
        .into_iter()
        .filter_map(|entry| {
            let device = entry.strip_prefix("dev-")?;
            Some(Member {
                name: device.to_owned(),
                slot: value(&format!("md/{entry}/slot")).parse().ok(),
                faulty: value(&format!("md/{entry}/state")).contains("faulty"),
            })
        })
        .collect();
    Array {
        dev: DevNumber::parse(&value("dev")),
        size: value("size").parse::<u64>().unwrap_or(0).saturating_mul(512),
        level: value("md/level"),
        // `4`, or `4 (3)` during a reshape.
        raid_disks: value("md/raid_disks").split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0),
        state: value("md/array_state"),
        uuid: value("md/uuid").parse().ok(),
        members,
        name,
    }
}

/// Reads `/proc/mdstat`: names, states and members, nothing else. An array that only stands there counts as not
/// running, so nothing is mounted on the strength of this table.
pub fn parse_mdstat(text: &str) -> Vec<Array> {
    text.lines().filter_map(parse_line).collect()
}

/// `md127 : active raid0 nvme2n1[1] nvme1n1[0](F)`
fn parse_line(line: &str) -> Option<Array> {
    let (name, rest) = line.split_once(" : ")?;
    if !name.starts_with("md") || name.contains(char::is_whitespace) {
        return None;
    }
    let mut members: Vec<_> = rest
        .split_whitespace()
        .filter_map(|word| {
            let (device, slot) = word.split_once('[')?;
            let (slot, flags) = slot.split_once(']')?;
            Some(Member { name: device.to_owned(), slot: slot.parse().ok(), faulty: flags.contains("(F)") })
        })
        .collect();
    members.sort_by(|a, b| a.name.cmp(&b.name));
    Some(Array { name: name.to_owned(), state: "unknown".to_owned(), members, ..Array::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn mdstat_names_arrays_and_members() {
        let text = "Personalities : [raid0] [raid1]\nmd127 : active raid0 nvme2n1[1] nvme1n1[0]\n      \
                    3750 blocks super 1.2 512k chunks\n\nmd0 : inactive nvme3n1[2](S) nvme4n1[0](F)\n\
                    unused devices: <none>\n";
        let arrays = parse_mdstat(text);
        assert_eq!(arrays.iter().map(|a| a.name.as_str()).collect::<Vec<_>>(), ["md127", "md0"]);
        let names: Vec<_> = arrays[0].members.iter().map(|m| (m.name.as_str(), m.slot)).collect();
        assert_eq!(names, [("nvme1n1", Some(0)), ("nvme2n1", Some(1))]);
        assert!(arrays[1].members[1].faulty);
        assert!(!arrays[0].is_whole(), "mdstat alone proves nothing");
    }

    #[test]
    fn whole_means_running_with_every_slot_filled() {
        let member = |name: &str, slot| Member { name: name.to_owned(), slot: Some(slot), faulty: false };
        let whole = Array {
            raid_disks: 2,
            state: "clean".to_owned(),
            members: vec![member("a", 1), member("b", 0)],
            ..Array::default()
        };
        assert!(whole.is_whole());
        let mut array = whole.clone();
        array.members[0].faulty = true;
        assert!(!array.is_whole());
        let mut array = whole.clone();
        array.members.pop();
        assert!(!array.is_whole());
        assert!(!Array { state: "inactive".to_owned(), ..whole }.is_whole());
    }

    proptest! {
        #[test]
        fn no_mdstat_is_too_strange(text in "([md0-9 :\\[\\]()a-zF\n]|\\PC){0,200}") {
            prop_assert!(parse_mdstat(&text).len() <= text.lines().count());
        }
    }
}
