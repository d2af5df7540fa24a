//! Describes a virtual machine before it boots.

use std::path::PathBuf;
use std::time::Duration;

use gpunode_host::metadata::{Eni, Identity, Metadata};
use gpunode_tree::Options;

use super::{Disk, Error, Vm};

/// Longest wait for a boot. Emulated, and with other work on the machine, one with cloud-init takes a minute; this
/// only tells "slow" from "never".
const BOOT: Duration = Duration::from_secs(600);

/// A virtual machine that has not booted yet.
#[derive(Clone, Debug)]
pub struct Builder {
    pub(super) metadata: Option<Metadata>,
    pub(super) user_data: Option<Vec<u8>>,
    pub(super) instance_type: String,
    pub(super) memory_mib: u32,
    pub(super) processors: u32,
    pub(super) disks: Vec<Disk>,
    pub(super) files: Vec<(String, PathBuf)>,
    pub(super) hardware: Option<Options>,
    pub(super) image: Option<PathBuf>,
    pub(super) network: Option<String>,
    pub(super) cloud_init: bool,
    pub(super) kernel_arguments: Vec<String>,
    pub(super) boot_deadline: Duration,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            metadata: Some(metadata("p5.48xlarge")),
            user_data: None,
            instance_type: "p5.48xlarge".to_owned(),
            memory_mib: 1024,
            processors: 1,
            disks: Vec::new(),
            files: Vec::new(),
            hardware: None,
            image: None,
            network: None,
            cloud_init: false,
            kernel_arguments: Vec::new(),
            boot_deadline: BOOT,
        }
    }

    /// The instance type in DMI and in the metadata (default `p5.48xlarge`); replaces earlier metadata.
    #[must_use]
    pub fn instance_type(mut self, name: &str) -> Self {
        name.clone_into(&mut self.instance_type);
        self.metadata = Some(metadata(name));
        self
    }

    /// What the metadata service says; the default is a plausible instance with one interface.
    #[must_use]
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// No metadata service answers.
    #[must_use]
    pub fn without_imds(mut self) -> Self {
        self.metadata = None;
        self
    }

    /// User data that the metadata service gives out. They run only with [`Self::cloud_init`].
    #[must_use]
    pub fn user_data(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.user_data = Some(bytes.into());
        self
    }

    /// Runs cloud-init at every boot, which more than doubles its time; off by default.
    #[must_use]
    pub fn cloud_init(mut self) -> Self {
        self.cloud_init = true;
        self
    }

    /// Adds a disk.
    #[must_use]
    pub fn disk(mut self, disk: Disk) -> Self {
        self.disks.push(disk);
        self
    }

    /// Adds a file of this machine: the guest reads it at `http://169.254.169.254/files/NAME` and finds it, marked
    /// executable, at `/run/bed/files/NAME`.
    #[must_use]
    pub fn file(mut self, name: &str, path: impl Into<PathBuf>) -> Self {
        self.files.push((name.to_owned(), path.into()));
        self
    }

    /// Gives it the GPUs and EFA devices of its instance type, as files that their drivers would show: QEMU has no such
    /// cards, and the guest's kernel no driver of NVIDIA's. See [`Vm::hardware`].
    #[must_use]
    pub fn hardware(mut self, options: Options) -> Self {
        self.hardware = Some(options);
        self
    }

    /// Lays all that is below this folder of this machine over the guest's root, as an image brings it.
    #[must_use]
    pub fn image(mut self, folder: impl Into<PathBuf>) -> Self {
        self.image = Some(folder.into());
        self
    }

    /// Adds a network card with this address. The guest has [`Vm::ADDRESS`] and reaches nothing but what listens on
    /// loopback of this machine, as [`Vm::HOST`].
    #[must_use]
    pub fn network(mut self, mac: &str) -> Self {
        self.network = Some(mac.to_owned());
        self
    }

    /// Memory in MiB (default 1024).
    #[must_use]
    pub fn memory_mib(mut self, memory: u32) -> Self {
        self.memory_mib = memory;
        self
    }

    /// Processors (default 1: two machines side by side do more than one with two, most of whose work is one after
    /// the other).
    #[must_use]
    pub fn processors(mut self, processors: u32) -> Self {
        self.processors = processors;
        self
    }

    /// Adds to the kernel's command line.
    #[must_use]
    pub fn kernel_argument(mut self, argument: &str) -> Self {
        self.kernel_arguments.push(argument.to_owned());
        self
    }

    /// Longest wait for each boot (default 10 minutes).
    #[must_use]
    pub fn boot_deadline(mut self, within: Duration) -> Self {
        self.boot_deadline = within;
        self
    }

    /// Boots, and returns when systemd has nothing more to start (cloud-init's last stage included). A failed unit
    /// does not make this fail; a boot that ends in emergency mode does.
    pub fn boot(self) -> Result<Vm, Error> {
        let mut vm = Vm::new(self)?;
        vm.power_on()?;
        Ok(vm)
    }

    /// Boots, and returns as soon as commands can run, which is early: disks are there, mounts and cloud-init are not.
    pub fn boot_to_control(self) -> Result<Vm, Error> {
        let mut vm = Vm::new(self)?;
        vm.power_on_to_control()?;
        Ok(vm)
    }
}

/// The metadata of a plausible instance.
fn metadata(instance_type: &str) -> Metadata {
    let text = str::to_owned;
    Metadata {
        identity: Identity {
            instance_id: text("i-0123456789abcdef0"),
            instance_type: text(instance_type),
            image_id: text("ami-0123456789abcdef0"),
            region: text("us-west-2"),
            availability_zone: text("us-west-2c"),
            availability_zone_id: Some(text("usw2-az3")),
            account_id: text("123456789012"),
            architecture: text("x86_64"),
            private_ip: Some(text("10.0.0.10")),
            life_cycle: Some(text("on-demand")),
            placement_group: None,
        },
        enis: vec![Eni {
            mac: text("02:00:00:00:00:01"),
            eni_id: text("eni-0123456789abcdef0"),
            subnet_id: text("subnet-0123456789abcdef0"),
            ipv4: vec![text("10.0.0.10")],
            ..Eni::default()
        }],
        ..Metadata::default()
    }
}
