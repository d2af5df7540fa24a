//! Node labels: which of them a kubelet may give itself, and how they are handed to it.
//!
//! [`TABLE`] says which is which.

use std::collections::BTreeMap;

use gpunode_host::kubernetes::{kubelet_label, label_value};

/// Who gives which label, for the documentation.
pub(crate) const TABLE: &str = "\
| label | given by |
|---|---|
| `kubernetes.io/hostname`, `kubernetes.io/arch`, `kubernetes.io/os` | the kubelet, by itself |
| `topology.kubernetes.io/region`, `topology.kubernetes.io/zone` | the cloud controller |
| `node.kubernetes.io/instance-type` | gpunode-agent, and the cloud controller with the same value |
| `nvidia.com/gpu`, `eks.amazonaws.com/compute-type` | gpunode-agent |
| `nvidia.com/gpu.present` | nodeadm, from Kubernetes 1.35 |
| `eks.amazonaws.com/nodegroup`, `karpenter.sh/…` | the user data that EKS or Karpenter writes |
| `gpunode.io/…` | the daemonset |
| `node-role.kubernetes.io/…`, `node-restriction.kubernetes.io/…`, other `kubernetes.io` and `k8s.io` | a cluster administrator; a kubelet that is told to does not start |
";

/// Why a kubelet would refuse this label, and not start.
pub(super) fn refusal(key: &str, value: &str) -> Option<&'static str> {
    kubelet_label(key).and_then(|()| label_value(value)).err()
}

/// The kubelet's flag. A kubelet takes several of these flags together, the last value of a key counts
/// (`MapStringString` in `k8s.io/component-base/cli/flag`), so labels that others hand over stay.
pub(super) fn flag(labels: &BTreeMap<String, String>) -> Option<String> {
    let pairs: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    (!pairs.is_empty()).then(|| format!("--node-labels={}", pairs.join(",")))
}

/// The labels in the kubelet's flags, as the kubelet reads them.
pub(super) fn in_flags(flags: &[String]) -> BTreeMap<String, String> {
    super::flags::values(flags, "node-labels")
        .flat_map(|value| value.split(','))
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_kubelet_refuses_is_known_before_it_is_asked() {
        for good in [
            "nvidia.com/gpu",
            "plain",
            "node.kubernetes.io/instance-type",
            "team.node.kubernetes.io/x",
            "kubelet.kubernetes.io/x",
            "topology.kubernetes.io/zone",
            "eks.amazonaws.com/compute-type",
            "notkubernetes.io/x",
        ] {
            assert_eq!(refusal(good, "v"), None, "{good}");
        }
        for bad in [
            "node-role.kubernetes.io/gpu",
            "node-restriction.kubernetes.io/x",
            "kubernetes.io/role",
            "app.kubernetes.io/name",
            "x.k8s.io/y",
            "topology.kubernetes.io/rack",
            "a/b/c",
            "/a",
            "a/",
            "",
            "-a",
            "Upper.example/x",
            "sp ace",
        ] {
            assert!(refusal(bad, "v").is_some(), "{bad}");
        }
        assert!(refusal("a", "two words").is_some());
        assert!(refusal("a", &"x".repeat(64)).is_some());
        assert_eq!(refusal("a", ""), None);
    }

    /// Keys and values that are allowed, and some that are not.
    fn label() -> impl Strategy<Value = (String, String)> {
        ("([a-z0-9.-]{1,4}/)?[a-zA-Z0-9_.-]{1,4}", "[a-zA-Z0-9_.,= \"$-]{0,3}")
    }

    proptest! {
        #[test]
        fn labels_survive_the_flag(labels in prop::collection::btree_map("([a-z]{1,8}/)?[a-zA-Z0-9]{1,12}", "[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,60}[a-zA-Z0-9])?|", 0..8)) {
            let flags: Vec<_> = flag(&labels).into_iter().collect();
            prop_assert_eq!(in_flags(&flags), labels);
        }

        #[test]
        fn labels_that_are_accepted_survive_the_flag_and_the_command_line((key, value) in label()) {
            if refusal(&key, &value).is_some() {
                return Ok(());
            }
            let labels = BTreeMap::from([(key, value)]);
            let flag = flag(&labels).unwrap();
            // nodeadm and systemd split the command line at white space and look at quotes.
            prop_assert!(!flag.contains(|c: char| c.is_whitespace() || "'\"\\$".contains(c)));
            prop_assert_eq!(in_flags(&[flag]), labels);
        }
    }
}
