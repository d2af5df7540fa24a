//! How the cases name things.
#![allow(clippy::panic, reason = "a case that names what is not there has failed")]

use gpunode_host::gpu_pci;
use gpunode_host::health::{Kind, Present, Subject};

use super::Bed;

/// A finding as the cases write it.
pub(super) fn finding(bed: &Bed, finding: &Present) -> String {
    format!("{} {}", finding.code, subject(bed, &finding.subject))
}

fn subject(bed: &Bed, subject: &Subject) -> String {
    let id = subject.id();
    let number = |what: &str, mut all: Box<dyn Iterator<Item = String> + '_>| {
        all.position(|name| name == id)
            .map_or_else(|| format!("{what} {id}"), |number| format!("{what} {number}"))
    };
    match subject.kind() {
        Kind::Node => "node".to_owned(),
        Kind::Gpu => number("gpu", Box::new(gpus(bed))),
        Kind::Efa => {
            let by_address = number("efa", Box::new(efas(bed)));
            let enis = bed.tree.enis();
            let mac = enis.iter().find(|eni| eni.eni_id == id).map(|eni| eni.mac.as_str());
            let by_mac = |mac| (0..bed.tree.efa_count()).find(|number| bed.tree.efa(*number).mac() == mac);
            mac.and_then(by_mac).map_or(by_address, |number| format!("eni {number}"))
        }
        Kind::NvSwitch => number("switch", Box::new(switches(bed))),
        Kind::Disk => format!("disk {id}"),
        Kind::Pci => format!("pci {id}"),
    }
}

/// `text` with every name in braces replaced.
pub(super) fn fill(bed: &Bed, text: &str) -> String {
    let mut filled = text.to_owned();
    while let Some((before, rest)) = filled.split_once('{') {
        let Some((name, after)) = rest.split_once('}') else { panic!("{text}: a brace is left open") };
        filled = format!("{before}{}{after}", value(bed, name));
    }
    filled
}

fn value(bed: &Bed, name: &str) -> String {
    let (kind, field) = name.split_once('.').unwrap_or((name, ""));
    let digits = kind.trim_start_matches(|c: char| !c.is_ascii_digit());
    let number = digits.parse().unwrap_or_else(|_| panic!("{name}: no number"));
    match (kind.strip_suffix(digits).unwrap_or_default(), field) {
        // The NVIDIA driver leaves the function out.
        ("gpu", "") => bed.tree.gpu(number).address().trim_end_matches(".0").to_owned(),
        ("switch", "") => switches(bed).nth(number).unwrap_or_default(),
        ("efa", "") => bed.tree.efa(number).address().to_owned(),
        ("efa", "name") => bed.tree.efa(number).name().to_owned(),
        _ => panic!("{name}: there is no such thing"),
    }
}

fn gpus(bed: &Bed) -> impl Iterator<Item = String> {
    (0..bed.tree.gpu_count()).map(|number| bed.tree.gpu(number).address().to_owned())
}

fn efas(bed: &Bed) -> impl Iterator<Item = String> {
    (0..bed.tree.efa_count()).map(|number| bed.tree.efa(number).address().to_owned())
}

fn switches(bed: &Bed) -> impl Iterator<Item = String> {
    gpu_pci::nvswitches(&bed.root).into_iter().map(|switch| switch.address)
}
