//! What a cluster must show of a machine's findings: from the catalogue of rules and the words of the README, and from none
//! of the daemonset's own code.
#![expect(clippy::panic, reason = "a test whose finding nobody knows has failed")]

use std::collections::{BTreeMap, BTreeSet};

use gpunode_host::Severity;
use gpunode_host::health::rules;

use crate::looked::Machine;

/// A finding as the cases write it: `GpuLost gpu 3`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    severity: Severity,
    /// `node`, `gpu`, `switch`, `efa`, `eni`.
    kind: String,
    number: usize,
    code: String,
}

/// What the cluster must show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Status and reason, by condition.
    pub conditions: BTreeMap<&'static str, (&'static str, String)>,
    /// What each sick device's label says; a GPU that NVML does not count has its address in place of its index.
    pub sick: BTreeMap<String, String>,
    /// `gpu.healthy` and `efa.healthy`.
    pub healthy: (usize, usize),
    /// Code and severity of each series of `gpunode_finding`.
    pub series: Vec<(String, &'static str)>,
}

/// The expected and the actual events' reasons, with their types.
pub type Told = BTreeSet<(String, &'static str)>;

impl Expected {
    /// What these findings come to.
    ///
    /// # Panics
    /// When the catalogue does not have one of them.
    pub fn of(machine: &Machine, findings: &[String]) -> Self {
        let mut all: Vec<_> = findings.iter().map(|text| Finding::parse(text)).collect();
        // Worst first, then the node, GPUs, switches, EFA, each by number, then by code.
        all.sort_by_key(|it| (std::cmp::Reverse(it.severity), it.order(), it.number, it.code.clone()));
        let mut sick = BTreeMap::new();
        for finding in all.iter().filter(|it| it.severity == Severity::Error) {
            if let Some(label) = finding.label(machine) {
                sick.entry(label).or_insert_with(|| word(&finding.code).to_owned());
            }
        }
        let ill = |prefix: &str| sick.keys().filter(|label| label.starts_with(prefix)).count();
        let gpus = gpunode_host::gpu_pci::devices(&gpunode_host::Root::new(machine.tree.path())).len();
        // Without its driver there is no device to count.
        let efas =
            if all.iter().any(|it| it.code == "EfaDriverAbsent") { 0 } else { machine.tree.efa_count() };
        let healthy = (gpus - ill("gpu-"), efas - ill("efa-"));
        let conditions = [
            ("GPUHealthy", condition(&all, Finding::is_gpu, "GpusAreHealthy")),
            ("EFAHealthy", condition(&all, Finding::is_efa, "EfaIsHealthy")),
        ];
        let mut series: Vec<_> = all.iter().map(|it| (it.code.clone(), it.severity_word())).collect();
        series.sort();
        Self { conditions: conditions.into(), sick, healthy, series }
    }

    /// The events of findings that appeared, and of those that went.
    pub fn events(appeared: &[String], gone: &[String]) -> Told {
        let kind = |finding: &Finding| if finding.severity > Severity::Info { "Warning" } else { "Normal" };
        let found = appeared.iter().map(|text| Finding::parse(text)).map(|it| (it.code.clone(), kind(&it)));
        let over = gone.iter().map(|text| Finding::parse(text)).filter(|it| it.severity > Severity::Info);
        found.chain(over.map(|it| (format!("{}Cleared", it.code), "Normal"))).collect()
    }
}

impl Finding {
    fn parse(text: &str) -> Self {
        let mut words = text.split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let (code, kind, number) = (word(), word(), word());
        let rule = rules::find(&code).unwrap_or_else(|| panic!("{code} is not in the catalogue"));
        Self { severity: rule.severity, kind, number: number.parse().unwrap_or_default(), code }
    }

    fn order(&self) -> usize {
        ["node", "gpu", "switch", "efa"].iter().position(|kind| *kind == self.kind).unwrap_or(3)
    }

    fn is_gpu(&self) -> bool {
        let of_node =
            ["Gpu", "Nvml", "Nvidia", "Uvm", "DriverApi"].iter().any(|word| self.code.starts_with(word));
        matches!(self.kind.as_str(), "gpu" | "switch") || self.kind == "node" && of_node
    }

    fn is_efa(&self) -> bool {
        let of_node = ["Efa", "Libfabric"].iter().any(|word| self.code.starts_with(word));
        matches!(self.kind.as_str(), "efa" | "eni") || self.kind == "node" && of_node
    }

    fn severity_word(&self) -> &'static str {
        match self.severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }

    /// By NVML's index, or by network card.
    fn label(&self, machine: &Machine) -> Option<String> {
        match self.kind.as_str() {
            "gpu" => Some(format!("gpu-{}", self.number)),
            "efa" | "eni" => card(machine, self.number),
            _ => None,
        }
    }
}

/// The name of an EFA's label, by its network card.
pub fn card(machine: &Machine, number: usize) -> Option<String> {
    let mac = machine.tree.efa(number).mac().to_owned();
    let enis = machine.tree.enis();
    enis.iter().find(|eni| eni.mac == mac).map(|eni| format!("efa-{}", eni.network_card))
}

/// `False` for an error and with its code; `True` else, with the worst warning's code where there is one.
fn condition(all: &[Finding], is_its: fn(&Finding) -> bool, well: &str) -> (&'static str, String) {
    match all.iter().find(|it| is_its(it) && it.severity >= Severity::Warning) {
        Some(worst) if worst.severity == Severity::Error => ("False", worst.code.clone()),
        Some(worst) => ("True", worst.code.clone()),
        None => ("True", well.to_owned()),
    }
}

/// The label's value for each fault of the cases.
fn word(code: &str) -> &'static str {
    match code {
        "EfaAdminTimeout" | "EfaCardFault" | "EfaAbsent" | "EfaNotBound" | "EfaKeepAliveStalled" => "down",
        "EfaHidden" => "hidden",
        "GpuDrainRequired" => "drain-required",
        "GpuFabricFailed" => "fabric-failed",
        "GpuFabricNotReady" => "fabric-not-ready",
        "GpuFellOffBus" => "fell-off-bus",
        "GpuInitFailed" => "init-failed",
        "GpuLost" => "lost",
        "GpuNotBound" => "not-bound",
        "GpuOffBus" => "off-bus",
        "GpuPagesMany" => "pages-many",
        "GpuPcieFatal" => "pcie-fatal",
        "GpuRebootRequired" => "reboot-required",
        "GpuRemapFailed" => "remap-failed",
        "GpuResetRequired" => "reset-required",
        "GpuSramThreshold" => "sram-threshold",
        "GpuUnreachable" => "unreachable",
        "NvlinkDown" => "nvlink-down",
        "Xid48" => "xid-48",
        "Xid62" => "xid-62",
        "Xid79" => "xid-79",
        "Xid119" => "xid-119",
        other => panic!("which word stands for {other}?"),
    }
}
