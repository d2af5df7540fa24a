//! The nodes and what runs on them: type, EFA, volumes, image, agent, add-ons.

use gpunode_host::catalog::{self, InterfaceKind};
use gpunode_host::driver::{Generation, Wanted, drives};

use super::Wrong;
use crate::launch_template::{DATA_DEVICE, ROOT_DEVICE};
use crate::settings::{NodeGroupKind, Settings, Size, form};

pub(super) fn known_type(s: &Settings) -> Option<Wrong> {
    if s.instance_type().is_some() {
        return None;
    }
    let known: Vec<_> = catalog::names().collect();
    Some(("not in the catalogue".to_owned(), Some(known.join(", "))))
}

pub(super) fn efa_count(s: &Settings) -> Option<Wrong> {
    let (wanted, kind) = (s.gpu_num_enis?, s.instance_type()?);
    (wanted > kind.efa_max).then(|| {
        (format!("{} has {} EFA interfaces", kind.name, kind.efa_max), Some(format!("0 to {}", kind.efa_max)))
    })
}

pub(super) fn iops(s: &Settings) -> Option<Wrong> {
    let Size::Gib(size) = s.gpu_data_volume_size else { return None };
    let most = size * 500;
    (s.gpu_data_volume_iops > most).then(|| {
        (format!("more than 500 for each of {size} GiB"), Some(format!("3000 to {}", most.min(80_000))))
    })
}

pub(super) fn throughput(s: &Settings) -> Option<Wrong> {
    let Size::Gib(_) = s.gpu_data_volume_size else { return None };
    let most = s.gpu_data_volume_iops / 4;
    (s.gpu_data_volume_throughput > most).then(|| {
        let problem = format!("more than a quarter of GPU_DATA_VOLUME_IOPS = {}", s.gpu_data_volume_iops);
        (problem, Some(format!("125 to {}", most.min(2000))))
    })
}

/// As the agent's `config check` has it.
pub(super) fn driver(s: &Settings) -> Option<Wrong> {
    let kind = s.instance_type()?;
    let gpus: Vec<_> = kind.gpus.iter().map(|gpu| Generation::of_model(&gpu.name)).collect();
    let wanted = Wanted::parse(&s.nvidia_driver_version)?;
    let undriven = drives(&wanted, &gpus).err()?;
    Some((format!("{undriven} ({})", kind.name), Some(undriven.allowed())))
}

pub(super) fn self_managed_image(s: &Settings) -> Option<Wrong> {
    (s.gpu_node_group_kind == NodeGroupKind::SelfManaged && s.gpu_ami_id.is_none())
        .then(|| ("must be set: a self-managed group has nobody who picks an image".to_owned(), None))
}

pub(super) fn root_device(s: &Settings) -> Option<Wrong> {
    if s.gpu_root_device == DATA_DEVICE {
        return Some(("is where the data volume is attached".to_owned(), None));
    }
    (s.gpu_ami_id.is_none() && s.gpu_root_device != ROOT_DEVICE)
        .then(|| (format!("needs GPU_AMI_ID: the image that EKS picks has its root on {ROOT_DEVICE}"), None))
}

pub(super) fn image_needs_cluster(s: &Settings) -> Option<Wrong> {
    s.gpu_ami_id.as_ref()?;
    let about = [
        ("CLUSTER_ENDPOINT", s.cluster_endpoint.is_none()),
        ("CLUSTER_CA", s.cluster_ca.is_none()),
        ("CLUSTER_CIDR", s.cluster_cidr.is_none()),
    ];
    let missing: Vec<_> = about.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| name).collect();
    (!missing.is_empty()).then(|| {
        (
            format!(
                "needs {}: with an image of one's own EKS adds nothing to the user data",
                missing.join(", ")
            ),
            None,
        )
    })
}

pub(super) fn agent(s: &Settings) -> Option<Wrong> {
    (s.agent_url.is_some() != s.agent_sha256.is_some())
        .then(|| ("AGENT_URL and AGENT_SHA256 are set together or not at all".to_owned(), None))
}

pub(super) fn buckets(s: &Settings) -> Option<Wrong> {
    (!s.s3_csi_buckets.is_empty() && !s.install_s3_csi)
        .then(|| ("buckets without INSTALL_S3_CSI".to_owned(), None))
}

/// Kubernetes serves `resource.k8s.io/v1` from 1.34 on, and EKS names the same version for both drivers (EKS User Guide,
/// "Manage EFA devices", "Use the NVIDIA DRA driver or device plugin").
pub(super) fn devices(s: &Settings) -> Option<Wrong> {
    (s.uses_dra() && !s.kubernetes_is_from(34)).then(|| {
        let why =
            format!("needs Kubernetes 1.34 or later, and KUBERNETES_VERSION is {}", s.kubernetes_version);
        (why, Some("device-plugin".to_owned()))
    })
}

pub(super) fn daemonset_image(s: &Settings) -> Option<Wrong> {
    (s.install_gpunode_daemonset && s.daemonset_image.is_none()).then(|| {
        let why = "must be set with INSTALL_GPUNODE_DAEMONSET: nobody publishes an image";
        (why.to_owned(), Some(form::IMAGE.allowed.to_owned()))
    })
}

/// Its admission policies compare the node that a token names with the one that is written. Tokens name it from 1.32 on
/// for certain (Kubernetes, feature gate `ServiceAccountTokenPodNodeInfo`); without, every write would be denied.
pub(super) fn daemonset_kubernetes(s: &Settings) -> Option<Wrong> {
    (s.install_gpunode_daemonset && !s.kubernetes_is_from(32)).then(|| {
        let why = format!("needs Kubernetes 1.32, and KUBERNETES_VERSION is {}", s.kubernetes_version);
        (why, Some("false".to_owned()))
    })
}

pub(super) fn karpenter(s: &Settings) -> Option<Wrong> {
    let kind = s.instance_type()?;
    let refused = kind.has_efa() && kind.cards.first().is_some_and(|card| !card.supports(InterfaceKind::Efa));
    (s.karpenter_has_gpus() && refused && !s.karpenter_says_interfaces()).then(|| {
        let why =
            format!("network card 0 of {} takes no EFA, and this Karpenter would put one there", kind.name);
        (why, Some("1.11.0 or newer".to_owned()))
    })
}

/// The least release of Karpenter for a minor version of Kubernetes and those after it. An older one panics at its start
/// (aws/karpenter-provider-aws issue 7629). Sources: that repository's `compatibility.md`; for the patch of 1.6 pull request
/// 9253, for 1.35 pull request 8902 and the release after it. What 1.36 and later take is not known here, so no more is said.
const KARPENTER: [(u32, [u32; 3]); 5] =
    [(31, [1, 0, 5]), (32, [1, 2, 0]), (33, [1, 5, 0]), (34, [1, 6, 6]), (35, [1, 9, 0])];

pub(super) fn karpenter_kubernetes(s: &Settings) -> Option<Wrong> {
    let version = form::version(&s.karpenter_version).filter(|_| s.install_karpenter)?;
    let (_, least) = KARPENTER.into_iter().rev().find(|(minor, _)| s.kubernetes_is_from(*minor))?;
    (version < least).then(|| {
        let [major, minor, patch] = least;
        let why = format!("this Karpenter does not start on Kubernetes {}", s.kubernetes_version);
        (why, Some(format!("{major}.{minor}.{patch} or newer")))
    })
}
