//! A machine of one case.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test without its machine has failed")]

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use gpunode_host::catalog;
use gpunode_imds::server::{self, Server};
use gpunode_tree::{MachineTree, Options};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::{Family, root};
use crate::agent::{self, Run, Started, text};
use crate::{instance, mounts};

/// The type of every machine: eight GPUs and NVSwitches.
pub const KIND: &str = "p5.48xlarge";

/// A machine of one case: its changes are in memory and gone with it. Its mounts are of the thread that made it.
#[derive(Debug)]
pub struct Machine {
    family: Family,
    root: PathBuf,
    imds: Server,
    place: TempDir,
}

impl Machine {
    /// A machine on which no driver was ever installed, with the headers of its kernel to be had from the system's
    /// repository.
    ///
    /// # Panics
    /// When it cannot be made; it takes root.
    pub fn new(family: Family) -> Self {
        Self::with_disk(family, "4g")
    }

    /// The same with a disk that takes so many changes.
    ///
    /// # Panics
    /// When it cannot be made; it takes root.
    pub fn with_disk(family: Family, size: &str) -> Self {
        let lower = root::get().unwrap_or_else(|error| panic!("{error}"));
        let place = tempfile::Builder::new().prefix("gpunode-packages-").tempdir().unwrap();
        mounts::private();
        mounts::memory(place.path(), &format!("size={size},mode=755"));
        // Where there is a journal, the log goes there and not to where a test reads it.
        let journal = Path::new("/run/systemd/journal");
        if journal.is_dir() {
            mounts::memory(journal, "size=4k");
        }
        let [upper, work, root] = ["upper", "work", "root"].map(|name| place.path().join(name));
        for folder in [&upper, &work, &root] {
            fs::create_dir(folder).unwrap();
        }
        let options =
            format!("lowerdir={},upperdir={},workdir={}", lower.display(), upper.display(), work.display());
        mount(Some("overlay"), &root, Some("overlay"), MsFlags::empty(), Some(options.as_str())).unwrap();
        let imds = metadata_service();
        let machine = Self { family, root, imds, place };
        machine.furnish();
        machine
    }

