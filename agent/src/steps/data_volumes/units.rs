//! systemd mount units: the volume by its UUID, the folders as bind mounts onto it.

use std::fmt::Write as _;
use std::path::Path;

use gpunode_host::Root;
use uuid::Uuid;

use super::folders::Folder;
use crate::os::{Cmd, FileSpec, Os};
use crate::step::Failure;

const FOLDER: &str = "/etc/systemd/system";
const TARGET: &str = "local-fs.target";

/// One mount unit.
pub(super) struct Unit {
    /// `mnt-data.mount`
    pub(super) name: String,
    pub(super) file: FileSpec,
}

/// The volume first, then the folders.
pub(super) fn all(mount_path: &Path, filesystem: Uuid, folders: &[Folder]) -> Vec<Unit> {
    let volume = volume(mount_path, filesystem);
    let binds: Vec<_> = folders.iter().map(|folder| bind(folder, &volume.name)).collect();
    std::iter::once(volume).chain(binds).collect()
}

pub(super) fn files(units: &[Unit]) -> Vec<FileSpec> {
    units.iter().map(|unit| unit.file.clone()).collect()
}

fn volume(mount_path: &Path, filesystem: Uuid) -> Unit {
    // After a stop and start the instance store is blank and the UUID gone, and the boot waits for it in vain before
    // the agent can make the volume anew: systemd's own 90 s are longer than any array takes to appear.
    let text = format!(
        "# Written by gpunode-agent.\n[Unit]\nDescription=Data volume\nJobTimeoutSec=45\n\n\
         [Mount]\nWhat=/dev/disk/by-uuid/{filesystem}\nWhere={}\nType=xfs\nOptions=noatime\n\n\
         [Install]\nWantedBy={TARGET}\n",
        mount_path.display()
    );
    unit(&mount_path.to_string_lossy(), text)
}

fn bind(folder: &Folder, volume: &str) -> Unit {
    let Folder { path, source, .. } = folder;
    // systemd makes the source of a bind mount when it is not there (systemd.mount(5)): after a power cut in the middle
    // of the copy, an empty folder would hide what is in the one on the root disk. The source has its name only when
    // it is whole.
    let text = format!(
        "# Written by gpunode-agent.\n[Unit]\nDescription={path} on the data volume\nRequires={volume}\nAfter={volume}\n\
         ConditionPathIsDirectory={source}\nBefore=containerd.service kubelet.service soci-snapshotter.service\n\n\
         [Mount]\nWhat={source}\nWhere={path}\nType=none\nOptions=bind\n\n[Install]\nWantedBy={TARGET}\n"
    );
    unit(path, text)
}

fn unit(place: &str, text: String) -> Unit {
    let name = format!("{}.mount", escape(place));
    Unit { file: FileSpec::new(format!("{FOLDER}/{name}"), text), name }
}

/// A path as part of a unit's name. Source: systemd.unit(5), "String Escaping for Inclusion in Unit Names".
fn escape(path: &str) -> String {
    let mut name = String::new();
    for (at, byte) in path.trim_matches('/').bytes().enumerate() {
        match byte {
            b'/' => name.push('-'),
            b'.' if at == 0 => name.push_str("\\x2e"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b':' | b'_' | b'.' => name.push(char::from(byte)),
            other => {
                let _ = write!(name, "\\x{other:02x}");
            }
        }
    }
    if name.is_empty() { "-".to_owned() } else { name }
}

impl Unit {
    pub(super) fn is_enabled(&self, root: &Root) -> bool {
        root.exists(format!("{FOLDER}/{TARGET}.wants/{}", self.name))
    }
}

/// Writes and enables the units; systemd learns of them.
pub(super) fn install(os: &Os, units: &[Unit]) -> Result<(), Failure> {
    let mut changed = false;
    for unit in units {
        changed |= os.write(&unit.file)?;
    }
    let disabled: Vec<_> =
        units.iter().filter(|u| !u.is_enabled(os.root())).map(|u| u.name.clone()).collect();
    // To enable reads the units again as well (systemctl(1)), and that is the slowest thing systemd does.
    if !disabled.is_empty() {
        os.run(&Cmd::new("systemctl").arg("enable").args(disabled))?;
    } else if changed {
        os.run(&Cmd::new("systemctl").arg("daemon-reload"))?;
    }
    Ok(())
}

pub(super) fn start(os: &Os, units: &[Unit]) -> Result<(), Failure> {
    os.run(&Cmd::new("systemctl").arg("start").args(units.iter().map(|unit| unit.name.clone())))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_as_systemd_does() {
        assert_eq!(escape("/mnt/k8s-disks/0"), r"mnt-k8s\x2ddisks-0");
        assert_eq!(escape("/var/lib/soci-snapshotter-grpc"), r"var-lib-soci\x2dsnapshotter\x2dgrpc");
        assert_eq!(escape("/.hidden/é"), r"\x2ehidden-\xc3\xa9");
        assert_eq!(escape("/"), "-");
    }
}
