//! One run at a time, by a lock that the kernel lets go of when the process ends, however it ends.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};

use gpunode_host::Root;
use nix::fcntl::{Flock, FlockArg};

/// On a tmpfs, so that a read-only root does not keep the agent from telling what is wrong.
const PATH: &str = "/run/gpunode/lock";

/// Held for as long as the run lasts.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "the lock is held by being alive")] Flock<File>);

/// Why the lock was not had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    #[error("another gpunode-agent is at work (process {pid}); wait for it, or end it")]
    Held { pid: String },
    #[error("cannot make the lock file {PATH}{}", if nix::unistd::geteuid().is_root() { "" } else { "; run as root" })]
    Io(#[source] io::Error),
}

impl Lock {
    /// For who changes nothing: where no run has made the lock yet, none is at work, and none is made.
    pub(crate) fn take_if_any(root: &Root) -> Result<Option<Self>, LockError> {
        if root.exists(PATH) { Self::take(root).map(Some) } else { Ok(None) }
    }

    /// Takes the lock, or says who has it. Never waits.
    pub(crate) fn take(root: &Root) -> Result<Self, LockError> {
        let path = root.at(PATH);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(LockError::Io)?;
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(LockError::Io)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(mut file) => {
                // The number is for people only; the lock itself is what counts.
                let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
                Ok(Self(file))
            }
            Err((mut file, nix::errno::Errno::EWOULDBLOCK)) => {
                let mut pid = String::new();
                let _ = file.rewind().and_then(|()| file.take(20).read_to_string(&mut pid).map(drop));
                Err(LockError::Held { pid: pid.trim().to_owned() })
            }
            Err((_, error)) => Err(LockError::Io(error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_is_first_and_gets_it_after() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(dir.path());
        let first = Lock::take(&root).unwrap();
        let error = Lock::take(&root).unwrap_err();
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        Lock::take(&root).unwrap();
    }
}
