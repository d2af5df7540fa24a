//! A disk image in a temporary folder, and the tools of others that make it and look at it.
//!
//! The images are sparse, so their size costs nothing. Needs the packages in `tests/prerequisites.debian`.

// Tests may start programs: the door for that is the agent's, which this crate cannot see.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use gpunode_host::disk::{Probe, probe};

/// An image, gone with its folder at the end of the test.
pub(crate) struct Image {
    dir: tempfile::TempDir,
    path: PathBuf,
}

impl Image {
    /// A blank one of `mib` MiB.
    pub(crate) fn new(mib: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk.img");
        File::create(&path).unwrap().set_len(mib << 20).unwrap();
        Self { dir, path }
    }

    /// Runs a shell command in which `$IMG` is the image and `$DIR` a folder for other things.
    pub(crate) fn make(&self, script: &str) {
        let output = shell(script, &self.path, self.dir.path());
        assert!(output.status.success(), "{script}\n{}{}", text(&output.stdout), text(&output.stderr));
    }

    pub(crate) fn write(&self, offset: u64, bytes: &[u8]) {
        OpenOptions::new().write(true).open(&self.path).unwrap().write_all_at(bytes, offset).unwrap();
    }

    pub(crate) fn read(&self, offset: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        File::open(&self.path).unwrap().read_exact_at(&mut bytes, offset).unwrap();
        bytes
    }

    pub(crate) fn probe(&self) -> Probe {
        probe(File::open(&self.path).unwrap(), "AWS22C40A7D1").unwrap()
    }

    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.probe().signatures.iter().map(|signature| signature.name.to_owned()).collect()
    }

    /// The standard output of a tool that is given the image last, whatever its exit status.
    pub(crate) fn ask(&self, tool: &str) -> String {
        text(&shell(&format!("{tool} \"$IMG\""), &self.path, self.dir.path()).stdout)
    }

    /// What blkid and wipefs call what they see.
    pub(crate) fn seen_by_libblkid(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for line in self.ask("blkid -p -o udev").lines() {
            match line.split_once('=') {
                Some(("ID_FS_TYPE" | "ID_PART_TABLE_TYPE", name)) => {
                    names.insert(name.to_owned());
                }
                // `filesystem:ext4:1.0 raid:linux_raid_member:`, with blanks escaped for udev.
                Some(("ID_FS_AMBIVALENT", list)) => {
                    let list = list.replace("\\x20", " ");
                    names.extend(list.split(' ').filter_map(|one| Some(one.split(':').nth(1)?.to_owned())));
                }
                _ => {}
            }
        }
        let report = self.ask("wipefs -n -J");
        if !report.trim().is_empty() {
            let report: serde_json::Value = serde_json::from_str(&report).unwrap();
            let signatures = report["signatures"].as_array().unwrap();
            names.extend(signatures.iter().map(|one| one["type"].as_str().unwrap().to_owned()));
        }
        names
    }
}

fn shell(script: &str, image: &Path, dir: &Path) -> Output {
    let tool = script.split_whitespace().next().unwrap();
    require(tool);
    Command::new("sh")
        .args(["-ec", script])
        .env("IMG", image)
        .env("DIR", dir)
        .env("PATH", PATH)
        .current_dir(dir)
        .output()
        .unwrap()
}

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Fails with the command that installs what is missing.
fn require(tool: &str) {
    let found = PATH.split(':').any(|folder| Path::new(folder).join(tool).exists());
    assert!(found, "{tool} is not installed; run: {INSTALL}");
}

const INSTALL: &str = "apt-get install -y $(sed 's/ *#.*//' tests/prerequisites.debian)";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
