//! What the kubelet is to be told, and the files that tell it. Pure: the same inputs give the same files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use gpunode_host::Finding;
use gpunode_host::count;
use gpunode_host::reason;

use super::told::Told;
use crate::os::FileSpec;
use crate::steps::node_config::{DROP_INS, NodeConfig};

/// While this file is there, neither nodeadm nor the kubelet starts. It is of this boot: `/run` is empty after one.
pub(super) const HALT: &str = "/run/gpunode/halt";
/// Sorts behind what image builders put there, since later flags win.
pub(super) const NODEADM_FILE: &str = "90-gpunode-kubelet.yaml";
/// `KUBELET_EXTRA_ARGS` for a kubelet that kubeadm set up: the operator's words, then ours.
pub(super) const ENVIRONMENT: &str = "/etc/gpunode/kubelet.env";
/// Makes the unit read [`ENVIRONMENT`] after every other file; systemd lets the last one win.
const ENVIRONMENT_DROP_IN: &str = "/etc/systemd/system/kubelet.service.d/90-gpunode.conf";

/// What happens to the node when a step failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnTrouble {
    /// It joins with `gpunode.io/not-ready:NoSchedule`.
    Taint,
    /// It does not join.
    Halt,
    /// It joins as if nothing had happened.
    Join,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) instance_type: Option<String>,
    /// Whether this instance has GPUs, and so gets their labels and taint.
    pub(crate) gpu_node: bool,
    /// The operator's.
    pub(crate) labels: BTreeMap<String, String>,
    /// The operator's, `key=value:Effect` each.
    pub(crate) taints: Vec<String>,
    pub(crate) on_trouble: OnTrouble,
    /// One line for each step that failed.
    pub(crate) troubles: Vec<String>,
}

/// How a kubelet on this machine is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// nodeadm starts it.
    Nodeadm,
    /// Its unit takes `KUBELET_EXTRA_ARGS`, whose words are so far these.
    ExtraArgs { operators: String },
    /// It is there, but nothing here reaches it; why.
    Closed(String),
    /// It is not to be told anything, or not there; why.
    None(String),
}

/// What is known of the machine.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) way: Way,
    /// Flags that others give to the kubelet, in order.
    pub(crate) others_flags: Vec<String>,
    /// `registerWithTaints` that others configure.
    pub(crate) others_taints: Vec<(String, String, String)>,
    /// Units that must not start while [`HALT`] is there.
    pub(crate) units: Vec<&'static str>,
}

/// The files as they should be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) files: Vec<FileSpec>,
    /// Files of ours that must not be there.
    pub(crate) absent: Vec<PathBuf>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) summary: String,
}

pub(crate) fn plan(machine: &Machine, wanted: &Wanted) -> Plan {
    let mut plan = Plan::default();
    let told = Told::new(machine, wanted, &mut plan.findings);
    plan.files.extend(conditions(machine));
    let halted = wanted.on_trouble == OnTrouble::Halt && !wanted.troubles.is_empty();
    if halted {
        plan.files.push(halt(wanted));
    }
    let flags = told.flags();
    plan.files.extend(files_of_flags(machine, &flags));
    if let Way::Closed(why) = &machine.way {
        plan.findings.push(Finding::new(
            &reason::KUBELET_OUT_OF_REACH,
            "kubelet",
            format!("{why}; it needs the flags: {}", flags.join(" ")),
        ));
    }
    plan.absent =
        ours().into_iter().filter(|path| !plan.files.iter().any(|file| file.path == *path)).collect();
    plan.summary = summary(machine, &told, halted);
    plan
}

/// What keeps a node from joining as a healthy one while nobody knows yet whether it is one. The halt's conditions
/// stand before the halt, so that no part of it is there without the other.
pub(crate) fn guard(machine: &Machine, wanted: &Wanted) -> Vec<FileSpec> {
    match wanted.on_trouble {
        OnTrouble::Join => Vec::new(),
        OnTrouble::Halt => conditions(machine).chain([halt(wanted)]).collect(),
        OnTrouble::Taint => {
            let told = Told::new(machine, wanted, &mut Vec::new());
            files_of_flags(machine, &told.flags())
        }
    }
}

/// Every file of this step that is not always there.
fn ours() -> Vec<PathBuf> {
    let drop_in = format!("{DROP_INS}/{NODEADM_FILE}");
    [HALT, &drop_in, ENVIRONMENT, ENVIRONMENT_DROP_IN].map(PathBuf::from).into()
}

fn summary(machine: &Machine, told: &Told, halted: bool) -> String {
    let counts = format!("{}, {}", count(told.labels.len(), "label"), count(told.taints.len(), "taint"));
    let text = match &machine.way {
        Way::Nodeadm => format!("{counts}, through nodeadm"),
        Way::ExtraArgs { .. } => format!("{counts}, through KUBELET_EXTRA_ARGS"),
        Way::Closed(why) | Way::None(why) => why.clone(),
    };
    if halted { format!("halted, the node does not join; {text}") } else { text }
}

/// Always there, so that a halt works at once. A unit whose condition does not hold is skipped, not failed.
fn conditions(machine: &Machine) -> impl Iterator<Item = FileSpec> {
    let condition = format!(
        "# Written by gpunode-agent: onFailure = \"halt\" keeps the node out of the cluster.\n[Unit]\nConditionPathExists=!{HALT}\n"
    );
    machine.units.iter().map(move |unit| {
        FileSpec::new(format!("/etc/systemd/system/{unit}.d/10-gpunode.conf"), condition.clone())
    })
}

fn halt(wanted: &Wanted) -> FileSpec {
    FileSpec::new(HALT, wanted.troubles.join("\n") + "\n")
}

/// The files that hand flags to the kubelet, where one can be reached.
fn files_of_flags(machine: &Machine, flags: &[String]) -> Vec<FileSpec> {
    match &machine.way {
        Way::Nodeadm if !flags.is_empty() => {
            let node_config = NodeConfig { kubelet_flags: flags.to_vec(), ..NodeConfig::default() };
            vec![FileSpec::new(format!("{DROP_INS}/{NODEADM_FILE}"), node_config.render())]
        }
        Way::ExtraArgs { operators } => extra_args(operators, flags),
        Way::Nodeadm | Way::Closed(_) | Way::None(_) => Vec::new(),
    }
}

fn extra_args(operators: &str, flags: &[String]) -> Vec<FileSpec> {
    if flags.is_empty() {
        return Vec::new();
    }
    let separator = if operators.is_empty() { "" } else { " " };
    vec![
        FileSpec::new(
            ENVIRONMENT,
            format!(
                "# Written by gpunode-agent: the operator's words, then ours.\nKUBELET_EXTRA_ARGS={operators}{separator}{}\n",
                flags.join(" ")
            ),
        ),
        FileSpec::new(
            ENVIRONMENT_DROP_IN,
            format!("# Written by gpunode-agent.\n[Service]\nEnvironmentFile=-{ENVIRONMENT}\n"),
        ),
    ]
}
