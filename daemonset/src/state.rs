//! What is kept over a restart of the program, in a file that is gone after a reboot, as it should be: nothing of an
//! earlier boot is true in this one.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use gpunode_host::health::Saved;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use crate::event_book::EventBook;
use crate::publisher::Published;
use crate::reporter::Desired;

/// Names the form of the file.
const SCHEMA: &str = "gpunode.io/daemonset-state/v1";
const FILE: &str = "daemonset.json";
const LOCK: &str = "daemonset.lock";
/// Of 256 events and as many findings, each a KiB or two.
const MOST: u64 = 4 << 20;

/// All that is kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<D, P, E> {
    schema: String,
    boot_id: String,
    health: Saved,
    decided: D,
    published: P,
    events: E,
}

/// What an earlier run of this boot knew.
#[derive(Debug)]
pub struct Kept {
    /// Findings.
    pub health: Saved,
    /// What the cluster should have seen.
    pub decided: Desired,
    /// What it had of ours.
    pub published: Published,
    /// Events.
    pub events: EventBook,
}

/// Where it is kept. One program at a time: see [`Place::lock`].
#[derive(Clone, Debug)]
pub struct Place {
    folder: PathBuf,
    boot_id: String,
}

/// Held as long as the program publishes; the kernel lets go of it whichever way the program ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, not looked at")] Flock<File>);

impl Place {
    /// A folder, and the boot that counts.
    pub fn new(folder: PathBuf, boot_id: String) -> Self {
        Self { folder, boot_id }
    }

    /// Takes the lock; `None` while another one has it. Two pods of one node, as when a new version takes over from the
    /// old one, would each take back what the other has applied: the later one waits until the earlier one has ended,
    /// and then goes on from its state.
    pub fn lock(&self) -> io::Result<Option<Lock>> {
        fs::create_dir_all(&self.folder)?;
        let path = self.folder.join(LOCK);
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Some(Lock(lock))),
            Err((_, nix::Error::EWOULDBLOCK)) => Ok(None),
            Err((_, error)) => Err(error.into()),
        }
    }

    /// What was kept, as far as it is of this boot. A file that cannot be read is as none: what matters is found again.
    pub fn load(&self) -> Option<Kept> {
        let document: Document<Desired, Published, EventBook> = match read(&self.path()) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .inspect_err(|error| tracing::warn!("{}: {error}", self.path().display()))
                .ok()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!("cannot read {}: {error}", self.path().display());
                return None;
            }
        };
        if document.schema != SCHEMA || document.boot_id != self.boot_id {
            return None;
        }
        let Document { health, decided, published, events, .. } = document;
        Some(Kept { health, decided, published, events })
    }

    /// Keeps it: the old file is there until the new one is whole.
    pub fn save(
        &self,
        health: Saved,
        decided: &Desired,
        published: &Published,
        events: &EventBook,
    ) -> io::Result<()> {
        let document = Document {
            schema: SCHEMA.to_owned(),
            boot_id: self.boot_id.clone(),
            health,
            decided,
            published,
            events,
        };
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::Builder::new().prefix(".daemonset").tempfile_in(&self.folder)?;
        file.write_all(&serde_json::to_vec(&document)?)?;
        file.persist(self.path())?;
        Ok(())
    }

    /// Forgets it.
    pub fn forget(&self) -> io::Result<()> {
        match fs::remove_file(self.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The file, for messages.
    pub fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpunode_host::health::{Health, Setup};

    fn place(folder: &tempfile::TempDir, boot: &str) -> Place {
        Place::new(folder.path().join("gpunode"), boot.to_owned())
    }

    fn save(place: &Place) {
        let health = Health::new(Setup::default()).save("boot-1");
        let published: Published = serde_json::from_str(r#"{"uid":"u"}"#).unwrap();
        place.save(health, &Desired::default(), &published, &EventBook::default()).unwrap();
    }

    #[test]
    fn what_was_kept_counts_in_the_same_boot_alone() {
        let folder = tempfile::tempdir().unwrap();
        save(&place(&folder, "boot-1"));
        let kept = place(&folder, "boot-1").load().unwrap();
        assert_eq!(kept.published.uid.as_deref(), Some("u"));
        assert!(place(&folder, "boot-2").load().is_none());
    }

    #[test]
    fn garbage_is_as_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(&folder, "boot-1");
        assert!(place.load().is_none());
        save(&place);
        for text in ["", "{", "{}", "\u{0}"] {
            fs::write(place.path(), text).unwrap();
            assert!(place.load().is_none(), "{text}");
        }
        place.forget().unwrap();
        place.forget().unwrap();
    }

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(&folder, "boot-1");
        let first = place.lock().unwrap();
        assert!(first.is_some() && place.lock().unwrap().is_none());
        drop(first);
        assert!(place.lock().unwrap().is_some());
    }
}
