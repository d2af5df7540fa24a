//! How the cases name things.
#![allow(clippy::panic, reason = "a case that names what is not there has failed")]

use gpunode_host::health::{Kind, Present, Subject};
use gpunode_host::{Root, gpu_pci};
use gpunode_tree::MachineTree;

/// A finding as the cases write it.
pub(super) fn finding(tree: &MachineTree, finding: &Present) -> String {
    format!("{} {}", finding.code, subject(tree, &finding.subject))
}

fn subject(tree: &MachineTree, subject: &Subject) -> String {
    let id = subject.id();
    let number = |what: &str, mut all: Box<dyn Iterator<Item = String> + '_>| {
        all.position(|name| name == id)
            .map_or_else(|| format!("{what} {id}"), |number| format!("{what} {number}"))
    };
    match subject.kind() {
        Kind::Node => "node".to_owned(),
        Kind::Gpu => number("gpu", Box::new(gpus(tree))),
        Kind::Efa => {
            let by_address = number("efa", Box::new(efas(tree)));
            let enis = tree.enis();
            let mac = enis.iter().find(|eni| eni.eni_id == id).map(|eni| eni.mac.as_str());
            let by_mac = |mac| (0..tree.efa_count()).find(|number| tree.efa(*number).mac() == mac);
            mac.and_then(by_mac).map_or(by_address, |number| format!("eni {number}"))
        }
        Kind::NvSwitch => number("switch", Box::new(switches(tree))),
        Kind::Disk => format!("disk {id}"),
        Kind::Pci => format!("pci {id}"),
    }
}

/// `text` with every name in braces replaced.
pub(super) fn fill(tree: &MachineTree, text: &str) -> String {
    let mut filled = text.to_owned();
    while let Some((before, rest)) = filled.split_once('{') {
        let Some((name, after)) = rest.split_once('}') else { panic!("{text}: a brace is left open") };
        filled = format!("{before}{}{after}", value(tree, name));
    }
    filled
}

fn value(tree: &MachineTree, name: &str) -> String {
    let (kind, field) = name.split_once('.').unwrap_or((name, ""));
    let digits = kind.trim_start_matches(|c: char| !c.is_ascii_digit());
    let number = digits.parse().unwrap_or_else(|_| panic!("{name}: no number"));
    match (kind.strip_suffix(digits).unwrap_or_default(), field) {
        // The NVIDIA driver leaves the function out.
        ("gpu", "") => tree.gpu(number).address().trim_end_matches(".0").to_owned(),
        ("switch", "") => switches(tree).nth(number).unwrap_or_default(),
        ("efa", "") => tree.efa(number).address().to_owned(),
        ("efa", "name") => tree.efa(number).name().to_owned(),
        _ => panic!("{name}: there is no such thing"),
    }
}

fn gpus(tree: &MachineTree) -> impl Iterator<Item = String> {
    (0..tree.gpu_count()).map(|number| tree.gpu(number).address().to_owned())
}

fn efas(tree: &MachineTree) -> impl Iterator<Item = String> {
    (0..tree.efa_count()).map(|number| tree.efa(number).address().to_owned())
}

fn switches(tree: &MachineTree) -> impl Iterator<Item = String> {
    gpu_pci::nvswitches(&Root::new(tree.path())).into_iter().map(|switch| switch.address)
}
