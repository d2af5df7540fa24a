//! The probe's bytes where the kernel can run them: in memory, else in a file that has no name any more.
#![allow(unsafe_code, reason = "memfd_create with a flag that no safe interface here has")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use flate2::read::ZlibDecoder;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};

use crate::outcome::StartError;
use crate::settings::{Program, Settings};

/// The probe, built for this processor and packed (see `build.rs`). It is unpacked into the file that is run, so it is
/// never twice in memory.
static CARRIED: &[u8] = include_bytes!(env!("GPUNODE_PROBE_FILE"));

/// `MFD_EXEC` of `<linux/memfd.h>`: Linux 6.3 and later want to be told, older ones refuse it with `EINVAL`.
const MFD_EXEC: libc::c_uint = 0x10;

/// Where the running probe's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In memory, sealed.
    Memory,
    /// In a file of this folder, without a name, since memory is not to be run from.
    Folder(PathBuf),
    /// In the file that the settings name.
    Given(PathBuf),
}

/// A program to run by its descriptor.
#[derive(Debug)]
pub(crate) struct Image {
    file: File,
    pub(crate) origin: Origin,
}

impl Image {
    pub(crate) fn new(settings: &Settings) -> Result<Self, StartError> {
        match &settings.program {
            Program::File(path) => {
                let file =
                    File::open(path).map_err(|source| StartError::Open { path: path.clone(), source })?;
                Ok(Self { file, origin: Origin::Given(path.clone()) })
            }
            Program::Carried => match in_memory(&mut carried()) {
                Ok(file) => Ok(Self { file, origin: Origin::Memory }),
                Err(memory) => Self::in_folder(&settings.folder).map_err(|source| StartError::Image {
                    memory,
                    folder: settings.folder.clone(),
                    source,
                }),
            },
        }
    }

    /// For a kernel that keeps bytes in memory but does not run them from there.
    pub(crate) fn in_folder(folder: &Path) -> io::Result<Self> {
        let file = in_file(folder, &mut carried())?;
        Ok(Self { file, origin: Origin::Folder(folder.to_owned()) })
    }
}

impl AsFd for Image {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn carried() -> impl Read {
    ZlibDecoder::new(CARRIED)
}

fn in_memory(bytes: &mut impl Read) -> io::Result<File> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    let mut file = match memory_file(flags | MFD_EXEC) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => memory_file(flags)?,
        other => other?,
    };
    io::copy(bytes, &mut file)?;
    // Nobody who finds it under /proc can change what the next start runs.
    let seals =
        SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    Ok(file)
}

fn memory_file(flags: libc::c_uint) -> io::Result<File> {
    // SAFETY: the name ends with a zero; the result is a new descriptor of nobody else's, or -1.
    let descriptor = Errno::result(unsafe { libc::memfd_create(c"gpunode-probe".as_ptr(), flags) })?;
    // SAFETY: just opened.
    Ok(unsafe { File::from_raw_fd(descriptor) })
}

/// Writes the bytes, opens them for reading, and takes the name away: nothing is left behind however we end.
fn in_file(folder: &Path, bytes: &mut impl Read) -> io::Result<File> {
    let path = folder.join(format!(".gpunode-probe-{}-{:x}", std::process::id(), crate::settings::chance()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o500).open(&path)?;
        io::copy(bytes, &mut file)?;
        file.set_permissions(fs::Permissions::from_mode(0o500))?;
        drop(file);
        File::open(&path)
    })();
    let removed = fs::remove_file(&path);
    let file = written?;
    removed?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek as _, Write as _};

    #[test]
    fn what_is_in_memory_cannot_be_changed() {
        let mut file = in_memory(&mut &b"bytes"[..]).unwrap();
        file.write_all(b"x").unwrap_err();
        file.set_len(0).unwrap_err();
        file.rewind().unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "bytes");
    }

    #[test]
    fn a_file_is_readable_and_leaves_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = in_file(folder.path(), &mut &b"bytes"[..]).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), fs::read_dir(folder.path()).unwrap().count()), ("bytes", 0));
    }

    #[test]
    fn a_missing_file_or_folder_is_named() {
        let settings = Settings { program: Program::File("/nowhere/probe".into()), ..Settings::default() };
        assert_eq!(Image::new(&settings).unwrap_err().to_string(), "/nowhere/probe");
        assert_eq!(Image::in_folder(Path::new("/nowhere")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
