//! The node's labels: what the machine has, and one for each sick device.

use std::collections::BTreeMap;

use gpunode_host::Severity;
use gpunode_host::health::report::{Report, SourceName, Standing};
use gpunode_host::health::{EfaName, GpuName, Present, Subject, rules};

use crate::area::Area;
use crate::keeper::Status;
use crate::names::PREFIX;

/// Labels by key.
pub type Labels = BTreeMap<String, String>;

/// Bytes that a name, and a value, may have (apimachinery, `validation.IsValidLabelValue`).
const MOST: usize = 63;

/// An EFA of which nothing can be had any more, whichever way it was found.
const DOWN: [&str; 8] = [
    rules::EFA_CARD_FAULT.code,
    rules::EFA_ADMIN_TIMEOUT.code,
    rules::EFA_QUEUE_CLOSED.code,
    rules::EFA_UNRESPONSIVE.code,
    rules::EFA_DRIVER_HANGS.code,
    rules::EFA_KEEP_ALIVE_STALLED.code,
    rules::EFA_ABSENT.code,
    rules::EFA_NOT_BOUND.code,
];

/// How far the areas are known: an area that is not keeps the labels that it had.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    /// The status of GPUs, where it rests on what is seen.
    pub(crate) gpus: Option<Status>,
    /// The same of EFA.
    pub(crate) efa: Option<Status>,
}

/// The labels now. `kind` is the instance type.
pub(crate) fn labels(report: &Report, kind: Option<&str>, known: Known, before: &Labels) -> Labels {
    let mut labels = Labels::new();
    let mut put = |name: &str, text: Option<String>| {
        if let Some(value) = text.as_deref().and_then(value) {
            labels.insert(format!("{PREFIX}{name}"), value);
        }
    };
    put("instance-family", kind.and_then(|kind| kind.split('.').next()).map(str::to_owned));
    let disks_told = report.sources.iter().all(|source| source.name != SourceName::Disks);
    let disks = || before.get(&format!("{PREFIX}nvme.count")).cloned();
    put("nvme.count", if disks_told { Some(report.disks.len().to_string()) } else { disks() });
    if let Some(status) = known.gpus {
        put("gpu.count", Some(report.gpus.len().to_string()));
        put("gpu.healthy", Some(healthy(report.gpus.iter().map(|gpu| gpu.standing), status)));
        put("gpu.product", report.gpus.iter().find_map(|gpu| gpu.product.clone()));
        put("gpu.driver", report.versions.nvidia_driver.clone());
    }
    if let Some(status) = known.efa {
        put("efa.count", Some(report.efa.iter().filter(|efa| efa.device.is_some()).count().to_string()));
        put("efa.healthy", Some(healthy(report.efa.iter().map(|efa| efa.standing), status)));
        put("efa.version", report.versions.efa_driver.clone().or(report.versions.efa_installer.clone()));
    }
    let is_known = |area| match area {
        Area::Gpu => known.gpus.is_some(),
        Area::Efa => known.efa.is_some(),
        Area::Storage => true,
    };
    let kept = before.iter().filter(|(key, _)| area_of(key).is_some_and(|area| !is_known(area)));
    labels.extend(kept.map(|(key, value)| (key.clone(), value.clone())));
    for finding in &report.findings {
        if let Some((area, key, value)) = sick(report, finding).filter(|(area, ..)| is_known(*area)) {
            debug_assert!(area != Area::Storage, "disks have no labels of their own");
            // The worst comes first.
            labels.entry(key).or_insert(value);
        }
    }
    labels
}

/// Devices that may take work. One that says nothing counts as long as the whole counts as well.
fn healthy(all: impl Iterator<Item = Standing>, status: Status) -> String {
    let good = |standing: &Standing| match standing {
        Standing::Ok | Standing::Info | Standing::Warning => true,
        Standing::Unknown => status == Status::True,
        Standing::Error => false,
    };
    all.filter(good).count().to_string()
}

/// Whose labels these are: `gpu.count` and `gpu-3` are of the GPUs.
fn area_of(key: &str) -> Option<Area> {
    let name = key.strip_prefix(PREFIX)?;
    let is = |word: &str| name.strip_prefix(word).is_some_and(|rest| rest.starts_with(['.', '-']));
    if is("gpu") {
        Some(Area::Gpu)
    } else if is("efa") {
        Some(Area::Efa)
    } else {
        None
    }
}