    fn furnish(&self) {
        for name in ["null", "zero", "random", "urandom"] {
            let device = self.file(&format!("dev/{name}"));
            if !device.exists() {
                fs::write(&device, "").unwrap();
            }
            let host = Path::new("/dev").join(name);
            mount(Some(&host), &device, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
        }
        let kind = catalog::find(KIND).unwrap();
        MachineTree::build(&self.root, kind, Options::default()).unwrap();
        self.power_cycle();
        self.put("etc/os-release", self.family.os_release());
        self.put("proc/sys/kernel/osrelease", &format!("{}\n", self.family.kernel()));
        let (path, text) = self.family.system_repository();
        self.put(path, text);
    }

    /// What a reboot leaves of a driver that is loaded: nothing.
    pub fn power_cycle(&self) {
        for path in ["proc/driver/nvidia", "sys/module/nvidia", "sys/module/nvidia_uvm", "run/bed"] {
            let _ = fs::remove_dir_all(self.file(path));
        }
    }

    /// The URL of its metadata service.
    pub fn metadata(&self) -> String {
        self.imds.endpoint()
    }

    /// The family.
    pub fn family(&self) -> Family {
        self.family
    }

    /// A path of the machine, without the slash in front, as this process sees it.
    pub fn file(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Writes a file of the machine.
    ///
    /// # Panics
    /// When it cannot.
    pub fn put(&self, path: &str, text: &str) {
        let file = self.file(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        // The root has some of them as links to files that are not there.
        let _ = fs::remove_file(&file);
        fs::write(&file, text).unwrap();
    }

    /// The URL of one of the repositories: `nvidia`, `unsigned`.
    pub fn repository(&self, name: &str) -> String {
        format!("file:///srv/{}/{name}", self.family.name())
    }

    /// The agent's driver step, with the repository of stand-ins and its key unless `settings` say otherwise.
    pub fn agent(&self, settings: &[&str]) -> Command {
        self.steps("nvidia-driver", settings)
    }

    /// These steps of the agent, with the same settings.
    pub fn steps(&self, steps: &str, settings: &[&str]) -> Command {
        let mut words = vec!["--only", steps];
        let settings = self.settings(settings);
        words.extend(settings.iter().flat_map(|setting| ["--set", setting]));
        agent::bootstrap(&self.root, &self.imds.endpoint(), &words)
    }

    /// These steps with these settings alone.
    pub fn without_defaults(&self, steps: &str, settings: &[&str]) -> Command {
        let mut words = vec!["--only", steps];
        words.extend(settings.iter().flat_map(|setting| ["--set", setting]));
        agent::bootstrap(&self.root, &self.imds.endpoint(), &words)
    }

    /// The repository of stand-ins and its key, unless `settings` say otherwise, and `settings`.
    pub fn settings(&self, settings: &[&str]) -> Vec<String> {
        let defaults = [
            format!("nvidia.repository={}", self.repository("nvidia")),
            "nvidia.repositoryKey=/srv/nvidia.asc".to_owned(),
        ];
        let name = |setting: &str| setting.split('=').next().unwrap_or_default().to_owned();
        let told = |default: &String| settings.iter().any(|setting| name(setting) == name(default));
        let kept = defaults.into_iter().filter(|default| !told(default));
        kept.chain(settings.iter().map(|setting| (*setting).to_owned())).collect()
    }

    /// Runs the step to its end.
    pub fn run(&self, settings: &[&str]) -> Run {
        agent::finish(&mut self.agent(settings))
    }

    /// Runs the step, which must end well and have changed something.
    ///
    /// # Panics
    /// When it does not.
    pub fn installs(&self, settings: &[&str]) -> Run {
        let run = self.run(settings);
        self.ended(&run, "changed");
        run
    }

    /// Runs the step, which must find nothing to do.
    ///
    /// # Panics
    /// When it finds something.
    pub fn is_done(&self, settings: &[&str]) -> Run {
        let run = self.run(settings);
        self.ended(&run, "unchanged");
        run
    }

    /// Runs the step, which must fail for this reason; the message.
    ///
    /// # Panics
    /// When it does not.
    pub fn fails(&self, settings: &[&str], code: &str) -> String {
        let run = self.run(settings);
        self.ended(&run, "failed");
        let report = run.report();
        let finding = report.finding(code);
        assert_eq!(finding.step, "nvidia-driver");
        finding.message.to_owned()
    }

    fn ended(&self, run: &Run, outcome: &str) {
        let report = run.report();
        let steps = report.0["steps"].as_array().unwrap();
        let step = steps.iter().find(|step| step["step"] == "nvidia-driver").unwrap();
        let lines: Vec<_> = step["commands"].as_array().unwrap().iter().map(|ran| &ran["command"]).collect();
        assert_eq!(
            step["outcome"], outcome,
            "{:?}: {:#} {lines:#?}\n{}",
            self.family, step["findings"], run.stderr
        );
    }

    /// Runs a shell script on the machine; what it prints.
    ///
    /// # Panics
    /// When it fails.
    pub fn shell(&self, script: &str) -> String {
        let run = agent::finish(&mut self.command(script));
        assert_eq!(run.code, 0, "{script}: {}{}", run.stdout, run.stderr);
        run.stdout
    }

    /// A shell script on the machine, started.
    pub fn start(&self, script: &str) -> Started {
        Started::new(&mut self.command(script))
    }

    fn command(&self, script: &str) -> Command {
        let mut command = agent::program("chroot");
        command.args([text(&self.root), "sh", "-ec", script]);
        command.env("LC_ALL", "C").env("HOME", "/root").env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    /// Version and build of the driver that is loaded, as `550.127.05 open`.
    pub fn loaded(&self) -> Option<String> {
        let text = fs::read_to_string(self.file("proc/driver/nvidia/version")).ok()?;
        let flavour = if text.contains("Open Kernel Module") { "open" } else { "proprietary" };
        let version = text.split_whitespace().find(|word| word.starts_with(['5']))?;
        Some(format!("{version} {flavour}"))
    }

    /// The packages of the driver that are installed, as `NAME VERSION`, by name.
    pub fn packages(&self) -> Vec<String> {
        self.shell(self.family.list()).lines().map(str::to_owned).collect()
    }

    /// Lets the scripts of the module's package wait.
    pub fn hold(&self) {
        self.put("run/bed/hold", "");
    }

    /// Lets them go on.
    pub fn release(&self) {
        let _ = fs::remove_file(self.file("run/bed/hold"));
    }

    /// Ends every process that runs on the machine, as a loss of power would.
    ///
    /// # Panics
    /// When `/proc` cannot be read.
    pub fn end_all(&self) {
        let entries = fs::read_dir("/proc").unwrap().flatten();
        for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()) {
            if fs::read_link(format!("/proc/{pid}/root")).is_ok_and(|root| root == self.root) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
    }

    /// A file system of this size in memory over a folder of the machine.
    ///
    /// # Panics
    /// When it cannot be mounted.
    pub fn small_disk(&self, path: &str, size: &str) {
        mounts::memory(&self.file(path), &format!("size={size}"));
        fs::set_permissions(self.file(path), fs::Permissions::from_mode(0o755)).unwrap();
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // All that is mounted below goes with it; what is in memory too.
        let _ = umount2(self.place.path(), MntFlags::MNT_DETACH);
    }
}

fn metadata_service() -> Server {
    let mut metadata = instance::p5_4xlarge();
    KIND.clone_into(&mut metadata.identity.instance_type);
    let content = server::Content { tree: server::tree(&metadata, None), files: None };
    Server::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), content).unwrap()
}
