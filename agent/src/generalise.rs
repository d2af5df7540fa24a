//! What must not be in an image: whatever makes two instances the same that should not be, or tells of the machine on
//! which the image was made. Packages, settings and the record of the image stay.

mod leftovers;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use gpunode_host::Root;

use crate::os::{FileSpec, Os, WriteError};
use crate::steps::systemd;

pub(crate) use leftovers::{LEFTOVERS, Leftover};

/// systemd makes a new one at a boot that finds it empty (machine-id(5)); were it absent, a read-only root would have
/// none.
const MACHINE_ID: &str = "/etc/machine-id";

/// What is there and must go.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Each with the reason.
    pub(crate) remove: Vec<(PathBuf, &'static str)>,
    pub(crate) empty_machine_id: bool,
}

/// Why this machine is not one to take an image of.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(
        "this machine has joined a cluster: {0} holds what the kubelet got from it; make the image on a fresh one"
    )]
    Joined(&'static str),
    #[error("this machine's kubelet runs; make the image on a machine that joins no cluster")]
    KubeletRuns,
    #[error(
        "`bootstrap` has made a data volume here ({0}), and folders lie on it that would be missing in the image; make \
         the image on an instance without instance-store disks, or on one where only `install` ran"
    )]
    DataVolume(&'static str),
}

/// A kubelet's own keys and certificates, and its pods.
const JOINED: [&str; 2] = ["/var/lib/kubelet/pki", "/var/lib/kubelet/pods"];
/// The record of the step `data-volumes`.
const DATA_VOLUME: &str = "/var/lib/gpunode/data-volume.json";

/// Whether an image may be taken of this machine.
pub(crate) fn refusal(os: &Os) -> Option<Refusal> {
    // What cannot be read is no reason to go on, either.
    let holds = |folder: &&str| !os.root().names_if_there(folder).is_ok_and(|names| names.is_empty());
    let joined = JOINED.into_iter().find(holds);
    if let Some(folder) = joined {
        return Some(Refusal::Joined(folder));
    }
    // A systemctl that does not answer is no reason to go on.
    let runs = systemd::running_since(os, "kubelet.service").map_or(true, |since| since.is_some());
    if runs {
        return Some(Refusal::KubeletRuns);
    }
    os.root().exists(DATA_VOLUME).then_some(Refusal::DataVolume(DATA_VOLUME))
}

impl Plan {
    pub(crate) fn new(root: &Root) -> Self {
        let mut remove = Vec::new();
        for Leftover { pattern, why } in LEFTOVERS {
            remove.extend(expand(root, pattern).into_iter().map(|path| (path, *why)));
        }
        // A link to /etc/machine-id is as it should be.
        let dbus = Path::new("/var/lib/dbus/machine-id");
        if root.at(dbus).symlink_metadata().is_ok_and(|about| about.is_file()) {
            remove.push((dbus.to_owned(), "identity of the machine"));
        }
        let empty_machine_id = root.metadata(MACHINE_ID).is_ok_and(|about| about.len() > 0);
        Self { remove, empty_machine_id }
    }

    /// What would be done, or was.
    pub(crate) fn lines(&self) -> Vec<String> {
        let empty = self.empty_machine_id.then(|| format!("empty {MACHINE_ID} (identity of the machine)"));
        let remove = self.remove.iter().map(|(path, why)| format!("remove {} ({why})", path.display()));
        empty.into_iter().chain(remove).collect()
    }

    /// Does it. One thing that cannot be removed does not keep the others.
    pub(crate) fn apply(&self, os: &Os) -> Vec<WriteError> {
        let mut errors = Vec::new();
        if self.empty_machine_id {
            let empty = FileSpec { mode: 0o444, ..FileSpec::new(MACHINE_ID, "") };
            errors.extend(os.write(&empty).err());
        }
        errors.extend(self.remove.iter().filter_map(|(path, _)| os.remove_tree(path).err()));
        errors
    }
}

/// The entries that `pattern` stands for: `*` is any text inside one name, more than one a name is not used.
fn expand(root: &Root, pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("/")];
    for name in pattern.split('/').filter(|name| !name.is_empty()) {
        found = match name.split_once('*') {
            None => found.into_iter().map(|folder| folder.join(name)).collect(),
            Some((before, after)) => {
                let fits = |entry: &String| {
                    entry.len() >= before.len() + after.len()
                        && entry.starts_with(before)
                        && entry.ends_with(after)
                };
                let entries = |folder: PathBuf| {
                    let names = root.list(&folder);
                    names.into_iter().filter(fits).map(move |entry| folder.join(entry)).collect::<Vec<_>>()
                };
                found.into_iter().flat_map(entries).collect()
            }
        };
    }
    found.retain(|path| root.exists(path));
    found
}