/// The label of a sick device.
fn sick(report: &Report, finding: &Present) -> Option<(Area, String, String)> {
    if finding.severity != Severity::Error {
        return None;
    }
    let (area, name) = match &finding.subject {
        Subject::Gpu(name) => (Area::Gpu, gpu(report, name)),
        Subject::Efa(name) => (Area::Efa, efa(report, name)),
        Subject::Node | Subject::NvSwitch { .. } | Subject::Disk { .. } | Subject::Pci { .. } => return None,
    };
    Some((area, format!("{PREFIX}{}", value(&name)?), value(&word(finding.code))?))
}

/// By NVML's index, which is that of `nvidia-smi`; by its address where it has none.
fn gpu(report: &Report, name: &GpuName) -> String {
    let row = || report.gpus.iter().find(|gpu| gpu.pci.as_ref() == Some(&name.pci));
    match name.index.or_else(|| row().and_then(|gpu| gpu.index)) {
        Some(index) => format!("gpu-{index}"),
        None => format!("gpu-{}", name.pci),
    }
}

/// By its network card, which holds one EFA at most; by its name where that is not known.
fn efa(report: &Report, name: &EfaName) -> String {
    let row = || report.efa.iter().find(|efa| efa.pci.as_ref() == Some(&name.pci));
    if let Some(card) = name.network_card.or_else(|| row().and_then(|efa| efa.network_card)) {
        return format!("efa-{card}");
    }
    let names = [name.device.as_deref(), Some(name.pci.as_str()), name.eni.as_deref()];
    let known = names.into_iter().flatten().find(|name| !name.is_empty());
    format!("efa-{}", known.unwrap_or("unknown"))
}

/// What is wrong, in a word: `xid-79`, `lost`, `down`.
fn word(code: &str) -> String {
    if DOWN.contains(&code) {
        return "down".to_owned();
    }
    let short = code.strip_prefix("Gpu").or_else(|| code.strip_prefix("Efa")).unwrap_or(code);
    let mut text = String::new();
    let mut before = None;
    for c in short.chars() {
        let digit_begins = c.is_ascii_digit() && before.is_some_and(|b: char| b.is_ascii_alphabetic());
        if before.is_some() && (c.is_ascii_uppercase() || digit_begins) {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
        before = Some(c);
    }
    text
}

/// The text as a label's value; `None` where nothing of it can be one.
pub(crate) fn value(text: &str) -> Option<String> {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let replaced: String = text.chars().map(|c| if is_inner(c) { c } else { '-' }).collect();
    let is_outer = |c: char| !c.is_ascii_alphanumeric();
    let start = replaced.trim_start_matches(is_outer);
    let cut = start.get(..MOST.min(start.len())).unwrap_or_default();
    let value = cut.trim_end_matches(is_outer);
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpunode_host::kubernetes::{label_value, qualified_name};
    use proptest::prelude::*;

    #[test]
    fn each_fault_is_a_word() {
        let codes = ["Xid79", "GpuLost", "NvlinkDown", "EfaAdminTimeout", "EfaHidden", "Xid149Fatal"];
        let words = ["xid-79", "lost", "nvlink-down", "down", "hidden", "xid-149-fatal"];
        assert_eq!(codes.map(word), words);
    }

    #[test]
    fn every_code_is_a_value_as_it_is() {
        for rule in rules::all() {
            let word = word(rule.code);
            assert_eq!(value(&word).as_deref(), Some(word.as_str()), "{}", rule.code);
        }
    }

    #[test]
    fn products_are_written_as_others_write_them() {
        assert_eq!(value("NVIDIA H100 80GB HBM3").as_deref(), Some("NVIDIA-H100-80GB-HBM3"));
        assert_eq!(value(" (x) ").as_deref(), Some("x"));
        assert_eq!(value("--"), None);
    }

    proptest! {
        #[test]
        fn whatever_a_device_is_called_its_label_is_one(name in ".{0,80}") {
            if let Some(value) = value(&name) {
                prop_assert_eq!(label_value(&value), Ok(()));
                prop_assert_eq!(qualified_name(&format!("{PREFIX}{value}")), Ok(()));
            }
        }
    }
}
