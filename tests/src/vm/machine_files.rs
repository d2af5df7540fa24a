//! The files of one virtual machine on this machine: disks, the shared folder, logs.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;

use super::error::at;
use super::hardware::{Hardware, archive};
use super::image::Image;
use super::machine::in_guest;
use super::programs::{finish, program};
use super::{Builder, Error, Profile, Vm, guest_program, initramfs};

/// Bytes of the disk that holds the files behind EC2's disks: nominal, like theirs. More than a test can write.
const BACKING: u64 = 256 << 30;

/// A folder that goes away with the machine.
pub(super) struct Files {
    folder: TempDir,
    staged: AtomicU64,
    pub(super) hardware: Option<Hardware>,
}

impl Files {
    pub(super) fn make(about: &Builder, image: &Image) -> Result<Self, Error> {
        about.disks.iter().try_for_each(super::Disk::check)?;
        // /var/tmp and not /tmp, which is memory on many machines.
        let folder =
            tempfile::Builder::new().prefix("gpunode-vm-").tempdir_in("/var/tmp").map_err(at("/var/tmp"))?;
        let hardware = about.hardware.as_ref().map(|options| {
            Hardware::build(&folder.path().join("hardware"), &about.instance_type, options.clone())
        });
        let files = Self { folder, staged: AtomicU64::new(0), hardware: hardware.transpose()? };
        files.make_disks(about, image)?;
        files.make_shared(about)?;
        initramfs::write(&files.initramfs(), &image.initramfs(), about)?;
        Ok(files)
    }

    fn make_disks(&self, about: &Builder, image: &Image) -> Result<(), Error> {
        let mut command = program("qemu-img");
        command.args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"]);
        command.arg(image.root()).arg(self.root());
        finish(command)?;
        sparse(&self.backing(), BACKING)?;
        let mut command = program("mke2fs");
        // Few inodes and a small journal: it holds some ten files, and making it must take no time.
        command.args(["-q", "-F", "-t", "ext4", "-N", "256", "-J", "size=16", "-E", "nodiscard"]);
        command.arg(self.backing());
        finish(command)?;
        about
            .disks
            .iter()
            .filter(|disk| !disk.is_ec2())
            .try_for_each(|disk| sparse(&self.foreign(&disk.serial), disk.size))
    }

    fn make_shared(&self, about: &Builder) -> Result<(), Error> {
        for name in ["jobs", "files", "staged"] {
            let path = self.shared().join(name);
            std::fs::create_dir_all(&path).map_err(at(&path))?;
        }
        for (name, source) in &about.files {
            copy_program(source, &self.shared().join("files").join(name))?;
        }
        if let Some(metadata) = &about.metadata {
            let server = guest_program("gpunode-tests", "imds-server", Profile::Dev)?;
            copy_program(&server, &self.shared().join("imds-server"))?;
            let path = self.shared().join("metadata.json");
            let json = serde_json::to_vec_pretty(metadata).map_err(std::io::Error::from);
            json.and_then(|json| std::fs::write(&path, json)).map_err(at(&path))?;
        }
        self.make_played(about)?;
        self.user_data(about.user_data.as_deref())
    }

    /// What `guest/hardware.sh` finds.
    fn make_played(&self, about: &Builder) -> Result<(), Error> {
        let write = |name: &str, bytes: &[u8]| {
            let path = self.shared().join(name);
            std::fs::write(&path, bytes).map_err(at(&path))
        };
        if let Some(hardware) = &self.hardware {
            write("hardware.tar", &hardware.whole()?)?;
        }
        if let Some(image) = &about.image {
            write("image.tar", &archive(image)?)?;
        }
        about.network.as_ref().map_or(Ok(()), |_| write("network", Vm::ADDRESS.as_bytes()))
    }

    pub(super) fn user_data(&self, bytes: Option<&[u8]>) -> Result<(), Error> {
        let path = self.shared().join("user-data");
        match bytes {
            Some(bytes) => std::fs::write(&path, bytes).map_err(at(&path)),
            None if path.exists() => std::fs::remove_file(&path).map_err(at(&path)),
            None => Ok(()),
        }
    }

    /// Puts bytes where the guest can read them, and gives the guest's name for them.
    pub(super) fn stage(&self, bytes: &[u8]) -> Result<PathBuf, Error> {
        let number = self.staged.fetch_add(1, Ordering::Relaxed);
        let name = Path::new("staged").join(number.to_string());
        let path = self.shared().join(&name);
        std::fs::write(&path, bytes).map_err(at(&path))?;
        Ok(in_guest(&name))
    }

    /// Standard output and standard error of a job so far; empty before it has started.
    pub(super) fn output(&self, job: u64) -> (Vec<u8>, Vec<u8>) {
        let read = |name: &str| std::fs::read(self.job(job).join(name)).unwrap_or_default();
        (read("stdout"), read("stderr"))
    }

    pub(super) fn console(&self) -> String {
        text(&self.console_log())
    }

    pub(super) fn qemu_complaints(&self) -> String {
        text(&self.qemu_log())
    }

    pub(super) fn root(&self) -> PathBuf {
        self.path("root.qcow2")
    }

    pub(super) fn backing(&self) -> PathBuf {
        self.path("backing.img")
    }

    pub(super) fn foreign(&self, serial: &str) -> PathBuf {
        self.path(&format!("foreign-{serial}.img"))
    }

    pub(super) fn initramfs(&self) -> PathBuf {
        self.path("initramfs")
    }

    pub(super) fn shared(&self) -> PathBuf {
        self.path("shared")
    }

    pub(super) fn job(&self, id: u64) -> PathBuf {
        self.shared().join("jobs").join(id.to_string())
    }

    pub(super) fn console_log(&self) -> PathBuf {
        self.path("console.log")
    }

    pub(super) fn qemu_log(&self) -> PathBuf {
        self.path("qemu.log")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn sparse(path: &Path, size: u64) -> Result<(), Error> {
    File::create(path).and_then(|file| file.set_len(size)).map_err(at(path))
}

fn copy_program(source: &Path, target: &Path) -> Result<(), Error> {
    std::fs::copy(source, target).map_err(at(source))?;
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(target, executable).map_err(at(target))
}

/// A log's text; nothing before there is one. Control characters of terminals are left out.
fn text(log: &Path) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}
