//! The table. Reading, checks, suggestions, `config show` and the file that `init` writes are made from it.

use gpunode_host::spec::form::{aws, version};
use gpunode_host::spec::{EfaLayout, Kind};

use super::choices::{Capacity, Devices, NodeGroupKind};
use super::form;

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// As in `.env`.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// As written in `.env`; may be `${NAME}` of another setting.
    pub default: Preset,
    /// What it is, in one or two sentences.
    pub about: &'static str,
}

/// What holds where nothing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// It has to be written.
    Required,
    /// It is not set.
    None,
    /// This value.
    Is(&'static str),
    /// The value of another setting.
    Same(&'static str),
}

/// A group of settings, as a heading in the file that `init` writes.
#[derive(Debug)]
pub struct Section {
    /// The heading.
    pub title: &'static str,
    /// Its settings.
    pub settings: &'static [Setting],
}

/// Every setting in the order of [`SECTIONS`].
pub fn all() -> impl Iterator<Item = &'static Setting> {
    SECTIONS.iter().flat_map(|section| section.settings)
}

const fn setting(name: &'static str, kind: Kind, default: Preset, about: &'static str) -> Setting {
    Setting { name, kind, default, about }
}

const fn text(form: &'static gpunode_host::spec::Form) -> Kind {
    Kind::Text(form)
}

const fn range(min: u64, max: u64) -> Kind {
    Kind::Integer { min, max }
}

use Kind::Boolean;
use Preset::{Is, None, Required, Same};

