//! Journal files made by systemd's own writer, from entries in its export format
//! (<https://systemd.io/JOURNAL_EXPORT_FORMATS/>).
#![expect(clippy::disallowed_methods, reason = "a test's programs are not the product's")]
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test whose files cannot be made has failed")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use nix::time::{ClockId, clock_gettime};

const WRITER: &str = "/lib/systemd/systemd-journal-remote";
const MACHINE_ID: &str = "0123456789abcdef0123456789abcdef";
const BOOT_ID: &str = "proc/sys/kernel/random/boot_id";

/// Gives the machine below `root` an id, and the boot that this machine is in: the writer marks files with it.
///
/// # Panics
/// When a file cannot be written.
pub fn name(root: &Path) {
    for (path, text) in [("etc/machine-id", format!("{MACHINE_ID}\n")), (BOOT_ID, boot_id())] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// The path of `file` in the journal that is kept over a reboot, or until one, of the machine below `root`.
///
/// # Panics
/// When its folder cannot be made.
pub fn path(root: &Path, kept: bool, file: &str) -> PathBuf {
    let folder = if kept { "var/log/journal" } else { "run/log/journal" };
    let folder = root.join(folder).join(MACHINE_ID);
    fs::create_dir_all(&folder).unwrap();
    folder.join(file)
}

/// This boot, as the kernel writes it.
///
/// # Panics
/// When the kernel does not tell.
pub fn boot_id() -> String {
    fs::read_to_string(Path::new("/").join(BOOT_ID)).unwrap().trim().to_owned()
}

/// Writes a journal file as long as it runs.
#[derive(Debug)]
pub struct Writer(Child, Option<ChildStdin>);

impl Writer {
    /// Writes to `file`, which is made if need be, with these variables.
    ///
    /// # Panics
    /// When systemd's writer is not there.
    pub fn start(file: &Path, variables: &[(&str, &str)]) -> Self {
        // It ends with the test.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", WRITER, "--split-mode=none", "-o"]).arg(file).arg("-");
        command.envs(variables.iter().copied()).stdin(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("setpriv: {error}"));
        assert!(Path::new(WRITER).exists(), "no {WRITER}: see tests/prerequisites.debian");
        let input = child.stdin.take();
        Self(child, input)
    }

    /// Adds entries; they are in the file a moment later.
    ///
    /// # Panics
    /// When the writer has ended.
    pub fn add(&mut self, entries: &[Entry]) {
        let bytes: Vec<u8> = entries.iter().flat_map(Entry::export).collect();
        self.1.as_ref().unwrap().write_all(&bytes).unwrap();
    }

    /// Waits until all is written and the file closed.
    ///
    /// # Panics
    /// When the writer fails.
    pub fn end(mut self) {
        drop(self.1.take());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // After [`Writer::end`] there is nobody to be ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The boot it is of.
    pub boot_id: String,
    /// When the kernel said it, in microseconds since boot; journald has it a millisecond later.
    pub at: u64,
    fields: Vec<(&'static str, String)>,
}

impl Entry {
    /// As journald has what is said to the kernel log: facility 0 is the kernel's own.
    pub fn kernel(at: u64, facility: u32, message: impl Into<String>) -> Self {
        let fields = vec![
            ("_TRANSPORT", "kernel".to_owned()),
            ("PRIORITY", "3".to_owned()),
            ("SYSLOG_FACILITY", facility.to_string()),
            ("SYSLOG_IDENTIFIER", "kernel".to_owned()),
            ("_SOURCE_MONOTONIC_TIMESTAMP", at.to_string()),
            ("MESSAGE", message.into()),
        ];
        Self { boot_id: boot_id(), at, fields }
    }

    /// The same, said just now by the kernel.
    ///
    /// # Panics
    /// When there is no clock.
    pub fn now(message: impl Into<String>) -> Self {
        let now = std::time::Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap());
        Self::kernel(u64::try_from(now.as_micros()).unwrap(), 0, message)
    }

    /// As journald has what a program says, which may say what it likes but where it comes from.
    pub fn program(at: u64, message: impl Into<String>) -> Self {
        let mut entry = Self::kernel(at, 0, message);
        "journal".clone_into(&mut entry.fields[0].1);
        entry
    }

    fn export(&self) -> Vec<u8> {
        let (at, boot) = (self.at + 1000, self.boot_id.replace('-', ""));
        // A day of 2023, so that entries are in the past.
        let time = 1_700_000_000_000_000 + at;
        let mut bytes = format!("__REALTIME_TIMESTAMP={time}\n__MONOTONIC_TIMESTAMP={at}\n_BOOT_ID={boot}\n")
            .into_bytes();
        for (name, value) in &self.fields {
            if value.contains('\n') {
                bytes.extend_from_slice(format!("{name}\n").as_bytes());
                bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
                bytes.extend_from_slice(value.as_bytes());
                bytes.push(b'\n');
            } else {
                bytes.extend_from_slice(format!("{name}={value}\n").as_bytes());
            }
        }
        bytes.push(b'\n');
        bytes
    }
}
