//! nodeadm's configuration: the drop-ins that we write, and what others wrote.
//!
//! nodeadm (the bootstrap program of the EKS images) merges every NodeConfig of the user data, then the files of
//! [`DROP_INS`] in the order of their names (amazon-eks-ami, `nodeadm/internal/api/merge.go`): `kubelet.flags` are
//! appended, `kubelet.config` and `containerd.config` are merged key by key with lists replaced, `featureGates` key
//! by key.

use std::fmt::Write as _;

use saphyr::{LoadableYamlNode, YamlOwned};

/// Where nodeadm looks for drop-ins.
pub(crate) const DROP_INS: &str = "/etc/eks/nodeadm.d";
/// The program whose presence says that nodeadm starts the kubelet.
pub(crate) const NODEADM: &str = "/usr/bin/nodeadm";
/// All drop-ins of ours contain this in their name, in both steps that write one.
pub(crate) const OURS: &str = "-gpunode-";

/// What one drop-in of ours says. Empty parts are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NodeConfig {
    pub(crate) kubelet_flags: Vec<String>,
    /// Text in TOML.
    pub(crate) containerd_config: String,
    pub(crate) feature_gates: Vec<&'static str>,
}

impl NodeConfig {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// As YAML.
    pub(crate) fn render(&self) -> String {
        let mut out = String::from(
            "# Written by gpunode-agent at every boot; changes made here are lost.\n\
             apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n",
        );
        if !self.feature_gates.is_empty() {
            out.push_str("  featureGates:\n");
            for gate in &self.feature_gates {
                let _ = writeln!(out, "    {gate}: true");
            }
        }
        if !self.kubelet_flags.is_empty() {
            out.push_str("  kubelet:\n    flags:\n");
            for flag in &self.kubelet_flags {
                let _ = writeln!(out, "      - {}", quoted(flag));
            }
        }
        if !self.containerd_config.is_empty() {
            let _ = writeln!(out, "  containerd:\n    config: {}", quoted(&self.containerd_config));
        }
        out
    }
}

/// A double-quoted scalar in ASCII: YAML 1.1, which nodeadm reads, takes some other characters for line breaks.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}

/// What a NodeConfig or KubeletConfiguration of somebody else says about the things that we add to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Others {
    /// Flags of the kubelet, in order.
    pub(crate) flags: Vec<String>,
    /// `registerWithTaints` of the kubelet's configuration: key, value, effect.
    pub(crate) taints: Vec<(String, String, String)>,
    /// containerd's configuration, as given.
    pub(crate) containerd_config: String,
}

/// Text that is not YAML.
#[derive(Debug, thiserror::Error)]
#[error("not valid YAML")]
pub(crate) struct NotYaml(#[from] saphyr::ScanError);

impl Others {
    /// Adds what the documents in `text` say; documents of another kind say nothing. JSON is YAML too.
    pub(crate) fn add(&mut self, text: &str) -> Result<(), NotYaml> {
        for document in YamlOwned::load_from_str(text)? {
            let spec = |path: &[&str]| lookup(&document, path);
            self.flags.extend(strings(spec(&["spec", "kubelet", "flags"])));
            // As nodeadm does: a later list replaces an earlier one, unless it is empty.
            let lists =
                [&["spec", "kubelet", "config", "registerWithTaints"][..], &["registerWithTaints"][..]];
            let list = lists.into_iter().find_map(|path| spec(path)?.as_sequence());
            if let Some(list) = list.filter(|list| !list.is_empty()) {
                self.taints = list.iter().filter_map(taint).collect();
            }
            if let Some(config) = spec(&["spec", "containerd", "config"]).and_then(|value| value.as_str()) {
                self.containerd_config.push_str(config);
            }
        }
        Ok(())
    }
}

/// Whether each document in `text` is a NodeConfig, and there is one.
pub(crate) fn is_node_config(text: &str) -> Result<bool, NotYaml> {
    let documents = YamlOwned::load_from_str(text)?;
    let says = |document: &YamlOwned, key: &str, wanted: fn(&str) -> bool| {
        lookup(document, &[key]).and_then(|value| value.as_str()).is_some_and(wanted)
    };
    let fits = |document: &YamlOwned| {
        says(document, "apiVersion", |version| version.starts_with("node.eks.aws/"))
            && says(document, "kind", |kind| kind == "NodeConfig")
    };
    Ok(!documents.is_empty() && documents.iter().all(fits))
}

fn lookup<'a>(document: &'a YamlOwned, path: &[&str]) -> Option<&'a YamlOwned> {
    path.iter().try_fold(document, |node, key| node.as_mapping_get(key))
}

fn strings(node: Option<&YamlOwned>) -> Vec<String> {
    let list = node.and_then(|node| node.as_sequence());
    list.into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn taint(node: &YamlOwned) -> Option<(String, String, String)> {
    let text = |key| lookup(node, &[key]).and_then(|value| value.as_str()).map(str::to_owned);
    Some((text("key")?, text("value").unwrap_or_default(), text("effect")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_others_say_is_read_from_yaml_and_from_json() {
        let mut others = Others::default();
        others
            .add(
                "# Karpenter Generated NodeConfig\napiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  \
                 kubelet:\n    config:\n      registerWithTaints:\n      - effect: NoExecute\n        key: \
                 karpenter.sh/unregistered\n    flags:\n    - --node-labels=a=b\n---\nkind: Other\n",
            )
            .unwrap();
        others.add(r#"{"spec":{"kubelet":{"flags":["--register-with-taints=x=y:NoSchedule"]}}}"#).unwrap();
        assert_eq!(others.flags, ["--node-labels=a=b", "--register-with-taints=x=y:NoSchedule"]);
        assert_eq!(
            others.taints,
            [("karpenter.sh/unregistered".to_owned(), String::new(), "NoExecute".to_owned())]
        );
        assert!(others.add("a: [").is_err());
        others.add("just words").unwrap();
        others.add("").unwrap();
    }

    #[test]
    fn a_node_config_is_known_by_version_and_kind() {
        let good = "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\n";
        assert!(is_node_config(good).unwrap());
        assert!(is_node_config(&format!("{good}---\n{good}")).unwrap());
        for other in ["", "kind: NodeConfig\n", "- node.eks.aws/\n", &format!("{good}---\nkind: Pod\n")] {
            assert!(!is_node_config(other).unwrap(), "{other}");
        }
        assert!(is_node_config("a: [").is_err());
    }

    proptest! {
        #[test]
        fn a_drop_in_reads_back(flags in prop::collection::vec(".{0,40}", 1..5), config in "(.|\n|\t){1,80}") {
            let node_config = NodeConfig {
                kubelet_flags: flags.clone(),
                containerd_config: config.clone(),
                feature_gates: vec!["FastImagePull"],
            };
            let text = node_config.render();
            let mut others = Others::default();
            others.add(&text).unwrap();
            prop_assert_eq!(others.flags, flags);
            prop_assert_eq!(others.containerd_config, config);
            let document = &YamlOwned::load_from_str(&text).unwrap()[0];
            prop_assert_eq!(
                lookup(document, &["spec", "featureGates", "FastImagePull"]).and_then(YamlOwned::as_bool),
                Some(true)
            );
        }
    }
}
