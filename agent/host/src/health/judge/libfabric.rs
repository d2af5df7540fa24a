//! What libfabric lists, compared with the EFA devices that are there.

use gpunode_probe_protocol::fabric::{Endpoint, Interface, Interfaces};
use gpunode_probe_protocol::library::Unusable;

use crate::health::{EfaName, Rule, Sighting, Subject, rules};

/// `-FI_ENODATA`: the provider is there and has nothing to list.
const NO_DATA: i32 = -61;
/// `-FI_ENOSYS`: a libfabric without this provider says so on some versions.
const NO_SYSTEM: i32 = -38;

/// The signs. `devices` are the EFA devices that a driver drives, `others` the names of all other RDMA devices.
/// A host without libfabric is no fault: EKS images install EFA without it, and containers bring their own.
pub fn judge(listed: &Result<Interfaces, Unusable>, devices: &[EfaName], others: &[String]) -> Vec<Sighting> {
    let listed = match listed {
        Ok(listed) => listed,
        Err(Unusable::NotInstalled { .. }) => return Vec::new(),
        Err(Unusable::Stuck { call, .. }) => {
            let message = format!("{call} does not come back");
            return vec![Sighting::new(&rules::LIBFABRIC_PROBE_FAILED, Subject::Node, message)];
        }
        Err(Unusable::WrongLibrary { message }) => return vec![unusable(message.clone())],
        Err(Unusable::Start { code, message }) => return vec![unusable(format!("{message} ({code})"))],
    };
    if listed.code != 0 && listed.code != NO_DATA && listed.code != NO_SYSTEM {
        return vec![unusable(format!("fi_getinfo ends with {}", listed.code))];
    }
    if devices.is_empty() {
        return Vec::new();
    }
    if listed.entries.is_empty() {
        return vec![all_hidden(listed, devices.len(), others)];
    }
    devices.iter().filter_map(|device| hidden(listed, device)).collect()
}

fn unusable(message: String) -> Sighting {
    Sighting::new(&rules::LIBFABRIC_UNUSABLE, Subject::Node, message)
}

fn all_hidden(listed: &Interfaces, devices: usize, others: &[String]) -> Sighting {
    let beside = match others {
        [] => String::new(),
        others => format!("; RDMA devices beside them: {}", others.join(", ")),
    };
    let (major, minor) = listed.version;
    let message = format!("libfabric {major}.{minor} lists none of {devices} EFA devices{beside}");
    Sighting::new(&rules::EFA_ALL_HIDDEN, Subject::Node, message)
}

fn hidden(listed: &Interfaces, device: &EfaName) -> Option<Sighting> {
    let entries: Vec<_> = listed.entries.iter().filter(|entry| is(entry, device)).collect();
    let (major, minor) = listed.version;
    let sees = |rule: &'static Rule, message: String| {
        Some(Sighting::new(rule, Subject::Efa(device.clone()), message))
    };
    if entries.is_empty() {
        return sees(
            &rules::EFA_HIDDEN,
            format!("libfabric {major}.{minor} lists other EFA devices, and not this one"),
        );
    }
    if !entries.iter().any(|entry| entry.endpoint == Endpoint::Rdm) {
        return sees(&rules::EFA_NO_RDM, format!("libfabric {major}.{minor} offers no FI_EP_RDM on it"));
    }
    None
}

fn is(entry: &Interface, device: &EfaName) -> bool {
    match &entry.pci {
        Some(pci) => *pci == device.pci,
        None => device.device.as_deref() == Some(entry.device.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::fixtures::listed;

    fn device(at: u32) -> EfaName {
        EfaName {
            pci: format!("0000:{at:02x}:00.0"),
            device: Some(format!("rdmap{at}s0")),
            ..EfaName::default()
        }
    }

    fn entry(at: u32, endpoint: Endpoint) -> Interface {
        let pci = at.is_multiple_of(2).then(|| format!("0000:{at:02x}:00.0"));
        Interface { pci, ..listed(&format!("rdmap{at}s0"), endpoint) }
    }

    fn signs(entries: Vec<Interface>, code: i32, devices: u32) -> Vec<(&'static str, String)> {
        let listed = Interfaces { version: (1, 22), entries, code, ..Interfaces::default() };
        let devices: Vec<_> = (0..devices).map(device).collect();
        let signs = judge(&Ok(listed), &devices, &["ibp199s0".into()]);
        signs.into_iter().map(|s| (s.rule.code, s.subject.id().to_owned())).collect()
    }

    #[test]
    fn what_is_not_listed_is_hidden() {
        let all = |at| [entry(at, Endpoint::Rdm), entry(at, Endpoint::Dgram)];
        assert!(signs((0..4).flat_map(all).collect(), 0, 4).is_empty());
        assert!(signs(Vec::new(), NO_DATA, 0).is_empty(), "a machine without EFA");
        assert_eq!(
            signs([0, 1, 3].into_iter().flat_map(all).collect(), 0, 4),
            [("EfaHidden", "0000:02:00.0".into())]
        );
        assert_eq!(signs(vec![entry(0, Endpoint::Dgram)], 0, 1), [("EfaNoRdm", "0000:00:00.0".into())]);
        assert_eq!(signs(Vec::new(), NO_DATA, 4), [("EfaAllHidden", String::new())]);
        assert_eq!(signs(Vec::new(), -12, 4), [("LibfabricUnusable", String::new())]);
    }

    #[test]
    fn a_host_without_libfabric_is_no_fault() {
        let absent = Err(Unusable::NotInstalled { message: "no such file".into() });
        assert!(judge(&absent, &[device(0)], &[]).is_empty());
    }
}
