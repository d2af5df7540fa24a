//! What this machine's kubelet is started by, and what others tell it.

use gpunode_host::Finding;
use gpunode_host::reason;
use gpunode_host::root::{ReadError, Root};

use super::flags;
use super::plan::{Machine, NODEADM_FILE, Way};
use crate::steps::node_config::{DROP_INS, NODEADM, OURS, Others};

const UNIT_FOLDERS: [&str; 3] = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
const VARIABLE: &str = "KUBELET_EXTRA_ARGS";
/// Where kubeadm's unit looks for [`VARIABLE`]: Debian's packages, then RPMs.
const OPERATORS_ENVIRONMENT: [&str; 2] = ["/etc/default/kubelet", "/etc/sysconfig/kubelet"];
/// What kubeadm itself hands over, at a lower rank.
const KUBEADM_ENVIRONMENT: &str = "/var/lib/kubelet/kubeadm-flags.env";
const KUBEADM_CONFIG: &str = "/var/lib/kubelet/config.yaml";
/// Canonical's EKS images run the kubelet from this snap.
const SNAP: &str = "/snap/kubelet-eks";
const SNAP_UNIT: &str = "snap.kubelet-eks.daemon.service";

/// How labels and taints may reach the kubelet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// By nodeadm where it is, else as the kubelet's unit allows.
    Auto,
    /// By nodeadm alone.
    Nodeadm,
    /// Not at all.
    None,
}

/// A document that may hold a NodeConfig, and where it is from.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) origin: String,
    pub(crate) text: String,
}

/// Looks at the machine. `user_data` are the parts of the user data that nodeadm reads.
pub(crate) fn observe(
    root: &Root,
    allowed: Allowed,
    user_data: &[Document],
    findings: &mut Vec<Finding>,
) -> Result<Machine, ReadError> {
    let way = way(root, allowed, findings)?;
    let mut others = Others::default();
    match &way {
        Way::Nodeadm => {
            for document in user_data {
                read(&mut others, document, findings);
            }
            for document in drop_ins(root, findings)? {
                read(&mut others, &document, findings);
            }
        }
        Way::ExtraArgs { operators } => {
            if let Some(text) = root.read_text(KUBEADM_CONFIG)? {
                read(&mut others, &Document { origin: KUBEADM_CONFIG.into(), text }, findings);
            }
            let kubeadms = root.read_text(KUBEADM_ENVIRONMENT)?.unwrap_or_default();
            others.flags.extend(flags::words_of(&kubeadms, "KUBELET_KUBEADM_ARGS"));
            others.flags.extend(operators.split_whitespace().map(str::to_owned));
        }
        Way::Closed(_) | Way::None(_) => {}
    }
    let mut units = vec!["nodeadm-run.service", "kubelet.service"];
    if root.exists(SNAP) {
        units.push(SNAP_UNIT);
    }
    Ok(Machine { way, others_flags: others.flags, others_taints: others.taints, units })
}

fn way(root: &Root, allowed: Allowed, findings: &mut Vec<Finding>) -> Result<Way, ReadError> {
    let nodeadm = root.exists(NODEADM);
    match allowed {
        Allowed::None => {
            return Ok(Way::None("kubelet.nodeadm = none: something else starts the kubelet".into()));
        }
        Allowed::Nodeadm if !nodeadm => {
            findings.push(Finding::new(
                &reason::NODEADM_MISSING,
                NODEADM,
                format!("kubelet.nodeadm = nodeadm, but {NODEADM} is not there"),
            ));
            return Ok(Way::None("nodeadm is not installed".into()));
        }
        Allowed::Auto if !nodeadm => {}
        Allowed::Auto | Allowed::Nodeadm => return Ok(Way::Nodeadm),
    }
    let unit = unit_text(root)?;
    if unit.contains(VARIABLE) {
        let mut operators = String::new();
        for path in OPERATORS_ENVIRONMENT {
            operators = root.read_text(path)?.map_or(operators, |text| flags::value_of(&text, VARIABLE));
        }
        return Ok(Way::ExtraArgs { operators });
    }
    Ok(if root.exists(SNAP) {
        Way::Closed("the kubelet is the snap kubelet-eks, which takes its flags from /etc/eks/bootstrap.sh --kubelet-extra-args".into())
    } else if unit.is_empty() {
        Way::None("no kubelet on this machine".into())
    } else {
        Way::Closed(format!("kubelet.service does not use {VARIABLE}"))
    })
}

/// The text of the kubelet's unit and of its drop-ins.
fn unit_text(root: &Root) -> Result<String, ReadError> {
    let mut text = String::new();
    for folder in UNIT_FOLDERS {
        let unit = format!("{folder}/kubelet.service");
        text.push_str(&root.read_text(&unit)?.unwrap_or_default());
        // Ours are there on every machine, and say nothing about it.
        for name in root.list(format!("{unit}.d")).iter().filter(|name| !name.contains("gpunode")) {
            text.push_str(&root.read_text(format!("{unit}.d/{name}"))?.unwrap_or_default());
        }
    }
    Ok(text)
}

/// The drop-ins of others, in nodeadm's order.
fn drop_ins(root: &Root, findings: &mut Vec<Finding>) -> Result<Vec<Document>, ReadError> {
    let mut documents = Vec::new();
    let is_config = |name: &&String| {
        let lower = name.to_lowercase();
        [".yaml", ".yml", ".json"].iter().any(|end| lower.ends_with(end)) && !name.contains(OURS)
    };
    for name in root.list(DROP_INS).iter().filter(is_config) {
        let origin = format!("{DROP_INS}/{name}");
        let Some(text) = root.read_text(&origin)? else {
            continue;
        };
        if name.as_str() > NODEADM_FILE && text.contains("--register-with-taints") {
            findings.push(Finding::new(
                &reason::NODE_CONFIG_OVERRIDES,
                &origin,
                format!("{origin} comes after {NODEADM_FILE} and sets --register-with-taints: the taints of gpunode are lost"),
            ));
        }
        documents.push(Document { origin, text });
    }
    Ok(documents)
}

fn read(others: &mut Others, document: &Document, findings: &mut Vec<Finding>) {
    if let Err(error) = others.add(&document.text) {
        findings.push(Finding::new(
            &reason::NODE_CONFIG_INVALID,
            &document.origin,
            format!("{}: taints that it sets may be lost: {}", document.origin, crate::step::chain(&error)),
        ));
    }
}
