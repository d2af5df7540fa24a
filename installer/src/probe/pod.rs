//! The pod.

use serde_json::{Value, json};

use super::Options;
use crate::devices::{Hardware, Offers};

/// `app.kubernetes.io/name` of every such pod.
pub const NAME: &str = "gpunode-verify";
/// The annotation that says whose it is.
pub const OWNER: &str = crate::launch_template::OWNER_TAG;
/// What the pod calls its claim.
const CLAIM: &str = "hardware";
/// What a pod is left before it is killed: it keeps nothing.
const GRACE: u64 = 2;

/// Counts GPUs. The list goes where the kubelet finds it; where there is none, it takes the log's end.
const GPU: &str =
    "n=$(nvidia-smi -L | tee /dev/termination-log | grep -c '^GPU '); [ \"$n\" -eq \"$WANTED\" ]";
/// Counts interfaces by their domain's name: libfabric lists each of them several times, by fabric and endpoint
/// (fi_efa(7); ofiwg/libfabric issue 12328).
const EFA: &str = "PATH=$PATH:/opt/amazon/efa/bin; n=$(fi_info -p efa -t FI_EP_RDM | grep 'domain:' | sort -u | \
                   tee /dev/termination-log | wc -l); [ \"$n\" -eq \"$WANTED\" ]";

/// One pod on one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Of the pod.
    pub name: String,
    /// Of the node.
    pub node: String,
    /// What is looked for.
    pub hardware: Hardware,
    /// How many of it.
    pub count: u64,
    /// How it asks for them.
    pub way: Way,
}

/// How a pod asks for devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By number, of a device plugin.
    Limits,
    /// By a claim of its own, of a DRA driver.
    Claim,
}

impl Way {
    /// As those who say what there is give it.
    pub fn of(offers: &Offers) -> Self {
        match offers {
            Offers::Plugins => Self::Limits,
            Offers::Drivers(_) => Self::Claim,
        }
    }

    /// The most that one pod may ask for: a claim takes 32 devices (Kubernetes API reference, `DeviceAllocationResult`).
    pub fn most(self) -> u64 {
        match self {
            Self::Limits => u64::MAX,
            Self::Claim => 32,
        }
    }

    /// What it asks for, in words.
    pub fn name(self, hardware: Hardware) -> &'static str {
        match self {
            Self::Limits => hardware.resource(),
            Self::Claim => hardware.class(),
        }
    }
}

impl Probe {
    /// With a name that no other run has.
    pub fn new(hardware: Hardware, node: &str, count: u64, way: Way) -> Self {
        let name = format!("{NAME}-{}-{:08x}", hardware.word(), fastrand::u32(..));
        Self { name, node: node.to_owned(), hardware, count, way }
    }
}

/// Where it is in the API.
pub fn path(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/pods/{name}")
}

/// The pod as the API server takes it. It takes what is free of the node and no more, so nobody is pushed away; a kubelet
/// ends it where nobody is left to.
pub fn object(probe: &Probe, options: &Options) -> Value {
    let Probe { name, node, hardware, count, way } = probe;
    let script = match hardware {
        Hardware::Gpu => GPU,
        Hardware::Efa => EFA,
    };
    let count = count.to_string();
    let on = json!([{ "matchFields": [{ "key": "metadata.name", "operator": "In", "values": [node] }] }]);
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": options.namespace,
            "labels": { "app.kubernetes.io/name": NAME },
            "annotations": { OWNER: options.owner },
        },
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": options.deadline.as_secs(),
            "terminationGracePeriodSeconds": GRACE,
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            // Not by `nodeName`: the scheduler knows what is free.
            "affinity": { "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": on } } },
            "tolerations": [{ "key": "nvidia.com/gpu", "operator": "Exists" }],
            "containers": [{
                "name": "it",
                "image": options.image(*hardware),
                "command": ["sh", "-c", script],
                "env": [{ "name": "WANTED", "value": count }],
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "resources": { "requests": { "cpu": "100m", "memory": "256Mi" }, "limits": { "memory": "1Gi" } },
                "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
            }],
        },
    });
    let spec = &mut pod["spec"];
    match way {
        Way::Limits => {
            for list in ["requests", "limits"] {
                spec["containers"][0]["resources"][list][hardware.resource()] = count.as_str().into();
            }
        }
        Way::Claim => {
            spec["resourceClaims"] = json!([{ "name": CLAIM, "resourceClaimName": name }]);
            spec["containers"][0]["resources"]["claims"] = json!([{ "name": CLAIM }]);
        }
    }
    pod
}