/// Every setting.
pub const SECTIONS: &[Section] = &[
    Section {
        title: "The cluster, which exists already",
        settings: &[
            setting("CLUSTER_NAME", text(&aws::CLUSTER), Required, "Name of the EKS cluster."),
            setting("AWS_REGION", text(&aws::REGION), Required, "Region of the cluster."),
            setting(
                "AWS_ACCOUNT_ID",
                text(&form::ACCOUNT),
                None,
                "Account of the cluster; IAM policies name it.",
            ),
            setting(
                "KUBERNETES_VERSION",
                text(&form::KUBERNETES_VERSION),
                Is("1.34"),
                "Version of the cluster's control plane.",
            ),
            setting("VPC_ID", text(&form::VPC), Required, "VPC of the cluster."),
            setting("PRIVATE_SUBNET_A", text(&form::SUBNET), Required, "Private subnet of the cluster."),
            setting("PRIVATE_SUBNET_B", text(&form::SUBNET), None, "Another one, where there is one."),
            setting("PRIVATE_SUBNET_C", text(&form::SUBNET), None, "And another one."),
            setting(
                "CLUSTER_SECURITY_GROUP",
                text(&form::SECURITY_GROUP),
                None,
                "The cluster's own security group. Launch templates that name security groups must name it too.",
            ),
            setting(
                "UTILS_NODE_GROUP",
                text(&form::NODE_GROUP),
                Is("eks-utils"),
                "Managed node group that cluster services such as the metrics server run on.",
            ),
            setting(
                "CLUSTER_ENDPOINT",
                text(&form::HTTPS_URL),
                None,
                "URL of the API server; only with GPU_AMI_ID, for nodeadm.",
            ),
            setting(
                "CLUSTER_CA",
                text(&form::BASE64),
                None,
                "The API server's certificate authority in base64; only with GPU_AMI_ID, for nodeadm.",
            ),
            setting(
                "CLUSTER_CIDR",
                text(&form::CIDR),
                None,
                "The cluster's service addresses; only with GPU_AMI_ID, for nodeadm.",
            ),
        ],
    },
    Section {
        title: "Storage and add-ons",
        settings: &[
            setting(
                "INSTALL_KUBERNETES",
                Boolean,
                Is("true"),
                "Whether Kubernetes objects and charts are made, too. With false the cluster itself is neither asked nor changed, for those who apply by other means what `installer render` writes.",
            ),
            setting(
                "INSTALL_IO2_STORAGECLASS",
                Boolean,
                Is("false"),
                "Whether there is a StorageClass io2 beside gp3, the default one.",
            ),
            setting("IO2_IOPS", range(1000, 64_000), Is("10000"), "IOPS of every io2 volume."),
            setting(
                "LOAD_BALANCER_CONTROLLER_CHART",
                text(&form::CHART),
                Is("https://aws.github.io/eks-charts"),
                "Where the chart aws-load-balancer-controller is: a repository, an oci:// reference, or a folder.",
            ),
            setting(
                "LOAD_BALANCER_CONTROLLER_CHART_VERSION",
                text(&form::RELEASE),
                Is("1.16.0"),
                "Version of that chart.",
            ),
            setting(
                "CLUSTER_AUTOSCALER_CHART",
                text(&form::CHART),
                Is("https://kubernetes.github.io/autoscaler"),
                "Where the chart cluster-autoscaler is.",
            ),
            setting(
                "CLUSTER_AUTOSCALER_CHART_VERSION",
                text(&form::RELEASE),
                Is("9.50.1"),
                "Version of that chart.",
            ),
            setting(
                "GPU_DEVICES",
                Kind::Choice(Devices::WORDS),
                Is("device-plugin"),
                "What gives GPUs and EFA interfaces to pods: NVIDIA's and AWS's device plugins (`nvidia.com/gpu: 8`), or their DRA drivers (ResourceClaims), from Kubernetes 1.34 on. With dra nothing starts nodes for pods that wait: Karpenter gets no GPU pools, and Cluster Autoscaler starts none in a group without nodes.",
            ),
            setting(
                "NVIDIA_DRA_DRIVER_CHART",
                text(&form::CHART),
                Is("oci://registry.k8s.io/dra-driver-nvidia/charts/dra-driver-nvidia-gpu"),
                "Where the chart dra-driver-nvidia-gpu is; with GPU_DEVICES=dra.",
            ),
            setting(
                "NVIDIA_DRA_DRIVER_CHART_VERSION",
                text(&form::CHART_RELEASE),
                Is("0.4.1"),
                "Version of that chart.",
            ),
            setting(
                "EFA_DRA_DRIVER_CHART",
                text(&form::CHART),
                Is("https://aws.github.io/eks-charts"),
                "Where the chart aws-dranet is; with GPU_DEVICES=dra.",
            ),
            setting(
                "EFA_DRA_DRIVER_CHART_VERSION",
                text(&form::CHART_RELEASE),
                Is("1.0.0"),
                "Version of that chart.",
            ),
            setting("INSTALL_KARPENTER", Boolean, Is("false"), "Whether Karpenter is installed."),
            setting(
                "KARPENTER_VERSION",
                text(&form::RELEASE),
                // Of older ones many panic at their start: see `cross`.
                Is("1.14.0"),
                "Release of Karpenter, which must know the cluster's Kubernetes. From 1.11.0 on its node classes can say EFA-only interfaces.",
            ),
            setting(
                "KARPENTER_CHART",
                text(&form::CHART),
                Is("oci://public.ecr.aws/karpenter/karpenter"),
                "Where the chart karpenter is, of that release.",
            ),
            setting("INSTALL_EFS_CSI", Boolean, Is("false"), "Whether the EFS CSI driver is installed."),
            setting(
                "INSTALL_FSX_CSI",
                Boolean,
                Is("false"),
                "Whether the FSx for Lustre CSI driver is installed.",
            ),
            setting(
                "INSTALL_S3_CSI",
                Boolean,
                Is("false"),
                "Whether the Mountpoint for S3 CSI driver is installed.",
            ),
            setting(
                "S3_CSI_BUCKETS",
                Kind::List(&text(&form::BUCKET)),
                Is(""),
                "Buckets that it may read and write, by name; `installer s3-csi add` gives more.",
            ),
        ],
    },
    Section {
        title: "The GPU node group",
        settings: &[
            setting("GPU_INSTANCE_TYPE", text(&aws::INSTANCE_TYPE), Is("p5en.48xlarge"), "Instance type."),
            setting(
                "GPU_NODE_GROUP_NAME",
                text(&form::NODE_GROUP),
                Is("gpu-compute"),
                "Name of the node group.",
            ),
            setting(
                "GPU_NODE_GROUP_KIND",
                Kind::Choice(NodeGroupKind::WORDS),
                Is("managed"),
                "Who runs the group: EKS, or an Auto Scaling group of your own, which may place each interface of a node in a subnet of its own.",
            ),
            setting("GPU_MIN_SIZE", range(0, 1000), Is("0"), "Least nodes."),
            setting("GPU_DESIRED_SIZE", range(0, 1000), Is("0"), "Nodes at the beginning."),
            setting("GPU_MAX_SIZE", range(1, 1000), Is("10"), "Most nodes."),
            setting(
                "GPU_SUBNET_A",
                text(&form::SUBNET),
                Same("PRIVATE_SUBNET_A"),
                "Subnet of the nodes. There is one node group for each GPU subnet, because EFA does not cross zones, unless GPU_ZONE is set.",
            ),
            setting("GPU_SUBNET_B", text(&form::SUBNET), Same("PRIVATE_SUBNET_B"), "Another one."),
            setting("GPU_SUBNET_C", text(&form::SUBNET), Same("PRIVATE_SUBNET_C"), "And another one."),
            setting(
                "GPU_ZONE",
                text(&form::ZONE),
                None,
                "The zone that all GPU subnets are in; they then serve one node group together.",
            ),
            setting(
                "GPU_SECURITY_GROUP",
                text(&form::SECURITY_GROUP),
                None,
                "Security group that allows all traffic in and out to itself, which EFA needs.",
            ),
            setting(
                "GPU_CREATE_SECURITY_GROUP",
                Boolean,
                Is("false"),
                "Whether `installer gpu create` makes such a group; instead of GPU_SECURITY_GROUP.",
            ),
            setting(
                "GPU_CAPACITY",
                Kind::Choice(Capacity::WORDS),
                Is("on-demand"),
                "How the instances are bought.",
            ),
            setting(
                "GPU_CAPACITY_RESERVATION_ID",
                text(&form::RESERVATION),
                None,
                "The capacity block or reservation.",
            ),
            setting(
                "GPU_PLACEMENT_GROUP",
                text(&form::NODE_GROUP),
                None,
                "An existing cluster placement group; capacity blocks bring their own.",
            ),
            setting(
                "GPU_CREATE_PLACEMENT_GROUP",
                Boolean,
                Is("false"),
                "Whether `installer gpu create` makes one for each node group; instead of GPU_PLACEMENT_GROUP.",
            ),
        ],
    },
    Section {
        title: "The GPU nodes",
        settings: &[
            setting(
                "GPU_EFA_LAYOUT",
                Kind::Choice(EfaLayout::WORDS),
                Is("efa-only"),
                "`efa-only` is AWS's current layout: one interface with an address. `combined` is the older one: an address on every card.",
            ),
            setting("GPU_NUM_ENIS", range(0, 64), None, "EFA interfaces; not set: as many as the type has."),
            setting("GPU_ROOT_VOLUME_SIZE", range(200, 65_536), Is("200"), "Root volume in GiB, gp3."),
            setting(
                "GPU_DATA_VOLUME_SIZE",
                Kind::IntegerOr { word: "none", min: 32, max: 65_536 },
                Is("1000"),
                "Data volume in GiB, gp3, or none. Types with instance-store disks keep containers on those, and this one blank.",
            ),
            setting(
                "GPU_DATA_VOLUME_IOPS",
                range(3000, 80_000),
                Is("16000"),
                "Its IOPS: at most 500 for each GiB.",
            ),
            setting(
                "GPU_DATA_VOLUME_THROUGHPUT",
                range(125, 2000),
                Is("1000"),
                "Its throughput in MiB/s: at most a quarter of its IOPS.",
            ),
            setting(
                "GPU_IMDS_HOP_LIMIT",
                range(1, 64),
                Is("1"),
                "Network hops to the metadata service: with 1, pods on the pod network cannot take the node's role; with 2 they can.",
            ),
            setting(
                "GPU_AMI_ID",
                text(&form::AMI),
                None,
                "Image; not set: the EKS-optimised AL2023 NVIDIA one, which a managed group picks itself.",
            ),
            setting(
                "NVIDIA_DRIVER_VERSION",
                text(&version::NVIDIA_DRIVER),
                Is("550.127.05"),
                "NVIDIA driver that the agent expects; B200 wants branch 570 or newer, B300 580.",
            ),
            setting(
                "EFA_DRIVER_VERSION",
                text(&version::EFA_INSTALLER),
                Is("latest"),
                "EFA installer that the agent expects.",
            ),
            setting(
                "NCCL_VERSION",
                text(&version::NCCL),
                Is("2.22.3"),
                "NCCL of the workloads; decides which variables it needs.",
            ),
            setting(
                "AGENT_URL",
                text(&form::HTTPS_URL),
                None,
                "Where nodes fetch gpunode-agent from; not set: it is in the image.",
            ),
            setting("AGENT_SHA256", text(&form::SHA256), None, "SHA-256 of that file."),
            setting(
                "EKS_REPAIR",
                Boolean,
                Is("false"),
                "Whether EKS replaces nodes by the conditions that gpunode-daemonset writes with --eks-repair; sets both sides.",
            ),
        ],
    },
];
