//! What the node should be: the configuration after all layers were merged and validated.
//!
//! Field names in camelCase are the paths of the [settings table](super::settings::ALL), which says what each
//! means, what is allowed and what its default is; a test keeps the two in step.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::choices::{
    BindTarget, CongestionControl, DriverFlavour, DriverInstall, DriverModules, EfaInstall, EfaLayout,
    EfaMode, Filesystem, InstanceStore, NcclProfile, Nodeadm, OnFailure, Qdisc, Raid, Soci, Step,
};

macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
            #[serde(rename_all = "camelCase", deny_unknown_fields)]
            pub struct $name {
                $($(#[$field_doc])* pub $field: $type),+
            }
        )+
    };
}

sections! {
    /// The whole configuration of one node.
    NodeSpec {
        /// What happens to the node when a step fails.
        on_failure: OnFailure,
        /// The cluster this node is meant for.
        cluster: Cluster,
        /// What the operator expects of the instance.
        instance: Instance,
        /// Kernel network settings.
        sysctl: Sysctl,
        /// Process limits and huge pages.
        limits: Limits,
        /// NVMe data disks.
        data_volumes: DataVolumes,
        /// NVIDIA driver.
        nvidia: Nvidia,
        /// Elastic Fabric Adapter.
        efa: Efa,
        /// NCCL and its variables.
        nccl: Nccl,
        /// containerd.
        container_runtime: ContainerRuntime,
        /// kubelet.
        kubelet: Kubelet,
        /// dnf and apt.
        packages: Packages,
        /// Instance metadata service.
        imds: Imds,
        /// Seconds that a step may take, where they differ from the step's own.
        deadlines: BTreeMap<Step, u64>,
        /// Steps that are left out; never `facts` or `verify`.
        skip: BTreeSet<Step>,
    }
    /// The cluster this node is meant for; for checks and reports only.
    Cluster {
        /// EKS cluster name.
        name: Option<String>,
        /// AWS region.
        region: Option<String>,
    }
    /// What the operator expects of the instance.
    Instance {
        /// For example `p5en.48xlarge`; another type is a finding.
        expected_type: Option<String>,
    }
    /// Kernel network settings.
    Sysctl {
        /// Whether the step changes anything.
        enabled: bool,
        /// TCP congestion control.
        congestion_control: CongestionControl,
        /// Default queueing discipline.
        qdisc: Qdisc,
        /// Largest socket buffer, receive and send, in bytes.
        socket_buffer_max_bytes: u64,
        /// Further sysctls, dotted name to value.
        extra: BTreeMap<String, String>,
    }
    /// Process limits and huge pages.
    Limits {
        /// Whether the step changes anything.
        enabled: bool,
        /// Locked memory.
        memlock: Memlock,
        /// Open files.
        nofile: u64,
        /// Huge pages of 2 MiB, a count.
        #[serde(rename = "hugepages2Mi")]
        hugepages_2mi: HugePages,
    }
    /// NVMe data disks.
    DataVolumes {
        /// Whether the step changes anything.
        enabled: bool,
        /// Absolute path of the mount point.
        mount_path: String,
        /// Which instance-store disks are used.
        instance_store: InstanceStore,
        /// EBS volumes that may be formatted: `vol-…` ids or device names of the block device mapping.
        ebs_volumes: Vec<String>,
        /// How several disks become one volume.
        raid: Raid,
        /// File system.
        filesystem: Filesystem,
        /// Folders that move to the volume.
        bind: BTreeSet<BindTarget>,
    }
    /// NVIDIA driver.
    Nvidia {
        /// A full version, a branch (`580`) or `latest`.
        driver_version: String,
        /// Whether a node without a working driver is a failure; auto: where the instance type has GPUs.
        required: Auto,
        /// What may be done to have the driver.
        install: DriverInstall,
        /// The kernel modules to install.
        flavour: DriverFlavour,
        /// How they come.
        modules: DriverModules,
        /// URL of the repository; none: NVIDIA's.
        repository: Option<String>,
        /// URL or path of the repository's key; none: NVIDIA's.
        repository_key: Option<String>,
        /// Fingerprint of that key, or `none`; none: that of NVIDIA's, where it is NVIDIA's.
        repository_key_fingerprint: Option<String>,
        /// Path of a folder of packages or of a `.run` file.
        offline: Option<String>,
        /// URLs of a `.run` file or of an archive of packages.
        offline_urls: Vec<String>,
        /// SHA-256 of what they give.
        offline_sha256: Option<String>,
    }
    /// Elastic Fabric Adapter.
    Efa {
        /// A version of the EFA installer or `latest`.
        installer_version: String,
        /// Whether the software is installed.
        install: EfaInstall,
        /// What of it is installed.
        installer_mode: EfaMode,
        /// Where the installer can be had; `{version}` stands for the version.
        installer_urls: Vec<String>,
        /// The installer's SHA-256.
        installer_sha256: Option<String>,
        /// Fingerprint of the key that must have signed the installer, or `none`.
        installer_key: String,
        /// Whether a node without EFA is a failure; auto: where the instance type has EFA interfaces attached.
        required: Auto,
        /// Interfaces that must be there; none: as many as the instance type has.
        expected_count: Option<u64>,
        /// How the interfaces are laid out over the network cards.
        layout: EfaLayout,
    }
    /// NCCL and its variables.
    Nccl {
        /// NCCL version.
        version: String,
        /// Whether NCCL itself is wanted on the host.
        install: bool,
        /// Which variables are written.
        profile: NcclProfile,
        /// Further variables, over those of the profile.
        env: BTreeMap<String, String>,
    }
    /// containerd.
    ContainerRuntime {
        /// Whether the step changes anything.
        enabled: bool,
        /// Whether the NVIDIA runtime is containerd's default; auto: where the instance type has GPUs.
        nvidia_default: Auto,
        /// Whether a CDI specification is written.
        cdi: bool,
        /// How images are pulled.
        soci: Soci,
    }
    /// kubelet.
    Kubelet {
        /// Node labels, beside those that the step adds.
        labels: BTreeMap<String, String>,
        /// Taints at registration, `key=value:Effect` each.
        taints: Vec<String>,
        /// How labels and taints reach the kubelet.
        nodeadm: Nodeadm,
    }
    /// dnf and apt.
    Packages {
        /// Seconds to wait for another process that holds their lock.
        lock_seconds: u64,
    }
    /// Instance metadata service.
    Imds {
        /// Base URL, without a slash at the end.
        endpoint: String,
        /// Seconds for all questions together.
        deadline_seconds: u64,
    }
}

/// A switch that is decided by what the machine is, unless the operator decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Auto {
    /// By what the machine is.
    #[serde(rename = "auto")]
    Auto,
    /// By the operator.
    #[serde(untagged)]
    Set(bool),
}

impl Auto {
    /// The decision, where the machine says `by_machine`.
    pub fn or(self, by_machine: bool) -> bool {
        match self {
            Self::Auto => by_machine,
            Self::Set(set) => set,
        }
    }
}

/// Locked memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Memlock {
    /// No limit.
    #[serde(rename = "unlimited")]
    Unlimited,
    /// At most so many bytes.
    #[serde(untagged)]
    Bytes(u64),
}

/// Number of huge pages of 2 MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HugePages {
    /// [`HugePages::EFA`] where the instance type has EFA, else whatever is set already.
    #[serde(rename = "auto")]
    Auto,
    /// So many pages.
    #[serde(untagged)]
    Pages(u64),
}

impl HugePages {
    /// What AWS's package `efa-config` allocates: 5128 × 2 MiB, about 10 GiB.
    pub const EFA: u64 = 5128;
}
