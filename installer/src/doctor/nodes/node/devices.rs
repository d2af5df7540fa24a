//! What the node offers to pods against what its type has.

use gpunode_host::catalog::InstanceType;
use serde_json::Value;

use crate::devices::{Hardware, Offered, Offers, plain};
use crate::doctor::Finding;
use crate::layout;
use crate::settings::Settings;

/// Everything that it offers too few or too many of.
pub(super) fn offers(
    settings: &Settings,
    subject: &str,
    node: &Value,
    kind: &InstanceType,
    offers: &Offers,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let wanted = [(Hardware::Gpu, Some(kind.gpu_count())), (Hardware::Efa, interfaces(settings, node, kind))];
    for (hardware, wanted) in wanted {
        let offered = offers.of(node, hardware);
        if let Some(wanted) = wanted.filter(|_| !offered.parts) {
            findings.extend(compared((offers, hardware), (subject, &kind.name), &offered, u64::from(wanted)));
        }
        findings.extend(twice(subject, node, hardware, offers));
    }
    findings
}

fn compared(
    (offers, hardware): (&Offers, Hardware),
    (subject, kind): (&str, &str),
    Offered { count, trouble, .. }: &Offered,
    wanted: u64,
) -> Option<Finding> {
    let name = offers.name(hardware);
    let why = trouble.as_ref().map_or(String::new(), |why| format!(": {why}"));
    if *count > wanted {
        let what = format!("offers {count} {name}, and a {kind} has {wanted}{why}");
        return Some(Finding::warning(subject, what, SHARED));
    }
    (*count < wanted || trouble.is_some()).then(|| {
        let what = format!("offers {count} of {wanted} {name} ({kind}){why}");
        Finding::error(subject, what, &where_to_look(offers, hardware))
    })
}

const SHARED: &str =
    "what shares devices (time slicing, MPS) offers more; else see which device plugin or driver does";

fn where_to_look(offers: &Offers, hardware: Hardware) -> String {
    let (pod, thing) = match offers {
        Offers::Plugins => {
            let plugin = match hardware {
                Hardware::Gpu => "nvidia-device-plugin",
                Hardware::Efa => "aws-efa-k8s-device-plugin",
            };
            (plugin, String::new())
        }
        Offers::Drivers(_) => (
            hardware.chart(),
            format!(" and kubectl get resourceslices --field-selector spec.driver={},", hardware.driver()),
        ),
    };
    let rest = match hardware {
        Hardware::Gpu => "GPUHealthy; gpunode-agent check on the node says which are missing",
        Hardware::Efa => {
            "EFAHealthy; an interface that was not attached at launch cannot be added: replace the node"
        }
    };
    format!("see the node's pod of {pod} in kube-system,{thing} and {rest}")
}

/// A device plugin beside a DRA driver: neither knows what the other has given away (EKS User Guide, "Manage hardware
/// devices").
fn twice(subject: &str, node: &Value, hardware: Hardware, offers: &Offers) -> Option<Finding> {
    let plain = plain(node, hardware);
    (matches!(offers, Offers::Drivers(_)) && plain > 0).then(|| {
        let (resource, driver) = (hardware.resource(), hardware.driver());
        let what = format!("offers {plain} {resource} by a device plugin beside the DRA driver {driver}: each may give the same device away");
        Finding::error(subject, what, "remove the DaemonSet of that device plugin, and restart pods that it gave devices to")
    })
}

/// How many EFA interfaces the node must have, where that is known: on UltraServers the template says it, and Karpenter
/// without a list of interfaces attaches them for pods that ask for EFA only.
fn interfaces(settings: &Settings, node: &Value, kind: &InstanceType) -> Option<u32> {
    let by_karpenter = node["metadata"]["labels"]["karpenter.sh/nodepool"].is_string();
    if kind.efa_varies || (by_karpenter && !settings.karpenter_says_interfaces()) {
        return None;
    }
    let wanted = settings.gpu_num_enis.filter(|_| kind.name == settings.gpu_instance_type);
    let interfaces = layout::interfaces(kind, settings.gpu_efa_layout, wanted).ok()?;
    u32::try_from(interfaces.iter().filter(|interface| interface.is_efa()).count()).ok()
}
