//! Plays the programs that a boot runs, each as far as the demo machine's files can show its effect.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use gpunode_host::{Root, thread_time};

use super::loops::Disks;
use super::superblock;
use super::tree::{link, put};
use crate::os::{Cancel, Cmd, Exec, Output, RunError};

/// The machine's programs.
pub(super) struct Player {
    root: Root,
    pace: Duration,
    disks: Disks,
    /// Microseconds of processor time.
    cost: AtomicU64,
}

impl Player {
    pub(super) fn new(root: Root, pace: Duration, disks: Disks) -> Self {
        Self { root, pace, disks, cost: AtomicU64::new(0) }
    }

    /// The processor time that playing took so far.
    pub(super) fn cost(&self) -> Duration {
        Duration::from_micros(self.cost.load(Ordering::Relaxed))
    }

    fn play(&self, command: &Cmd) -> io::Result<Output> {
        let args: Vec<_> = command.args.iter().map(String::as_str).collect();
        let played = match (command.program.as_str(), args.as_slice()) {
            ("tc", [.., "show"]) => {
                said(r#"[{"kind":"mq","dev":"ens5","root":true},{"kind":"fq","dev":"ens5"}]"#)
            }
            ("containerd", ["--version"]) => {
                said("containerd github.com/containerd/containerd/v2 v2.1.4 demo")
            }
            ("nv-fabricmanager", ["--version"]) => {
                let driver = self.root.value("/sys/module/nvidia/version").unwrap_or_default();
                said(&format!("Fabric Manager version is : {driver}"))
            }
            // Nothing runs yet on a machine that boots.
            ("systemctl", ["is-active", ..]) => failed(3, ""),
            ("modprobe" | "udevadm" | "sync" | "rm", _) | ("systemctl", ["daemon-reload"]) => said(""),
            (program, args) => return self.play_change(program, args),
        };
        Ok(played)
    }

    /// The programs that change something.
    fn play_change(&self, program: &str, args: &[&str]) -> io::Result<Output> {
        match (program, args) {
            ("mdadm", ["--create", ..]) => self.make_array(args)?,
            ("mkfs.xfs", _) => self.make_xfs(args)?,
            ("systemctl", ["enable", units @ ..]) => self.enable(units)?,
            ("systemctl", ["start", units @ ..]) => self.start(units)?,
            ("cp", [_, _, from, to]) => copy(&self.root.at(from), &self.root.at(to))?,
            _ => {
                return Ok(failed(
                    1,
                    &format!("the demo machine cannot play `{program} {}`", args.join(" ")),
                ));
            }
        }
        Ok(said(""))
    }

    /// Writes the members' superblocks and shows a running array.
    fn make_array(&self, args: &[&str]) -> io::Result<()> {
        let value = |name: &str| args.iter().find_map(|arg| arg.strip_prefix(name)).unwrap_or_default();
        let id = value("--uuid=").replace(':', "");
        let members: Vec<_> = args.iter().filter_map(|arg| arg.strip_prefix("/dev/nvme")).collect();
        let folder = "/sys/class/block/md127";
        let mut total = 0;
        for (slot, name) in members.iter().enumerate() {
            let disk = format!("/dev/nvme{name}");
            let size = fs::metadata(self.root.at(&disk))?.len();
            total += superblock::write_md(&self.root.at(&disk), &id, slot, members.len())?;
            put(&self.root, &format!("/sys/class/block/nvme{name}/holders/md127"), "")?;
            put(&self.root, &format!("{folder}/slaves/nvme{name}"), "")?;
            put(&self.root, &format!("{folder}/md/dev-nvme{name}/slot"), &format!("{slot}\n"))?;
            put(&self.root, &format!("{folder}/md/dev-nvme{name}/state"), "in_sync\n")?;
            put(&self.root, &format!("{folder}/md/dev-nvme{name}/size"), &format!("{}\n", size / 1024))?;
        }
        // The largest file that ext4 can hold is 16 TiB; the machine's disks together may be larger.
        let total = total.min(15 << 40);
        let files = [
            ("dev", "9:127".to_owned()),
            ("size", (total / 512).to_string()),
            ("ro", "0".to_owned()),
            ("md/level", "raid0".to_owned()),
            ("md/raid_disks", members.len().to_string()),
            ("md/array_state", "clean".to_owned()),
        ];
        for (name, text) in files {
            put(&self.root, &format!("{folder}/{name}"), &format!("{text}\n"))?;
        }
        super::tree::put_disk(&self.root, "/dev/md127", total)?;
        self.disks.add("md127")
    }

    fn make_xfs(&self, args: &[&str]) -> io::Result<()> {
        let after = |flag: &str| {
            let at = args.iter().position(|arg| *arg == flag)?;
            args.get(at + 1).copied()
        };
        let id = after("-m").and_then(|text| text.strip_prefix("uuid=")).unwrap_or_default();
        let device = args.last().copied().unwrap_or_default();
        superblock::write_xfs(&self.root.at(device), id, after("-L").unwrap_or_default())?;
        let name = device.trim_start_matches("/dev/");
        link(&self.root, &format!("/dev/disk/by-uuid/{id}"), &format!("../../{name}"))
    }

    fn enable(&self, units: &[&str]) -> io::Result<()> {
        for unit in units {
            let text = fs::read_to_string(self.root.at(format!("/etc/systemd/system/{unit}")))?;
            if let Some(target) = setting(&text, "WantedBy") {
                let path = format!("/etc/systemd/system/{target}.wants/{unit}");
                link(&self.root, &path, &format!("/etc/systemd/system/{unit}"))?;
            }
        }
        Ok(())
    }

    /// Mounts: a line in the mount table for each unit.
    fn start(&self, units: &[&str]) -> io::Result<()> {
        for unit in units {
            let text = fs::read_to_string(self.root.at(format!("/etc/systemd/system/{unit}")))?;
            let (Some(what), Some(place)) = (setting(&text, "What"), setting(&text, "Where")) else {
                return Err(io::Error::other(format!("{unit} has no What= or Where=")));
            };
            fs::create_dir_all(self.root.at(place))?;
            let table = fs::read_to_string(self.root.at("/proc/self/mountinfo"))?;
            // systemd starts nothing twice.
            if table.lines().any(|line| line.split(' ').nth(4) == Some(place)) {
                continue;
            }
            let (device, dev, folder) = self.source(what, &table)?;
            let line = format!("99 21 {dev} {folder} {place} rw,noatime - xfs {device} rw\n");
            fs::OpenOptions::new()
                .append(true)
                .open(self.root.at("/proc/self/mountinfo"))?
                .write_all(line.as_bytes())?;
        }
        Ok(())
    }

    /// The device, its number and the folder on it, of a device link or of a folder on a volume that is mounted.
    fn source(&self, what: &str, table: &str) -> io::Result<(String, String, String)> {
        if what.starts_with("/dev/") {
            let target = fs::read_link(self.root.at(what))?;
            let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let dev = fs::read_to_string(self.root.at(format!("/sys/class/block/{name}/dev")))?;
            return Ok((format!("/dev/{name}"), dev.trim().to_owned(), "/".to_owned()));
        }
        let (volume, folder) = what.rsplit_once('/').unwrap_or((what, ""));
        let fields: Option<Vec<_>> =
            table.lines().map(|l| l.split(' ').collect::<Vec<_>>()).find(|f| f.get(4) == Some(&volume));
        match fields.as_deref() {
            Some([_, _, dev, .., device, _]) => {
                Ok(((*device).to_owned(), (*dev).to_owned(), format!("/{folder}")))
            }
            _ => Err(io::Error::other(format!("{volume} is not mounted"))),
        }
    }
}

impl Exec for Player {
    fn run(&self, command: &Cmd, _: &Cancel) -> Result<Output, RunError> {
        thread::sleep(self.pace);
        if !self.has(&command.program) {
            return Err(RunError::NotFound { program: command.program.clone() });
        }
        let before = thread_time();
        let played = self.play(command);
        let cost = thread_time().saturating_sub(before).as_micros();
        self.cost.fetch_add(u64::try_from(cost).unwrap_or(u64::MAX), Ordering::Relaxed);
        played.map_err(|source| RunError::Start { command: command.line(), source })
    }

    fn has(&self, program: &str) -> bool {
        const PLAYED: [&str; 10] =
            ["tc", "mdadm", "mkfs.xfs", "systemctl", "cp", "modprobe", "udevadm", "sync", "rm", "true"];
        PLAYED.contains(&program)
            || ["/usr/bin", "/usr/sbin"].iter().any(|f| self.root.exists(Path::new(f).join(program)))
    }

    fn device(&self, name: &str) -> Option<PathBuf> {
        self.disks.device(name)
    }
}

fn said(text: &str) -> Output {
    Output { stdout: text.to_owned(), ..Output::default() }
}

fn failed(code: i32, text: &str) -> Output {
    Output { code, stderr: text.to_owned(), ..Output::default() }
}

/// A setting of a unit file.
fn setting<'a>(unit: &'a str, name: &str) -> Option<&'a str> {
    unit.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()))?;
        } else {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
