//! Storage, charts and drivers inside the cluster.

use gpunode_host::spec::Kind;
use gpunode_host::spec::Kind::Boolean;

use super::Preset::{Is, None};
use super::{Setting, range, setting, text};
use crate::settings::choices::{DaemonsetDevices, Devices};
use crate::settings::form;

pub(super) const SETTINGS: &[Setting] = &[
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
    setting("CLUSTER_AUTOSCALER_CHART_VERSION", text(&form::RELEASE), Is("9.50.1"), "Version of that chart."),
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
    setting(
        "INSTALL_GPUNODE_DAEMONSET",
        Boolean,
        Is("false"),
        "Whether gpunode's own DaemonSet, which watches GPU nodes, is installed in kube-system; with EKS_REPAIR its pods have --eks-repair. Needs Kubernetes 1.32 and DAEMONSET_IMAGE.",
    ),
    setting(
        "DAEMONSET_IMAGE",
        text(&form::IMAGE),
        None,
        "Your image of it, as `cargo xtask image` makes one: nobody publishes any.",
    ),
    setting(
        "DAEMONSET_DEVICES",
        Kind::Choice(DaemonsetDevices::WORDS),
        Is("cdi"),
        "How its pods come to the devices: cdi for nodes that gpunode-agent booted, privileged for others too, runtime-class where the node's root cannot be entered (Bottlerocket; the image needs a C library).",
    ),
    setting(
        "DAEMONSET_TAINT",
        Boolean,
        Is("false"),
        "Whether a sick node also gets the taint gpunode.io/unhealthy:NoSchedule.",
    ),
    setting(
        "DAEMONSET_FLOW_CONTROL",
        Boolean,
        Is("false"),
        "Whether its pods have a priority level of their own at the API server: for more than some hundred nodes.",
    ),
    setting("INSTALL_EFS_CSI", Boolean, Is("false"), "Whether the EFS CSI driver is installed."),
    setting("INSTALL_FSX_CSI", Boolean, Is("false"), "Whether the FSx for Lustre CSI driver is installed."),
    setting("INSTALL_S3_CSI", Boolean, Is("false"), "Whether the Mountpoint for S3 CSI driver is installed."),
    setting(
        "S3_CSI_BUCKETS",
        Kind::List(&text(&form::BUCKET)),
        Is(""),
        "Buckets that it may read and write, by name; `installer s3-csi add` gives more.",
    ),
];
