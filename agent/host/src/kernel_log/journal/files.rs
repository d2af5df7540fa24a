//! Which files journald has on this machine.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::JournalError;
use super::reading::Reading;
use crate::Root;

/// Where journald keeps them: over a reboot, and until one (`systemd-journald.service(8)`).
pub const FOLDERS: [&str; 2] = ["/var/log/journal", "/run/log/journal"];
const MACHINE_ID: &str = "/etc/machine-id";
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// Whatever comes from the kernel is in the system's journal, never in a user's: `system.journal`, moved aside
/// `system@….journal`, and, after journald did not end well, `….journal~`.
const BEGIN: &str = "system";
const LIVE: &str = "system.journal";
const ENDS: [&str; 2] = [".journal", ".journal~"];
/// journald keeps a hundred by default (`SystemMaxFiles=`).
const MOST: usize = 1024;

/// Where to look, and for what.
#[derive(Clone, Debug)]
pub(super) struct Place {
    root: Root,
    folders: [PathBuf; 2],
    boot_id: u128,
}

impl Place {
    pub(super) fn of(root: &Root) -> Result<Self, JournalError> {
        let id = |path: &'static str| {
            let text = root.value(path).unwrap_or_default().replace('-', "");
            let parsed = u128::from_str_radix(&text, 16).ok().filter(|_| text.len() == 32);
            parsed.map(|id| (id, text)).ok_or(JournalError::Nameless(path))
        };
        let ((_, machine), (boot_id, _)) = (id(MACHINE_ID)?, id(BOOT_ID)?);
        let folders = FOLDERS.map(|folder| Path::new(folder).join(&machine));
        Ok(Self { root: root.clone(), folders, boot_id })
    }

    /// Those that have, or may have, entries of this boot, oldest first; at least one. One that cannot be read is an error
    /// only where there is no other.
    pub(super) fn candidates(&self) -> Result<Vec<Reading>, JournalError> {
        let (mut found, mut trouble): (Vec<Reading>, _) = (Vec::new(), None);
        for folder in &self.folders {
            let names = match self.root.names(folder) {
                Ok(names) => names.unwrap_or_default(),
                Err(error) => {
                    trouble = Some(JournalError::Read { path: error.path, source: error.source });
                    continue;
                }
            };
            for name in names.into_iter().filter(|name| is_systems(name)).take(MOST) {
                match self.open(folder.join(name)) {
                    Ok(Some(reading)) => {
                        let older = |it: &Reading| it.header.tail_monotonic <= reading.header.tail_monotonic;
                        let at = found.partition_point(older);
                        found.insert(at, reading);
                    }
                    Ok(None) => {}
                    Err(error) => trouble = Some(error),
                }
            }
        }
        match trouble {
            Some(error) if found.is_empty() => Err(error),
            None if found.is_empty() => Err(JournalError::Absent),
            _ => Ok(found),
        }
    }

    fn open(&self, path: PathBuf) -> Result<Option<Reading>, JournalError> {
        let file = match self.root.open(&path) {
            Ok(file) => file,
            // It was moved aside just now, under a name that comes with the next look.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(JournalError::Read { path, source }),
        };
        let reading = Reading::open(path, file, self.boot_id)?;
        Ok((reading.header.boot_id == self.boot_id).then_some(reading))
    }

    /// Whether `reading` is the file that journald writes to.
    pub(super) fn is_live(&self, reading: &Reading) -> bool {
        if reading.path().file_name() != Some(OsStr::new(LIVE)) {
            return false;
        }
        let metadata = self.root.metadata(reading.path());
        metadata.is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == reading.inode())
    }
}

fn is_systems(name: &str) -> bool {
    name.starts_with(BEGIN) && ENDS.iter().any(|end| name.ends_with(end))
}
