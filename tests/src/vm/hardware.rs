//! Cards that QEMU does not have: what their drivers would show, in the guest's own `/sys`, `/proc` and `/dev`.
//!
//! The files are made on this machine by `gpunode-tree`. The guest has a copy of them in its memory, so that to look at
//! them costs what sysfs costs, and `guest/hardware.sh` lays it over what its kernel shows.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use gpunode_host::catalog;
use gpunode_tree::{MachineTree, Options};

use super::error::at;
use super::machine::SMALL;
use super::programs::{finish, program};
use super::{Builder, Error, Vm};
use crate::tree::Tree;

/// The cards of one virtual machine.
pub(super) struct Hardware {
    tree: MachineTree,
    /// As the guest has it.
    sent: Mutex<Tree>,
}

impl Hardware {
    pub(super) fn build(folder: &Path, kind: &str, options: Options) -> Result<Self, Error> {
        let unknown = || Error::Description(format!("the instance type {kind} is not in the catalogue"));
        let kind = catalog::find(kind).ok_or_else(unknown)?;
        let tree = MachineTree::build(folder, kind, options).map_err(at(folder))?;
        let sent = Mutex::new(Tree::with_records(folder));
        Ok(Self { tree, sent })
    }

    /// All of it.
    pub(super) fn whole(&self) -> Result<Vec<u8>, Error> {
        archive(self.tree.path())
    }

    /// What is new or different since the guest was told last, as an archive, and the names of what is gone, a line each.
    fn changes(&self) -> Result<(Vec<u8>, String), Error> {
        let folder = self.tree.path();
        let (mut sent, now) =
            (self.sent.lock().unwrap_or_else(PoisonError::into_inner), Tree::with_records(folder));
        let lines =
            |names: Vec<&String>| names.into_iter().flat_map(|name| ["./", name, "\n"]).collect::<String>();
        let different = now.0.iter().filter(|(name, entry)| sent.0.get(*name) != Some(entry));
        let list = folder.with_extension("changed");
        std::fs::write(&list, lines(different.map(|(name, _)| name).collect())).map_err(at(&list))?;
        let gone = lines(sent.0.keys().filter(|name| !now.0.contains_key(*name)).collect());
        let mut tar = tar(folder);
        tar.arg("--no-recursion").arg("--files-from").arg(&list);
        let archive = finish(tar)?;
        *sent = now;
        Ok((archive, gone))
    }
}

impl Builder {
    /// Whether the guest prepares cards, files of an image or a network before its system starts.
    pub(super) fn is_played(&self) -> bool {
        self.hardware.is_some() || self.image.is_some() || self.network.is_some()
    }
}

impl Vm {
    /// This machine's loopback address, as a guest with a network card knows it. Source: QEMU, "Network emulation", user
    /// mode.
    pub const HOST: &str = "10.0.2.2";
    /// The guest's own address in that network.
    pub const ADDRESS: &str = "10.0.2.15";

    /// Its cards, to change them; the guest sees nothing of that before [`Self::replug`].
    ///
    /// # Panics
    /// When the machine was described without hardware.
    #[expect(clippy::expect_used, reason = "a test that asks for what it has not described has failed")]
    pub fn hardware(&self) -> &MachineTree {
        &self.files.hardware.as_ref().expect("the machine has hardware").tree
    }

    /// Whether `guest/hardware.sh` has come to its end; an error with what it said, where it has not.
    pub(super) fn is_dressed(&self) -> Result<(), Error> {
        if !self.about.is_played() {
            return Ok(());
        }
        let command = "systemctl is-active --quiet bed-hardware || { journalctl --no-pager --unit bed-hardware >&2; exit 1; }";
        self.run(command, SMALL)?.ok().map(drop)
    }

    /// The cards in the guest become those of [`Self::hardware`] as they are now.
    pub fn replug(&self) -> Result<(), Error> {
        let Some(hardware) = &self.files.hardware else { return Ok(()) };
        let (archive, gone) = hardware.changes()?;
        let (archive, gone) = (self.files.stage(&archive)?, self.files.stage(gone.as_bytes())?);
        let command = format!(
            "cd /run/bed-hardware && xargs --no-run-if-empty --delimiter='\\n' --arg-file='{}' rm -rf && \
             tar --extract --overwrite --file='{}'",
            gone.display(),
            archive.display()
        );
        self.run(&command, SMALL)?.ok().map(drop)
    }
}

/// An archive of all that is below `folder`.
pub(super) fn archive(folder: &Path) -> Result<Vec<u8>, Error> {
    let mut tar = tar(folder);
    tar.arg(".");
    finish(tar)
}

fn tar(folder: &Path) -> std::process::Command {
    let mut tar = program("tar");
    tar.args(["--create", "--owner=0", "--group=0", "--directory"]).arg(folder);
    tar
}
