//! What the agent has mounted, and whether it still is: its mount units beside the table of mounts. Nothing is opened or
//! written, so a disk that hangs holds nobody up. That a file system has shut itself down is in no table; the kernel log
//! says it.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use gpunode_host::Root;
use gpunode_host::bounded::Guarded;
use gpunode_host::disk::mount;
use gpunode_host::health::{Change, Engine, Now, Present, Saved, Sighting, Source, Subject, rules};

const UNITS: &str = "/etc/systemd/system";
/// The first line of a unit that the agent has written.
const OURS: &str = "# Written by gpunode-agent.";
/// An engine of its own has one source, and what that is called matters to nobody.
const SOURCE: Source = Source::Versions;

/// The findings of it.
#[derive(Debug)]
pub(crate) struct Mounts {
    engine: Engine,
    table: Guarded<Option<Vec<Sighting>>>,
}

impl Mounts {
    /// With the findings of an earlier run of this boot.
    pub(crate) fn resume(saved: Option<Saved>, boot_id: &str) -> Self {
        let engine = saved.map_or_else(Engine::default, |saved| Engine::restore(saved, boot_id));
        Self { engine, table: Guarded::default() }
    }

    /// For who looks once.
    pub(crate) fn at_once() -> Self {
        Self { engine: Engine::at_once(), table: Guarded::default() }
    }

    /// Looks; `ended` says that the agent has reported of this boot. Before that it may still be making the volume.
    pub(crate) fn look(&mut self, now: Now, root: &Root, ended: bool) {
        if !ended {
            return;
        }
        let root = root.clone();
        match self.table.ask(mount::PATIENCE, move || sightings(&root)).flatten() {
            Some(found) => self.engine.look(now, &SOURCE, found),
            None => self.engine.silent(&SOURCE),
        }
    }

    pub(crate) fn findings(&self) -> Vec<Present> {
        self.engine.findings()
    }

    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        self.engine.take_changes()
    }

    pub(crate) fn save(&self, boot_id: &str) -> Saved {
        self.engine.save(boot_id)
    }
}

/// What is wrong now; `None` where there is no table to look at.
fn sightings(root: &Root) -> Option<Vec<Sighting>> {
    let mounts = mount::table(root).ok()?;
    let judge = |place: PathBuf| {
        // The last mount on a place is the one that is seen.
        let mount = mounts.iter().rev().find(|mount| mount.point == place);
        let (rule, message) = match mount {
            None => (&rules::DATA_VOLUME_NOT_MOUNTED, "it is not mounted"),
            Some(mount) if mount.read_only => (&rules::DATA_VOLUME_READ_ONLY, "it can only be read"),
            Some(_) => return None,
        };
        let subject = Subject::Disk { name: place.display().to_string() };
        Some(Sighting::new(rule, subject, message))
    };
    Some(places(root).into_iter().filter_map(judge).collect())
}

/// Where the agent's units mount something.
fn places(root: &Root) -> Vec<PathBuf> {
    let is_mount = |name: &String| Path::new(name).extension().is_some_and(|kind| kind == "mount");
    let units = root.list(UNITS).into_iter().filter(is_mount);
    let texts = units.filter_map(|name| root.read_text(Path::new(UNITS).join(name)).ok().flatten());
    let ours = texts.filter(|text| text.starts_with(OURS));
    let place = |text: String| text.lines().find_map(|line| line.strip_prefix("Where=")).map(PathBuf::from);
    ours.filter_map(place).collect()
}
