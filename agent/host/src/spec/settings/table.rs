//! The table.

use super::super::choices::{
    BindTarget, CongestionControl, DriverFlavour, DriverInstall, DriverModules, EfaInstall, EfaLayout,
    EfaMode, Filesystem, InstanceStore, NcclProfile, Nodeadm, OnFailure, Qdisc, Raid, Soci, Step,
};
use super::super::form::{aws, download, kubernetes, linux, packages, version};
use super::super::kind::Kind;
use super::Setting;

macro_rules! settings {
    ($($path:literal $([$operator:literal])?, $kind:expr, $default:expr, $about:literal;)+) => {
        /// Every setting, in the order of the reference.
        pub const ALL: &[Setting] = &[$(Setting {
            path: $path,
            kind: $kind,
            default: $default,
            operator_variable: operator!($($operator)?),
            about: $about,
        }),+];
    };
}

macro_rules! operator {
    () => {
        None
    };
    ($name:literal) => {
        Some($name)
    };
}

const VARIABLE: Kind =
    Kind::Table { key: &Kind::Text(&linux::VARIABLE_NAME), value: &Kind::Text(&linux::VARIABLE_VALUE) };
const SYSCTL: Kind =
    Kind::Table { key: &Kind::Text(&linux::SYSCTL_NAME), value: &Kind::Text(&linux::SYSCTL_VALUE) };
const LABEL: Kind =
    Kind::Table { key: &Kind::Text(&kubernetes::LABEL_KEY), value: &Kind::Text(&kubernetes::LABEL_VALUE) };
const DEADLINE: Kind =
    Kind::Table { key: &Kind::Choice(Step::WORDS), value: &Kind::Integer { min: 1, max: 7200 } };

