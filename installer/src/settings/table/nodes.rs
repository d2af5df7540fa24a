//! The GPU nodes: interfaces, volumes, image, what runs on them.

use gpunode_host::spec::Kind::Boolean;
use gpunode_host::spec::form::version;
use gpunode_host::spec::{EfaLayout, Kind};

use super::Preset::{Is, None};
use super::{Setting, range, setting, text};
use crate::launch_template::ROOT_DEVICE;
use crate::settings::form;

pub(super) const SETTINGS: &[Setting] = &[
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
    setting("GPU_DATA_VOLUME_IOPS", range(3000, 80_000), Is("16000"), "Its IOPS: at most 500 for each GiB."),
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
        "Image of GPU nodes, those of Karpenter too; it must have nodeadm. Not set: the EKS-optimised AL2023 NVIDIA one, which a managed group and Karpenter pick themselves.",
    ),
    setting(
        "GPU_ROOT_DEVICE",
        text(&form::DEVICE),
        Is(ROOT_DEVICE),
        "Where the image of GPU_AMI_ID has its root: /dev/xvda on Amazon Linux, /dev/sda1 on Ubuntu. `gpu create` compares, and `apply` with Karpenter.",
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
        "Whether EKS replaces nodes by the conditions that gpunode-daemonset writes with --eks-repair, which INSTALL_GPUNODE_DAEMONSET then gives it. Whoever installs that by other means sets eksRepair of its chart; `installer doctor` says where one side is without the other.",
    ),
];
