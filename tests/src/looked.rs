//! A machine in a folder, with the fake NVML and just enough of this machine's C library to load it: the agent's probe
//! enters the folder by chroot and finds there what it would find on a node.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot build its machine has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::agent::{self, Run, finish, text};
use crate::health::scenario;
use crate::instance;
use gpunode_fake_nvml::place;
use gpunode_host::Root;
use gpunode_host::metadata::{Identity, Metadata};
use gpunode_tree::MachineTree;
use serde_json::Value;
use tempfile::TempDir;

/// GPUs of the scenarios for an H100 machine.
pub const GPUS: usize = 8;
/// EFA devices of a p5.48xlarge.
pub const EFAS: usize = 32;

/// Where the loader of each processor is, and the folder of its libraries on Debian.
const LOADERS: [(&str, &str, &str); 2] = [
    ("x86_64", "/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu"),
    ("aarch64", "/lib/ld-linux-aarch64.so.1", "/lib/aarch64-linux-gnu"),
];
/// What the probe and the fake NVML are linked with.
const LIBRARIES: [&str; 4] = ["libc.so.6", "libgcc_s.so.1", "libm.so.6", "libdl.so.2"];

/// The machine.
#[derive(Debug)]
pub struct Machine {
    /// Holds the folder.
    _folder: TempDir,
    /// Its devices.
    pub tree: MachineTree,
    /// Of NVML.
    libraries: PathBuf,
    instance: String,
}

impl Machine {
    /// A machine whose NVML plays this scenario of `cases/nvml`.
    ///
    /// # Panics
    /// When a file cannot be read or written, or the agent does not start.
    pub fn new(scenario: &str) -> Self {
        let machine = Self::of("p5.48xlarge");
        machine.play(scenario);
        machine
    }

    /// A healthy machine of this type.
    ///
    /// # Panics
    /// When a file cannot be read or written.
    pub fn of(instance: &str) -> Self {
        // Not /dev/shm, which may not be run from.
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let tree = MachineTree::of(root, instance).unwrap();
        put(root, "/sys/devices/virtual/dmi/id/product_name", &format!("{instance}\n"));
        // The probe wants it; a file does as well as the device.
        put(root, "/dev/null", "");
        put(root, "/dev/kmsg", "6,1,1000,-;Linux version 6.12\n");
        let libraries = with_nvml(root);
        let machine = Self { _folder: folder, tree, libraries, instance: instance.to_owned() };
        machine.play_text("");
        machine
    }

    /// From now on NVML plays this scenario.
    ///
    /// # Panics
    /// When a file cannot be read or written, or the agent does not start.
    pub fn play(&self, scenario: &str) {
        self.play_in(&self.libraries, scenario);
    }

    /// The same of another NVML of this machine, in this folder.
    ///
    /// # Panics
    /// When a file cannot be read or written.
    pub(crate) fn play_in(&self, libraries: &Path, scenario: &str) {
        let cases = crate::binary::bed().join("cases/nvml");
        let text = fs::read_to_string(cases.join(scenario).with_extension("toml")).unwrap();
        let pci: Vec<_> = (0..GPUS).map(|number| self.tree.gpu(number).address().to_owned()).collect();
        place::change(libraries, &format!("pci = {pci:?}\n{text}"));
    }

    /// From now on NVML plays a healthy machine and what this says beside it.
    ///
    /// # Panics
    /// When a file cannot be written.
    pub fn play_text(&self, different: &str) {
        let text = scenario(&self.instance, &Root::new(self.tree.path()), different);
        place::change(&self.libraries, &text);
    }

    /// The instance type.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// What its metadata service tells.
    pub fn metadata(&self) -> Metadata {
        let identity = Identity { instance_type: self.instance.clone(), ..instance::p5_4xlarge().identity };
        Metadata { identity, enis: self.tree.enis(), ..instance::p5_4xlarge() }
    }

    /// There is no NVML any more.
    ///
    /// # Panics
    /// When a file cannot be read or written, or the agent does not start.
    pub fn without_nvml(&self) {
        fs::remove_file(self.libraries.join("libnvidia-ml.so.1")).unwrap();
    }

    /// The kernel says this.
    ///
    /// # Panics
    /// When a file cannot be read or written, or the agent does not start.
    pub fn kernel_says(&self, line: &str) {
        let path = self.tree.path().join("dev/kmsg");
        let before = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{before}4,2,2000000,-;{line}\n")).unwrap();
    }

    /// The agent with `command`, which looks at this machine and asks no metadata service.
    pub fn command(&self, command: &str, args: &[&str]) -> Command {
        let mut words = agent::command();
        // Nobody listens there: discard (RFC 863).
        words.args([command, "--root", text(self.tree.path()), "--set", "imds.endpoint=http://127.0.0.1:9"]);
        words.args(args);
        words
    }

    /// The same, to its end.
    pub fn run(&self, command: &str, args: &[&str]) -> Run {
        finish(&mut self.command(command, args))
    }

    /// The document of `check --json`, and the exit code.
    ///
    /// # Panics
    /// When a file cannot be read or written, or the agent does not start.
    pub fn check(&self, args: &[&str]) -> (Value, i32) {
        let run = self.run("check", &[&["--json"], args].concat());
        (serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}")), run.code)
    }
}

/// The codes of a document's findings.
///
/// # Panics
/// When it is no report.
pub fn codes(report: &Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|found| found["code"].as_str().unwrap()).collect()
}

fn put(root: &Path, path: &str, text: &str) {
    let full = root.join(path.trim_start_matches('/'));
    fs::create_dir_all(full.parent().unwrap()).unwrap();
    fs::write(full, text).unwrap();
}

/// Brings the fake NVML and what loads it into the tree at `root`, and returns the folder of the libraries.
pub(crate) fn with_nvml(root: &Path) -> PathBuf {
    let libraries = c_library(root);
    fs::copy(place::built(), libraries.join("libnvidia-ml.so.1")).unwrap();
    libraries
}

/// Copies the loader and the libraries, and returns the folder of the libraries.
fn c_library(root: &Path) -> PathBuf {
    let own = LOADERS.iter().find(|(arch, _, _)| *arch == std::env::consts::ARCH).unwrap();
    let (_, loader, libraries) = own;
    let inside = |path: &str| root.join(path.trim_start_matches('/'));
    fs::create_dir_all(inside(loader).parent().unwrap()).unwrap();
    fs::copy(loader, inside(loader)).unwrap();
    fs::create_dir_all(inside(libraries)).unwrap();
    for name in LIBRARIES {
        let from = Path::new(libraries).join(name);
        fs::copy(&from, inside(libraries).join(name))
            .unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    }
    // Where the probe is written on a machine that runs nothing from memory.
    fs::create_dir_all(root.join("run")).unwrap();
    inside(libraries)
}
