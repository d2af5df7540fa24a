//! A file on its way: its bytes, what it is the begin of, and a lock that keeps other processes off.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};

use crate::cache::{Cache, disk, replace};
use crate::resume::Note;
use crate::{Cause, Sha256};

pub(crate) struct Partial {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    note_path: PathBuf,
    pub(crate) note: Note,
    pub(crate) bytes: u64,
    /// Whether bytes of an earlier request are among them.
    pub(crate) resumed: bool,
    _lock: File,
}

impl Partial {
    /// Opens what is on its way under `key`; `None` while another process holds it.
    pub(crate) fn open(cache: &Cache, key: Sha256) -> Result<Option<Self>, Cause> {
        let lock_path = cache.partial(key, ".lock");
        let open = |path: &PathBuf| {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            options.open(path).map_err(disk("open", path))
        };
        let lock = open(&lock_path)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(disk("lock", &lock_path)(error.into())),
        }
        let path = cache.partial(key, "");
        let file = open(&path)?;
        let note_path = cache.partial(key, ".json");
        let note: Option<Note> =
            fs::read(&note_path).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let bytes = file.metadata().map_err(disk("read", &path))?.len();
        let note = note.unwrap_or_default();
        let mut partial = Self { file, path, note_path, note, bytes, resumed: bytes > 0, _lock: lock };
        if partial.note.source.is_empty() || partial.note.total.is_some_and(|total| partial.bytes > total) {
            partial.restart()?;
        }
        Ok(Some(partial))
    }

    /// Begins anew.
    pub(crate) fn restart(&mut self) -> Result<(), Cause> {
        self.file.set_len(0).map_err(disk("empty", &self.path))?;
        (self.bytes, self.resumed, self.note) = (0, false, Note::default());
        Ok(())
    }

    /// The next bytes go to `start`, and belong to the file that `note` tells of. The note is written before them.
    pub(crate) fn go_on(&mut self, start: u64, note: Note) -> Result<(), Cause> {
        if start == 0 {
            self.restart()?;
        }
        self.resumed |= start > 0;
        if note != self.note {
            replace(&self.note_path, &note).map_err(disk("write", &self.note_path))?;
            self.note = note;
        }
        self.file.seek(SeekFrom::Start(start)).map(drop).map_err(disk("seek in", &self.path))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Cause> {
        let written = self.file.write_all(bytes);
        if let Err(error) = written {
            // How much of it arrived is not known; the file's length tells.
            self.bytes = self.file.metadata().map_or(self.bytes, |metadata| metadata.len());
            return Err(match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    self.no_space(bytes.len() as u64)
                }
                _ => disk("write", &self.path)(error),
            });
        }
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Whether `more` bytes have room, as far as the file system tells.
    pub(crate) fn room_for(&self, more: u64) -> Result<(), Cause> {
        match self.free() {
            Some(free) if free < more => Err(self.no_space(more)),
            Some(_) | None => Ok(()),
        }
    }

    fn free(&self) -> Option<u64> {
        let stat = rustix::fs::fstatvfs(&self.file).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn no_space(&self, more: u64) -> Cause {
        let needed = self.note.total.map_or(more, |total| total.saturating_sub(self.bytes));
        let folder = self.path.parent().unwrap_or(&self.path).to_owned();
        Cause::NoSpace { path: folder, needed: needed.max(more), free: self.free().unwrap_or(0) }
    }

    /// Away with it: what was wrong, and what fills the disk.
    pub(crate) fn discard(&mut self) {
        let _ = self.restart();
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(&self.note_path);
    }

    pub(crate) fn checksum(&mut self) -> Result<Sha256, Cause> {
        self.file.rewind().and_then(|()| Sha256::read(&mut self.file)).map_err(disk("read", &self.path))
    }

    /// It became an entry of the cache.
    pub(crate) fn published(&self) {
        let _ = fs::remove_file(&self.note_path);
    }
}
