//! The node joins: what nodeadm reads, merged as it merges, and the node that its kubelet registers. Both are played; who
//! registers is a node's user, whom the API server's node authorizer and NodeRestriction judge as they judge a kubelet.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gpunode_host::user_data;
use gpunode_tests::kube::{Cluster, patch};
use gpunode_tests::manifests::objects;
use gpunode_tests::node::{done, ok};
use gpunode_tests::vm::Vm;
use serde_json::{Value, json};

use crate::instance::ask_imds;

const DROP_INS: &str = "/etc/eks/nodeadm.d";

/// What the kubelet is started with.
#[derive(Debug)]
pub(crate) struct Told {
    /// The API server.
    pub(crate) server: String,
    /// Its authority, PEM in base64.
    pub(crate) authority: String,
    pub(crate) labels: BTreeMap<String, String>,
    /// As the flag has them.
    pub(crate) taints: Vec<String>,
}

impl Told {
    /// The NodeConfigs of the user data, then the drop-ins in the order of their names; flags are appended. Source:
    /// amazon-eks-ami, `nodeadm/internal/api/merge.go`.
    pub(crate) fn read(vm: &Vm) -> Self {
        let mut texts = user_data::node_configs(&ask_imds(vm, "user-data"));
        for name in ok(vm, &format!("ls {DROP_INS}")).lines() {
            let bytes = done("drop-in", vm.get(&format!("{DROP_INS}/{name}")));
            texts.push(String::from_utf8(bytes).unwrap());
        }
        let documents: Vec<_> = texts.iter().flat_map(|text| objects(text).unwrap()).collect();
        assert!(documents.iter().all(|it| it["kind"] == "NodeConfig"), "{documents:?}");
        let cluster = &documents[0]["spec"]["cluster"];
        let flags = documents.iter().filter_map(|it| it["spec"]["kubelet"]["flags"].as_array()).flatten();
        let flags: Vec<_> = flags.map(|flag| flag.as_str().unwrap()).collect();
        let all = |name: &str| {
            let values = flags.iter().filter_map(move |flag| flag.strip_prefix(name)?.strip_prefix('='));
            values.map(str::to_owned).collect::<Vec<_>>()
        };
        let pair = |text: &str| text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        let labels = all("--node-labels");
        // Of several flags a kubelet takes all labels, and of taints the last flag.
        let taints = all("--register-with-taints").pop().unwrap_or_default();
        Self {
            server: cluster["apiServerEndpoint"].as_str().unwrap().to_owned(),
            authority: cluster["certificateAuthority"].as_str().unwrap().to_owned(),
            labels: labels.iter().flat_map(|list| list.split(',').filter_map(pair)).collect(),
            taints: taints.split(',').filter(|text| !text.is_empty()).map(str::to_owned).collect(),
        }
    }

    /// Registers the node, as its own user, and says that it is ready and what its device plugins have counted.
    pub(crate) fn join(&self, vm: &Vm, cluster: &Cluster, name: &str) {
        let place = format!("/run/{name}.crt");
        done("authority", vm.put(&place, &STANDARD.decode(&self.authority).unwrap(), "644"));
        // The way that the NodeConfig says, from where the kubelet is.
        assert_eq!(ok(vm, &format!("curl -fsS --cacert {place} {}/readyz", self.server)), "ok");

        let zone = String::from_utf8(ask_imds(vm, "meta-data/placement/availability-zone")).unwrap();
        let instance = String::from_utf8(ask_imds(vm, "meta-data/instance-id")).unwrap();
        let mut labels = self.labels.clone();
        for (key, value) in [("hostname", name), ("arch", "amd64"), ("os", "linux")] {
            labels.insert(format!("kubernetes.io/{key}"), value.to_owned());
        }
        let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "labels": labels },
            "spec": { "providerID": format!("aws:///{zone}/{instance}"), "taints": self.taints.iter().map(|it| taint(it)).collect::<Vec<_>>() } });
        let kubelet = cluster.admin().unwrap().as_node(name);
        let path = "/api/v1/nodes?fieldManager=kubelet&fieldValidation=Strict";
        kubelet.create(path, &node).unwrap().granted("register the node").unwrap();

        let count = |pattern: &str| ok(vm, &format!("find /dev {pattern} -type c | wc -l"));
        let all = json!({
            "cpu": "192",
            "nvidia.com/gpu": count("-name 'nvidia[0-9]*'"),
            "vpc.amazonaws.com/efa": count("-path '/dev/infiniband/uverbs*'"),
        });
        let now = ok(vm, "date --utc +%Y-%m-%dT%H:%M:%SZ");
        let ready = json!({ "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is ready",
            "lastHeartbeatTime": now, "lastTransitionTime": now });
        let status = json!({ "status": { "capacity": all, "allocatable": all, "conditions": [ready] } });
        let path = format!("/api/v1/nodes/{name}/status?fieldManager=kubelet");
        kubelet.patch(&path, patch::STRATEGIC, &status).unwrap().granted("status of the node").unwrap();
    }
}

/// `key=value:Effect`
fn taint(text: &str) -> Value {
    let (pair, effect) = text.rsplit_once(':').unwrap();
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    json!({ "key": key, "value": value, "effect": effect })
}
