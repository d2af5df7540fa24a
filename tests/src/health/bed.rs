//! One machine, and the settings to watch it with.
#![allow(clippy::expect_used, clippy::panic, reason = "a test whose machine cannot be built has failed")]

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use gpunode_efa_provider::{Scenario, VARIABLE};
use gpunode_fake_nvml::place;
use gpunode_host::{Root, catalog, efa, gpu_pci};
use gpunode_monitor::{Settings, setup};
use gpunode_tree::{MachineTree, Options};
use nix::time::{ClockId, clock_gettime};
use tempfile::TempDir;

/// Where the stand-in for the kernel log is.
const LOG: &str = "/dev/kmsg";

/// A machine in a folder that goes away with it.
#[derive(Debug)]
pub struct Bed {
    /// What sysfs and procfs say.
    pub tree: MachineTree,
    /// The tree's root.
    pub root: Root,
    instance: String,
    libraries: PathBuf,
    records: std::cell::Cell<u64>,
    folder: TempDir,
}

impl Bed {
    /// A healthy machine of this type.
    ///
    /// # Panics
    /// When it cannot be built.
    pub fn new(instance: &str) -> Self {
        Self::with(instance, Options::default())
    }

    /// A machine of this type with these options.
    ///
    /// # Panics
    /// When it cannot be built.
    pub fn with(instance: &str, options: Options) -> Self {
        // Two thousand small files: in memory, as sysfs is.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        let folder = folder.expect("a folder can be made");
        let kind = catalog::find(instance).unwrap_or_else(|| panic!("{instance} is not in the catalogue"));
        let machine = folder.path().join("machine");
        let tree = MachineTree::build(&machine, kind, options).expect("the tree can be built");
        let libraries = folder.path().join("libraries");
        fs::create_dir(&libraries).expect("the folder can be written");
        let root = Root::new(&machine);
        fs::create_dir_all(root.at("/dev")).expect("the folder can be written");
        File::create(root.at(LOG)).expect("the folder can be written");
        let instance = instance.to_owned();
        let bed = Self { tree, root, instance, libraries, records: 0.into(), folder };
        place::place(&bed.libraries, &bed.scenario(""));
        symlink(provider(), bed.libraries.join("libefa-fi.so")).expect("the folder can be written");
        bed.libfabric(|_| {});
        bed
    }

    /// A machine without GPUs, EFA or NVIDIA's driver.
    ///
    /// # Panics
    /// When it cannot be built.
    pub fn plain() -> Self {
        let bed = Self::with("g4dn.xlarge", Options { efa_count: Some(0), ..Options::default() });
        bed.tree.gpu(0).remove().expect("the tree can be written");
        for path in ["/proc/driver", "/sys/module/nvidia", "/sys/module/efa"] {
            let _ = fs::remove_dir_all(bed.root.at(path));
        }
        bed
    }

    /// How to watch it. Every program's line in the log counts as the kernel's.
    ///
    /// # Panics
    /// When its type has left the catalogue.
    pub fn settings(&self) -> Settings {
        let kind = catalog::find(&self.instance);
        let mut settings =
            Settings::new(self.root.clone(), setup(kind.as_ref(), None, None, Some(self.tree.enis())));
        settings.probe.arguments = vec!["--nvml".into(), self.libraries.join("libnvidia-ml.so.1").into()];
        settings.probe.environment = vec![
            ("FI_PROVIDER_PATH".into(), self.libraries.clone().into()),
            (VARIABLE.into(), self.fabric_file().into()),
        ];
        self.folder.path().clone_into(&mut settings.probe.folder);
        settings
    }

    /// Gives the fake NVML what is different from a healthy machine, as its scenario files say it.
    ///
    /// # Panics
    /// When the folder cannot be written.
    pub fn nvml(&self, different: &str) {
        place::change(&self.libraries, &self.scenario(different));
    }

    /// Gives libfabric the EFA devices that the tree has now, and changes that.
    ///
    /// # Panics
    /// When the folder cannot be written.
    pub fn libfabric(&self, change: impl FnOnce(&mut Scenario)) {
        let names = efa::names(&self.root).expect("the tree can be read");
        let bus = |name: &String| name.strip_prefix("rdmap")?.split('s').next()?.parse().ok();
        let mut scenario = Scenario { buses: names.iter().filter_map(bus).collect(), ..Scenario::default() };
        change(&mut scenario);
        let next = self.fabric_file().with_extension("next");
        let text = serde_json::to_vec(&scenario).expect("it can be written as JSON");
        fs::write(&next, text).expect("the folder can be written");
        fs::rename(next, self.fabric_file()).expect("the folder can be written");
    }

    /// Where the fake libraries are.
    pub fn libraries(&self) -> &Path {
        &self.libraries
    }

    /// The kernel says something, `ago` seconds ago.
    ///
    /// # Panics
    /// When the log cannot be written.
    pub fn log(&self, text: &str, ago: u64) {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("the clock can be read");
        let said = std::time::Duration::from(now).saturating_sub(std::time::Duration::from_secs(ago));
        let sequence = self.records.replace(self.records.get() + 1);
        let mut log = OpenOptions::new().append(true).open(self.root.at(LOG)).expect("the log can be opened");
        writeln!(log, "4,{sequence},{},-;{text}", said.as_micros()).expect("the log can be written");
    }

    /// So many lines were overwritten before anybody read them.
    pub fn skip_lines(&self, count: u64) {
        self.records.set(self.records.get() + count);
    }

    fn fabric_file(&self) -> PathBuf {
        self.libraries.join("fabric.json")
    }

    fn scenario(&self, different: &str) -> String {
        scenario(&self.instance, &self.root, different)
    }
}

/// What the fake NVML plays on a machine of this type: what is different from a healthy one, with the GPUs that its bus
/// has now.
pub(crate) fn scenario(instance: &str, root: &Root, different: &str) -> String {
    let profile = match instance.split('.').next().unwrap_or_default() {
        "p4d" | "p4de" => "a100",
        "p5en" | "p5e" => "h200",
        "p6-b200" => "b200",
        "g6e" => "l40s",
        "g4dn" => "t4",
        _ => "h100",
    };
    let gpus: Vec<_> = gpu_pci::devices(root).into_iter().map(|gpu| gpu.address).collect();
    format!("profile = {profile:?}\npci = {gpus:?}\n{different}")
}

/// Cargo lays the provider beside the programs that depend on it.
fn provider() -> PathBuf {
    let program = std::env::current_exe().expect("this program has a path");
    let folders = program.ancestors().skip(1).take(2);
    let found = folders
        .flat_map(|folder| [folder.to_path_buf(), folder.join("deps")])
        .map(|folder| folder.join("libgpunode_efa_provider.so"))
        .find(|path| path.exists());
    found.unwrap_or_else(|| panic!("libgpunode_efa_provider.so is not beside {}", program.display()))
}
