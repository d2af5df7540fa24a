//! What is kept over a restart of the program, in a file that is gone after a reboot, as it should be: nothing of an
//! earlier boot is true in this one.

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gpunode_host::health::{Health, Now, Saved, Setup};
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use crate::clock::Wall;
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
    /// Absent in a file of version 0.1.0.
    #[serde(default)]
    wall: Option<Wall>,
    health: Saved,
    #[serde(default)]
    mounts: Option<Saved>,
    decided: D,
    published: P,
    events: E,
}

/// What an earlier run of this boot knew.
#[derive(Debug)]
pub struct Kept {
    /// Findings.
    pub health: Saved,
    /// Those about mounts.
    pub mounts: Option<Saved>,
    /// What the cluster should have seen.
    pub decided: Desired,
    /// What it had of ours.
    pub published: Published,
    /// Events.
    pub events: EventBook,
    /// The time that all of this was noted by; nothing where it is not known.
    pub wall: Option<Wall>,
}

impl Kept {
    /// Calls every moment as the clock calls it now.
    fn by_the_clock_of(mut self, now: Now) -> Self {
        if let Some(by) = self.wall.as_mut().and_then(|wall| wall.set_by(now)) {
            self.decided.clock_set(by);
            self.events.clock_set(by);
        }
        self
    }
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
    pub fn load(&self, now: Now) -> Option<Kept> {
        match read(&self.path()) {
            Ok(bytes) => self.parse(&bytes, now),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!("cannot read {}: {error}", self.path().display());
                None
            }
        }
    }

    fn parse(&self, bytes: &[u8], now: Now) -> Option<Kept> {
        let document: Document<Desired, Published, EventBook> = serde_json::from_slice(bytes)
            .inspect_err(|error| tracing::warn!("{}: {error}", self.path().display()))
            .ok()?;
        if document.schema != SCHEMA || document.boot_id != self.boot_id {
            return None;
        }
        let Document { health, mounts, decided, published, events, wall, .. } = document;
        Some(Kept { health, mounts, decided, published, events, wall }.by_the_clock_of(now))
    }

    /// Keeps it: the old file is there until the new one is whole.
    pub fn save(
        &self,
        (health, mounts): (Saved, Saved),
        decided: &Desired,
        published: &Published,
        events: &EventBook,
        wall: Wall,
    ) -> io::Result<()> {
        let document = Document {
            schema: SCHEMA.to_owned(),
            boot_id: self.boot_id.clone(),
            wall: Some(wall),
            health,
            mounts: Some(mounts),
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

/// Entry for fuzzers: `bytes` as the file of the boot `fuzz`.
///
/// # Panics
/// Findings that were kept cannot be gone on with; no bytes may bring it about.
pub fn fuzz(bytes: &[u8]) {
    let now = Now { boot: Duration::from_secs(100), unix_ms: 1_700_000_000_000 };
    let Some(kept) = Place::new(PathBuf::new(), "fuzz".to_owned()).parse(bytes, now) else { return };
    for saved in [Some(kept.health), kept.mounts].into_iter().flatten() {
        let mut health = Health::restore(Setup::default(), saved, "fuzz");
        let count = health.findings().len();
        health.tick(now);
        assert!(health.findings().len() <= count, "time alone makes no finding");
        health.take_changes();
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
