//! File trees that look like a GPU machine's sysfs and procfs, made from the catalogue: what the kernel, the EFA
//! driver and the NVIDIA driver show of GPUs, NVSwitches, EFA devices and network interfaces.
//!
//! The demonstration builds its machine of it, and tests build theirs and then break them: a device falls off the
//! bus, a counter moves, a card no longer answers. The rules under test read the tree with the code that reads a
//! real machine. What the tree says is written down here on its own, not taken from the code that reads it.

mod efa;
mod efa_device;
mod files;
mod gpu;
mod gpu_device;
mod model;
mod network;
mod other;
mod place;

use std::io;
use std::path::{Path, PathBuf};

use gpunode_host::catalog::{self, InstanceType};
use gpunode_host::metadata::Eni;

pub use efa_device::EfaDevice;
pub use gpu_device::GpuDevice;
pub use network::{Layout, efa_cards, enis, mac};

use files::Files;
use place::{EfaPlace, GpuPlace};

/// The NVIDIA driver of a machine of this type. Branch 550, which gpunode asks for by default, knows no Blackwell.
pub fn nvidia_driver(kind: &InstanceType) -> &'static str {
    let is_newer = |name: &str| ["B200", "B300", "RTX PRO"].iter().any(|newer| name.starts_with(newer));
    if kind.gpus.iter().any(|gpu| is_newer(&gpu.name)) { "580.95.05" } else { "550.127.05" }
}

/// What a machine has besides its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How its network interfaces are laid out.
    pub layout: Layout,
    /// The EFA driver's version, which decides the counters it has; `None` is the one inside the kernel tree.
    pub efa_driver: Option<String>,
    /// How many EFA devices there are, where it is not what the type has.
    pub efa_count: Option<u32>,
    /// The NVIDIA driver's version, where it is not [`nvidia_driver`]'s.
    pub nvidia_driver: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            layout: Layout::EfaOnly,
            efa_driver: Some("2.17.3g".to_owned()),
            efa_count: None,
            nvidia_driver: None,
        }
    }
}

/// A machine in a folder.
#[derive(Debug)]
pub struct MachineTree {
    files: Files,
    kind: InstanceType,
    options: Options,
    efas: Vec<EfaPlace>,
    gpus: Vec<GpuPlace>,
}

impl MachineTree {
    /// Builds a healthy machine of the type `name` in the folder `path`.
    ///
    /// # Errors
    /// A type that the catalogue does not have, or a file that cannot be written.
    pub fn of(path: impl Into<PathBuf>, name: &str) -> io::Result<Self> {
        let kind = catalog::find(name).ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("{name} is not in the catalogue"))
        })?;
        Self::build(path, kind, Options::default())
    }

    /// Builds a healthy machine in the folder `path`, which may hold other files of the machine already.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn build(path: impl Into<PathBuf>, kind: InstanceType, options: Options) -> io::Result<Self> {
        let files = Files::new(path);
        let efas = place::efas(&kind, &options);
        let gpus = place::gpus(&kind);
        let tree = Self { files, kind, options, efas, gpus };
        network::build(&tree.files, &tree.kind, tree.options.layout)?;
        if !tree.efas.is_empty() {
            efa::driver(&tree.files, tree.options.efa_driver.as_deref())?;
        }
        for number in 0..tree.efas.len() {
            tree.efa(number).plug()?;
        }
        gpu::driver(&tree.files, &tree.kind, tree.driver())?;
        for number in 0..tree.gpus.len() {
            tree.gpu(number).plug()?;
        }
        gpu::nvswitches(&tree.files, &tree.kind)?;
        // The NVLink ports of a B200 board, as they are listed in issue reports from p6-b200.
        if tree.kind.family() == "p6-b200" {
            (0..4).try_for_each(|number| tree.add_mellanox(&format!("ibp{}s0", 198 + number)))?;
        }
        Ok(tree)
    }

    /// The folder it is in.
    pub fn path(&self) -> &Path {
        self.files.root()
    }

    /// What the metadata service says of its network interfaces.
    pub fn enis(&self) -> Vec<Eni> {
        enis(&self.kind, self.options.layout)
    }

    /// How many EFA devices it was built with.
    pub fn efa_count(&self) -> usize {
        self.efas.len()
    }

    /// How many GPUs it was built with.
    pub fn gpu_count(&self) -> usize {
        self.gpus.len()
    }

    /// The EFA device `number`, from 0, by PCI address.
    ///
    /// # Panics
    /// When the machine was not built with that many.
    pub fn efa(&self, number: usize) -> EfaDevice<'_> {
        let gbps = self.kind.gbps_per_efa();
        let driver = self.options.efa_driver.as_deref();
        EfaDevice { files: &self.files, place: &self.efas[number], driver, gbps, family: self.kind.family() }
    }

    /// The GPU `number`, from 0, by PCI address.
    ///
    /// # Panics
    /// When the machine was not built with that many.
    pub fn gpu(&self, number: usize) -> GpuDevice<'_> {
        GpuDevice { files: &self.files, place: &self.gpus[number], kind: &self.kind, driver: self.driver() }
    }

    fn driver(&self) -> &str {
        self.options.nvidia_driver.as_deref().unwrap_or(nvidia_driver(&self.kind))
    }

    /// Plugs in a ConnectX card, as an RDMA device of that name; on B200 boards those are the NVLink ports.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn add_mellanox(&self, name: &str) -> io::Result<()> {
        other::mellanox(&self.files, name)
    }

    /// Makes a soft RoCE device of that name.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn add_soft_roce(&self, name: &str) -> io::Result<()> {
        other::soft_roce(&self.files, name)
    }
}
