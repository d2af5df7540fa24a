//! A virtual machine and what a test does with it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::control::{Control, Waited};
use super::error::at;
use super::machine_files::Files;
use super::programs::last_lines;
use super::qemu::Qemu;
use super::slots::{self, Slot};
use super::{Builder, Error, Output, image, prerequisites, qemu_arguments};

/// Lines of the console's log in an error.
const CONSOLE_TAIL: usize = 40;
/// Longest wait for small things the bed itself does in the guest.
pub(super) const SMALL: Duration = Duration::from_secs(120);

/// A virtual machine; killed on drop, and its disks with it.
pub struct Vm {
    pub(super) about: Builder,
    pub(super) files: Files,
    arguments: Vec<String>,
    power: Option<Power>,
    next_job: AtomicU64,
    _slot: Slot,
}

/// What there is only while the machine is on.
struct Power {
    // Dropped first: QEMU must be gone before the channel's reader can end.
    _qemu: Qemu,
    control: Control,
}

/// A command that was started and not waited for.
#[derive(Debug)]
pub struct Job {
    id: u64,
    boot: usize,
    command: String,
}

impl Vm {
    /// Describes a new machine.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(super) fn new(about: Builder) -> Result<Self, Error> {
        prerequisites()?;
        let image = image::get()?;
        let files = Files::make(&about, &image)?;
        let arguments = qemu_arguments::arguments(&about, &image, &files);
        Ok(Self { about, files, arguments, power: None, next_job: AtomicU64::new(0), _slot: slots::take()? })
    }

    /// Runs `command` with bash as root and waits for its end. When that does not come in time, the command is
    /// killed with all it started, and the error carries its output so far; the machine is as usable as before.
    pub fn run(&self, command: &str, within: Duration) -> Result<Output, Error> {
        let start = Instant::now();
        let output = self.wait(self.start(command)?, within);
        // A slow test names what was slow: the harness shows this where one fails, or with --nocapture.
        eprintln!("{:.1} s: {}", start.elapsed().as_secs_f64(), first_line(command));
        output
    }

    /// Starts `command` and does not wait.
    pub fn start(&self, command: &str) -> Result<Job, Error> {
        let control = self.control(command)?;
        let job = Job {
            id: self.next_job.fetch_add(1, Ordering::Relaxed),
            boot: control.boots(),
            command: command.to_owned(),
        };
        let folder = self.files.job(job.id);
        std::fs::create_dir(&folder).map_err(at(&folder))?;
        let path = folder.join("command");
        std::fs::write(&path, command).map_err(at(&path))?;
        control.send("run", job.id);
        Ok(job)
    }

    /// Waits for the end of a started command, as [`Self::run`] does.
    pub fn wait(&self, job: Job, within: Duration) -> Result<Output, Error> {
        let control = self.control(&job.command)?;
        let waited = control.wait_job(job.id, job.boot, Instant::now() + within);
        let (stdout, stderr) = self.files.output(job.id);
        match waited {
            Waited::Got(exit) => Ok(Output { command: job.command, exit, stdout, stderr }),
            Waited::Late => {
                control.send("kill", job.id);
                let [stdout, stderr] =
                    [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                Err(Error::Deadline {
                    what: format!("end of `{}`", job.command),
                    within,
                    detail: format!("stdout: {stdout}\nstderr: {stderr}\n{}", self.console_tail()),
                })
            }
            Waited::Gone => Err(self.gone(&format!("end of `{}`", job.command))),
        }
    }

    /// Writes a file in the guest; folders are made, `mode` is octal text as `chmod` takes it.
    pub fn put(&self, path: &str, bytes: &[u8], mode: &str) -> Result<(), Error> {
        let name = self.files.stage(bytes)?;
        let command = format!("install -D -m {mode} '{}' '{path}'", name.display());
        self.run(&command, SMALL)?.ok().map(drop)
    }

    /// Reads a file of the guest.
    pub fn get(&self, path: &str) -> Result<Vec<u8>, Error> {
        let output = self.run(&format!("cat '{path}'"), SMALL)?;
        output.ok()?;
        Ok(output.stdout)
    }

    /// Restarts in order, and returns as [`Builder::boot`] does.
    pub fn reboot(&self) -> Result<(), Error> {
        let control = self.control("reboot")?;
        let before = control.boots();
        self.run("systemctl reboot --no-block", SMALL)?.ok()?;
        self.wait_boot(before)?;
        self.wait_settled()
    }

    /// Cuts the power: nothing in the guest's memory reaches a disk. The machine stays off.
    pub fn power_off(&mut self) {
        self.power = None;
    }

    /// Cuts the power and boots again, as [`Builder::boot`] does.
    pub fn power_cut(&mut self) -> Result<(), Error> {
        self.power_off();
        self.power_on()
    }

    /// Boots a machine that is off, as [`Builder::boot`] does.
    pub fn power_on(&mut self) -> Result<(), Error> {
        self.power_on_to_control()?;
        self.wait_settled()
    }

    /// Boots a machine that is off, as [`Builder::boot_to_control`] does.
    pub fn power_on_to_control(&mut self) -> Result<(), Error> {
        self.power_off();
        let (qemu, stream) = Qemu::start(self.arguments.clone(), &self.files.qemu_log())?;
        let control = Control::new(stream).map_err(at("control channel"))?;
        self.power = Some(Power { _qemu: qemu, control });
        self.wait_boot(0)
    }

    /// Waits until systemd has nothing more to start; an error when it did not come up.
    pub fn wait_settled(&self) -> Result<(), Error> {
        let state = self.run("systemctl is-system-running --wait", self.about.boot_deadline)?;
        match state.text().trim() {
            "running" | "degraded" => self.is_dressed(),
            other => Err(Error::Description(format!(
                "the guest's system is {other:?}, not up\n{}",
                self.console_tail()
            ))),
        }
    }

    /// Gives out other user data from now on; `None` for none.
    pub fn set_user_data(&self, bytes: Option<&[u8]>) -> Result<(), Error> {
        self.files.user_data(bytes)?;
        if self.power.is_some() {
            self.run("systemctl restart bed-imds", SMALL)?.ok()?;
        }
        Ok(())
    }

    /// Everything on the serial console so far, all boots.
    pub fn console(&self) -> String {
        self.files.console()
    }

    /// The folder of this machine that the guest has at `/run/bed`.
    pub fn shared_folder(&self) -> PathBuf {
        self.files.shared()
    }

    fn wait_boot(&self, before: usize) -> Result<(), Error> {
        let control = self.control("boot")?;
        let within = self.about.boot_deadline;
        match control.wait_boot(before, Instant::now() + within) {
            Waited::Got(()) => Ok(()),
            Waited::Late => {
                Err(Error::Deadline { what: "boot".to_owned(), within, detail: self.console_tail() })
            }
            Waited::Gone => Err(self.gone("boot")),
        }
    }

    fn control(&self, what: &str) -> Result<&Control, Error> {
        let power = self.power.as_ref().ok_or_else(|| self.gone(what))?;
        Ok(&power.control)
    }

    fn gone(&self, what: &str) -> Error {
        Error::Gone {
            what: what.to_owned(),
            detail: format!("{}\n{}", self.files.qemu_complaints(), self.console_tail()),
        }
    }

    fn console_tail(&self) -> String {
        format!("console:\n{}", last_lines(&self.console(), CONSOLE_TAIL))
    }
}

/// As much of a command as fits on a line.
fn first_line(command: &str) -> String {
    command.trim_start().lines().next().unwrap_or_default().chars().take(100).collect()
}

/// A file in the guest's view of the shared folder.
pub(super) fn in_guest(name: &Path) -> PathBuf {
    Path::new("/run/bed").join(name)
}
