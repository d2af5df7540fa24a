//! Where an object is in the API.

use serde_json::Value;

/// `apiVersion`, kind, name in paths, whether it is in a namespace: what is made here, and no more. Source: Kubernetes
/// API reference; Karpenter's custom resource definitions.
const KINDS: [(&str, &str, &str, bool); 18] = [
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", false),
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
        false,
    ),
    ("apiregistration.k8s.io/v1", "APIService", "apiservices", false),
    ("apps/v1", "DaemonSet", "daemonsets", true),
    ("apps/v1", "Deployment", "deployments", true),
    ("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "flowschemas", false),
    ("flowcontrol.apiserver.k8s.io/v1", "PriorityLevelConfiguration", "prioritylevelconfigurations", false),
    ("karpenter.k8s.aws/v1", "EC2NodeClass", "ec2nodeclasses", false),
    ("karpenter.sh/v1", "NodePool", "nodepools", false),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", true),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", false),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings", false),
    ("rbac.authorization.k8s.io/v1", "Role", "roles", true),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings", true),
    ("storage.k8s.io/v1", "StorageClass", "storageclasses", false),
    ("v1", "ConfigMap", "configmaps", true),
    ("v1", "Service", "services", true),
    ("v1", "ServiceAccount", "serviceaccounts", true),
];

/// Something that nobody here makes.
#[derive(Debug, thiserror::Error)]
#[error("no object of a known kind with a name: {0}")]
pub struct UnknownKind(String);

/// The path of `object`, by its kind and name.
pub fn path(object: &Value) -> Result<String, UnknownKind> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let (name, namespace) = (text(&object["metadata"]["name"]), text(&object["metadata"]["namespace"]));
    let row = KINDS.iter().find(|row| row.0 == version && row.1 == kind);
    let Some((_, _, plural, namespaced)) =
        row.filter(|row| !name.is_empty() && row.3 != namespace.is_empty())
    else {
        return Err(UnknownKind(format!("{version} {kind} {namespace}/{name}")));
    };
    let root = if version.contains('/') { "apis" } else { "api" };
    let place = if *namespaced { format!("namespaces/{namespace}/") } else { String::new() };
    Ok(format!("/{root}/{version}/{place}{plural}/{name}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_object_has_one_place() {
        let object = |version: &str, kind: &str, metadata: Value| {
            path(&json!({ "apiVersion": version, "kind": kind, "metadata": metadata }))
        };
        let inside = json!({ "name": "a", "namespace": "b" });
        let outside = json!({ "name": "a" });
        assert_eq!(object("v1", "Service", inside.clone()).unwrap(), "/api/v1/namespaces/b/services/a");
        let class = object("storage.k8s.io/v1", "StorageClass", outside.clone()).unwrap();
        assert_eq!(class, "/apis/storage.k8s.io/v1/storageclasses/a");
        assert!(object("v1", "Service", outside).is_err());
        assert!(object("storage.k8s.io/v1", "StorageClass", inside.clone()).is_err());
        assert!(object("v1", "Pod", inside).is_err());
    }
}