settings! {
    "onFailure", Kind::Choice(OnFailure::WORDS), Some("taint"),
        "What happens when a step fails: `taint` joins with `gpunode.io/not-ready:NoSchedule`, `halt` does not join, `join` joins as if nothing had happened.";
    "skip", Kind::List(&Kind::Choice(Step::SKIPPABLE)), Some(""),
        "Steps that are left out.";
    "deadlines", DEADLINE, None,
        "Seconds that a step may take, by step, where they differ from the step's own.";

    "cluster.name" ["CLUSTER_NAME"], Kind::Text(&aws::CLUSTER), None,
        "The EKS cluster this node is meant for; for checks and reports only.";
    "cluster.region" ["AWS_REGION"], Kind::Text(&aws::REGION), None,
        "The region this node is meant for; for checks and reports only.";
    "instance.expectedType" ["GPU_INSTANCE_TYPE"], Kind::Text(&aws::INSTANCE_TYPE), None,
        "The instance type; another one is a finding.";

    "sysctl.enabled", Kind::Boolean, Some("true"),
        "Whether kernel network settings are changed.";
    "sysctl.congestionControl", Kind::Choice(CongestionControl::WORDS), Some("bbr"),
        "TCP congestion control; `keep` leaves what is set.";
    "sysctl.qdisc", Kind::Choice(Qdisc::WORDS), Some("fq"),
        "Default queueing discipline; BBR wants the pacing of `fq`; `keep` leaves what is set.";
    "sysctl.socketBufferMaxBytes", Kind::Integer { min: 212_992, max: 2_147_483_647 }, Some("134217728"),
        "Largest socket buffer in bytes, receive and send. The default, 128 MiB, holds 100 Gbit/s over 10 ms; 212992 is the kernel's own.";
    "sysctl.extra", SYSCTL, None,
        "Further sysctls, by dotted name.";

    "limits.enabled", Kind::Boolean, Some("true"),
        "Whether process limits and huge pages are changed.";
    "limits.memlock", Kind::IntegerOr { word: "unlimited", min: 65_536, max: 9_223_372_036_854_775_807 }, Some("unlimited"),
        "Memory that a process may lock, in bytes; RDMA locks all it registers.";
    "limits.nofile", Kind::Integer { min: 1024, max: 1_073_741_816 }, Some("1048576"),
        "Files that a process may open.";
    "limits.hugepages2Mi", Kind::IntegerOr { word: "auto", min: 0, max: 1_048_576 }, Some("auto"),
        "Number of 2 MiB huge pages; `auto` is 5128 where the instance type has EFA, else what is set.";

    "dataVolumes.enabled", Kind::Boolean, Some("true"),
        "Whether NVMe data disks are made into a data volume.";
    "dataVolumes.mountPath", Kind::Text(&linux::MOUNT_PATH), Some("/mnt/k8s-disks/0"),
        "Where the data volume is mounted; the default is nodeadm's.";
    "dataVolumes.instanceStore", Kind::Choice(InstanceStore::WORDS), Some("auto"),
        "Instance-store disks to use: all of them, or none.";
    "dataVolumes.ebsVolumes", Kind::List(&Kind::Text(&aws::EBS_VOLUME)), Some(""),
        "EBS volumes that may be formatted and used.";
    "dataVolumes.raid", Kind::Choice(Raid::WORDS), Some("raid0"),
        "How several disks become one volume; a single disk is used as it is.";
    "dataVolumes.filesystem", Kind::Choice(Filesystem::WORDS), Some("xfs"),
        "File system of the data volume.";
    "dataVolumes.bind", Kind::List(&Kind::Choice(BindTarget::WORDS)), Some("containerd,kubelet,pod-logs"),
        "Folders that move to the data volume.";

    "nvidia.driverVersion" ["NVIDIA_DRIVER_VERSION"], Kind::Text(&version::NVIDIA_DRIVER), Some("550.127.05"),
        "The NVIDIA driver.";
    "nvidia.required", Kind::AutoBoolean, Some("auto"),
        "Whether a node without a working driver is a failure; `auto`: where the instance type has GPUs.";
    "nvidia.install", Kind::Choice(DriverInstall::WORDS), Some("auto"),
        "`auto` installs the driver where there is none and leaves another version as it is, with a warning; `replace` replaces it where no GPU is in use; `never` installs nothing.";
    "nvidia.flavour", Kind::Choice(DriverFlavour::WORDS), Some("auto"),
        "The kernel modules to install; `auto`: as the GPU needs.";
    "nvidia.modules", Kind::Choice(DriverModules::WORDS), Some("auto"),
        "How the kernel modules come: `dkms` builds them on the machine, `prebuilt` takes those that Ubuntu has built and signed for its kernels; `auto`: prebuilt where they are offered for the running kernel in the version that is wanted, else built.";
    "nvidia.repository", Kind::Text(&packages::REPOSITORY), None,
        "Where the driver's packages are; not set: NVIDIA's repository for this system. A mirror has the same files below its URL.";
    "nvidia.repositoryKey", Kind::Text(&packages::KEY), None,
        "The key that signs the repository: a URL or a file of the machine; not set: NVIDIA's, beside its packages.";
    "nvidia.repositoryKeyFingerprint", Kind::Text(&download::FINGERPRINT), None,
        "Fingerprint that the key of the repository must have; not set: that of NVIDIA's key, where `nvidia.repositoryKey` names no other. `none`: the key is taken as it comes.";
    "nvidia.offline", Kind::Text(&packages::OFFLINE), None,
        "A folder of packages, or NVIDIA's `.run` file, on the machine: the driver is installed from it and no repository is asked.";
    "nvidia.offlineUrls", Kind::List(&Kind::Text(&packages::OFFLINE_URL)), Some(""),
        "The same by URL, in the order in which they are tried: one file, NVIDIA's `.run` file or an archive of packages. It needs `nvidia.offlineSha256`.";
    "nvidia.offlineSha256", Kind::Text(&download::SHA256), None,
        "SHA-256 of what `nvidia.offlineUrls` name; nothing of it is used before it was compared.";

    "efa.installerVersion" ["EFA_DRIVER_VERSION"], Kind::Text(&version::EFA_INSTALLER), Some("latest"),
        "The EFA installer. `latest` is the newest where it is installed, and whatever is there where EFA is there already.";
    "efa.install", Kind::Choice(EfaInstall::WORDS), Some("auto"),
        "Whether EFA's software is installed: `auto` where it is absent or older than asked for, `never` only looks.";
    "efa.installerMode", Kind::Choice(EfaMode::WORDS), Some("minimal"),
        "What is installed: `minimal` is the kernel module and rdma-core, for hosts whose containers bring the rest; `full` adds libfabric, Open MPI and the OFI-NCCL plugin.";
    "efa.installerUrls", Kind::List(&Kind::Text(&download::URL)), Some("https://efa-installer.amazonaws.com/aws-efa-installer-{version}.tar.gz"),
        "Where the EFA installer can be had, in the order in which they are tried; `{version}` stands for the version. The signature and the key lie beside it, as AWS has them.";
    "efa.installerSha256", Kind::Text(&download::SHA256), None,
        "SHA-256 of the EFA installer; not set: its signature alone proves it.";
    "efa.installerKey", Kind::Text(&download::FINGERPRINT), Some("4E9091BCBB97A96B26B15E59A05480B1DD2D3CCC"),
        "Fingerprint of the OpenPGP key that must have signed the EFA installer; the default is AWS's (EC2 User Guide). `none`: only `efa.installerSha256` proves it.";
    "efa.required", Kind::AutoBoolean, Some("auto"),
        "Whether a node without working EFA is a failure; `auto`: where EFA interfaces should be attached.";
    "efa.expectedCount" ["GPU_NUM_ENIS"], Kind::Integer { min: 0, max: 64 }, None,
        "EFA interfaces that must be there; not set: as many as the instance type has.";
    "efa.layout" ["GPU_EFA_LAYOUT"], Kind::Choice(EfaLayout::WORDS), Some("efa-only"),
        "How the interfaces are laid out over the network cards: `efa-only` is AWS's current way, `combined` the older one.";

    "nccl.version" ["NCCL_VERSION"], Kind::Text(&version::NCCL), Some("2.22.3"),
        "The NCCL that workloads use; decides which variables it needs.";
    "nccl.install", Kind::Boolean, Some("false"),
        "Whether NCCL itself is wanted on the host; containers bring their own.";
    "nccl.profile", Kind::Choice(NcclProfile::WORDS), Some("auto"),
        "Variables written for NCCL and libfabric: `auto` only what is needed, `classic` the four of older guides, `none` nothing but `nccl.env`.";
    "nccl.env", VARIABLE, None,
        "Further variables, over those of the profile.";

    "containerRuntime.enabled", Kind::Boolean, Some("true"),
        "Whether containerd is configured.";
    "containerRuntime.nvidiaDefault", Kind::AutoBoolean, Some("auto"),
        "Whether the NVIDIA runtime is containerd's default; `auto`: where the instance type has GPUs.";
    "containerRuntime.cdi", Kind::Boolean, Some("true"),
        "Whether a CDI specification of the devices is written.";
    "containerRuntime.soci", Kind::Choice(Soci::WORDS), Some("off"),
        "SOCI parallel image pull: `general` is 10 downloads of 16 MiB chunks and 10 unpacks, `gpu` is 30 of 32 MiB and 30.";

    "kubelet.labels", LABEL, None,
        "Node labels, beside `nvidia.com/gpu=true` and `eks.amazonaws.com/compute-type=gpu`.";
    "kubelet.taints", Kind::List(&Kind::Text(&kubernetes::TAINT)), Some("nvidia.com/gpu=true:NoSchedule"),
        "Taints at registration.";
    "kubelet.nodeadm", Kind::Choice(Nodeadm::WORDS), Some("auto"),
        "How labels and taints reach the kubelet: through nodeadm where there is one, always through it, or not at all.";

    "packages.lockSeconds", Kind::Integer { min: 1, max: 3600 }, Some("300"),
        "Seconds to wait for another process that holds the lock of dnf, rpm, apt or dpkg.";

    "imds.endpoint", Kind::Text(&aws::HTTP_ENDPOINT), Some("http://169.254.169.254"),
        "Where the instance metadata service answers.";
    "imds.deadlineSeconds", Kind::Integer { min: 1, max: 300 }, Some("30"),
        "Seconds for all questions to the metadata service together.";
}
