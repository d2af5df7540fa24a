//! The settings that pick one of a few words, as types.

use serde::{Deserialize, Serialize};

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
            pub enum $name {
                $($(#[$word_doc])* #[serde(rename = $word)] $variant),+
            }

            impl $name {
                /// Every word, as written in the configuration.
                pub const WORDS: &'static [&'static str] = &[$($word),+];
                /// Every value.
                pub const ALL: &'static [Self] = &[$(Self::$variant),+];

                /// As written in the configuration.
                pub fn word(self) -> &'static str {
                    match self {
                        $(Self::$variant => $word),+
                    }
                }
            }

            impl std::fmt::Display for $name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str(self.word())
                }
            }
        )+
    };
}

choices! {
    /// What happens to the node when a step fails.
    OnFailure {
        /// It joins with `gpunode.io/not-ready:NoSchedule`, so that people can look at it.
        Taint = "taint",
        /// It does not join.
        Halt = "halt",
        /// It joins as if nothing had happened.
        Join = "join",
    }
    /// How the EFA interfaces are laid out over the network cards.
    EfaLayout {
        /// ENA on card 0 device 0, EFA-only interfaces beside it and on every further card.
        EfaOnly = "efa-only",
        /// The older one: EFA with ENA on every card.
        Combined = "combined",
    }
    /// Whether EFA's software is installed.
    EfaInstall {
        /// Where it is absent or older than asked for.
        Auto = "auto",
        /// Never: what is there is looked at.
        Never = "never",
    }
    /// What of EFA's software is installed.
    EfaMode {
        /// The kernel module and rdma-core.
        Minimal = "minimal",
        /// Also libfabric, Open MPI and the OFI-NCCL plugin.
        Full = "full",
    }
    /// TCP congestion control.
    CongestionControl {
        /// Bottleneck bandwidth and round-trip time; needs the module `tcp_bbr`.
        Bbr = "bbr",
        /// The kernel's default.
        Cubic = "cubic",
        /// Whatever is set already.
        Keep = "keep",
    }
    /// Default queueing discipline.
    Qdisc {
        /// Fair queueing with pacing, which BBR wants.
        Fq = "fq",
        /// Fair queueing with controlled delay.
        FqCodel = "fq_codel",
        /// Whatever is set already.
        Keep = "keep",
    }
    /// Which instance-store disks become the data volume.
    InstanceStore {
        /// All of them.
        Auto = "auto",
        /// None.
        None = "none",
    }
    /// How several disks become one volume.
    Raid {
        /// Striped; a lost disk loses the volume, as instance-store data is lost with the instance anyway.
        Raid0 = "raid0",
    }
    /// File system of the data volume.
    Filesystem {
        /// XFS.
        Xfs = "xfs",
    }
    /// A folder that moves to the data volume.
    BindTarget {
        /// `/var/lib/containerd`: images and writable layers.
        Containerd = "containerd",
        /// `/var/lib/kubelet`: emptyDir volumes.
        Kubelet = "kubelet",
        /// `/var/log/pods`.
        PodLogs = "pod-logs",
        /// `/var/lib/soci-snapshotter-grpc`: content of the SOCI snapshotter.
        Soci = "soci",
    }
    /// What may be done to have the NVIDIA driver.
    DriverInstall {
        /// It is installed where there is none; another version is left and told.
        Auto = "auto",
        /// Nothing is installed.
        Never = "never",
        /// Another version is replaced, where no GPU is in use.
        Replace = "replace",
    }
    /// Which build of NVIDIA's kernel modules is installed.
    DriverFlavour {
        /// As the GPU needs.
        Auto = "auto",
        /// The open ones.
        Open = "open",
        /// The closed ones.
        Proprietary = "proprietary",
    }
    /// How NVIDIA's kernel modules come to the machine.
    DriverModules {
        /// Prebuilt where they are offered for the kernel and the version, else built.
        Auto = "auto",
        /// Built by DKMS.
        Dkms = "dkms",
        /// Built and signed by the distribution.
        Prebuilt = "prebuilt",
    }
    /// Which NCCL and libfabric variables are written for every process.
    NcclProfile {
        /// Only what this instance type and these versions need, often nothing.
        Auto = "auto",
        /// The four of older guides, which hurt plugins from 1.7 on.
        Classic = "classic",
        /// None but `nccl.env`.
        None = "none",
    }
    /// How images are pulled.
    Soci {
        /// By containerd itself.
        Off = "off",
        /// SOCI parallel pull: 10 downloads of 16 MiB chunks, 10 unpacks per image.
        General = "general",
        /// SOCI parallel pull for the network of a GPU instance: 30 downloads of 32 MiB chunks, 30 unpacks.
        Gpu = "gpu",
    }
    /// How labels and taints reach the kubelet.
    Nodeadm {
        /// By nodeadm where it is installed.
        Auto = "auto",
        /// By a nodeadm drop-in; its absence is an error.
        Nodeadm = "nodeadm",
        /// Not at all: something else starts the kubelet.
        None = "none",
    }
    /// A step of the bootstrap.
    Step {
        /// Identity, OS, kernel, catalogue entry.
        Facts = "facts",
        /// Kernel network settings.
        Sysctl = "sysctl",
        /// Locked memory, huge pages, open files.
        Limits = "limits",
        /// NVMe data disks.
        DataVolumes = "data-volumes",
        /// NVIDIA driver and its services.
        NvidiaDriver = "nvidia-driver",
        /// EFA driver and interfaces.
        Efa = "efa",
        /// The OFI plugin of NCCL.
        OfiNccl = "ofi-nccl",
        /// The look at GPUs, EFA and disks before the node joins.
        Health = "health",
        /// containerd's NVIDIA runtime, CDI and SOCI.
        ContainerRuntime = "container-runtime",
        /// NCCL and libfabric variables.
        NcclEnv = "nccl-env",
        /// Labels and taints, then the node joins.
        Kubelet = "kubelet",
        /// The full check at the end.
        Verify = "verify",
    }
}

impl Step {
    /// The words of the steps that may be left out. Nothing works without the facts, and a bootstrap that was
    /// not verified must not claim success.
    pub const SKIPPABLE: &'static [&'static str] = &[
        "sysctl",
        "limits",
        "data-volumes",
        "nvidia-driver",
        "efa",
        "ofi-nccl",
        "health",
        "container-runtime",
        "nccl-env",
        "kubelet",
    ];
}
