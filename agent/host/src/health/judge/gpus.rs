//! What one NVML sweep shows.

mod fabric;
mod hung;
mod links;
mod load;
mod memory;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub(in crate::health) use fabric::faults as fabric_faults;
pub use hung::Hung;

use gpunode_probe_protocol::gpu::{Entry, Gpu, Sweep};

use super::{Expect, Rate};
use crate::health::{GpuName, Now, Rule, Sighting, Subject, rules};

/// What earlier sweeps showed, as far as later ones are compared with it.
#[derive(Debug, Default)]
pub struct Gpus {
    past: BTreeMap<String, Past>,
    /// PCI addresses by NVML index.
    indexes: BTreeMap<u32, String>,
}

/// Of one GPU.
#[derive(Debug, Default)]
struct Past {
    recovery_action: Option<u32>,
    links: links::Past,
    replays: Rate,
    pcie_fatal: Rate,
}

/// What a sweep shows.
#[derive(Debug, Default)]
pub struct Judged {
    /// The signs.
    pub sightings: Vec<Sighting>,
    /// GPUs that have proof of a reset: the driver asked for something and asks for nothing now.
    pub reset: Vec<Subject>,
}

/// One GPU of a sweep, and where its signs go.
struct Look<'a> {
    gpu: &'a Gpu,
    now: Now,
    expect: &'a Expect,
    /// The most active links that any GPU of the machine has.
    most_links: usize,
    /// The highest PCIe generation at which any busy GPU of the machine runs.
    top_generation: u32,
    sightings: &'a mut Vec<Sighting>,
}

impl Look<'_> {
    fn sees(&mut self, rule: &'static Rule, message: impl Into<String>) {
        let subject = Subject::Gpu(name(self.gpu));
        self.sightings.push(Sighting::new(rule, subject, message));
    }
}

/// Every name of `gpu`.
pub fn name(gpu: &Gpu) -> GpuName {
    GpuName {
        pci: gpu.pci.clone(),
        index: Some(gpu.index),
        uuid: gpu.uuid.value().cloned(),
        serial: gpu.serial.value().cloned(),
    }
}

impl Gpus {
    /// The signs of one sweep. `bus` has the PCI addresses of the GPUs that the NVIDIA driver drives.
    pub fn judge(&mut self, now: Now, sweep: &Sweep, bus: &[String], expect: &Expect) -> Judged {
        let mut judged = Judged::default();
        let gpus = || sweep.gpus.iter().filter_map(read);
        let most_links = gpus().map(links::active).max().unwrap_or(0);
        let top_generation = gpus().filter_map(load::busy_generation).max().unwrap_or(0);
        for entry in &sweep.gpus {
            match entry {
                Entry::Read(gpu) => {
                    self.indexes.insert(gpu.index, gpu.pci.clone());
                    let past = self.past.entry(gpu.pci.clone()).or_default();
                    let sightings = &mut judged.sightings;
                    let look = Look { gpu, now, expect, most_links, top_generation, sightings };
                    if past.judge(look) {
                        judged.reset.push(Subject::Gpu(name(gpu)));
                    }
                }
                Entry::Unreachable { index, pci, code } => {
                    let pci = pci.as_ref().or_else(|| self.indexes.get(index));
                    judged.sightings.push(unreachable(*index, pci, *code, sweep, bus));
                }
                Entry::Skipped { .. } => {}
            }
        }
        if sweep.stuck.is_none() {
            judged.sightings.extend(unlisted(sweep, bus, &judged.sightings));
        }
        judged
    }
}

/// A GPU without a handle may say no name; then it is the one that nobody else is.
fn unreachable(index: u32, pci: Option<&String>, code: u32, sweep: &Sweep, bus: &[String]) -> Sighting {
    let mut others = bus.iter().filter(|pci| !sweep.gpus.iter().any(|entry| is(entry, pci)));
    let only = others.next().filter(|_| others.next().is_none());
    let pci = pci.or(only).cloned().unwrap_or_else(|| format!("index {index}"));
    let subject = Subject::Gpu(GpuName { pci, index: Some(index), ..GpuName::default() });
    let rule = if code == state::LOST { &rules::GPU_LOST } else { &rules::GPU_UNREACHABLE };
    Sighting::new(rule, subject, format!("NVML gives no handle for index {index}: {}", state::words(code)))
}

impl Past {
    /// Adds the signs; says whether the GPU was reset.
    fn judge(&mut self, mut look: Look<'_>) -> bool {
        if state::is_lost(&mut look) {
            return false;
        }
        let reset = self.recovery_action(&mut look);
        memory::judge(&mut look);
        links::judge(&mut look, &mut self.links);
        load::judge(&mut look);
        load::pcie(&mut look, &mut self.replays, &mut self.pcie_fatal);
        state::judge(&mut look);
        reset
    }

    fn recovery_action(&mut self, look: &mut Look<'_>) -> bool {
        let Some(action) = look.gpu.recovery_action.value().copied() else { return false };
        let before = self.recovery_action.replace(action);
        if let Some((rule, words)) = recovery_rule(action) {
            look.sees(rule, format!("the driver's recovery action is {words}"));
        }
        action == 0 && before.is_some_and(|before| before != 0)
    }
}

/// The rule and the words of a recovery action (`nvmlDeviceGpuRecoveryAction_t`); `None` for none, and for numbers
/// that no version documents.
pub fn recovery_rule(action: u32) -> Option<(&'static Rule, &'static str)> {
    Some(match action {
        1 => (&rules::GPU_RESET_REQUIRED, "1, reset the GPU"),
        2 => (&rules::GPU_REBOOT_REQUIRED, "2, reboot the node"),
        3 => (&rules::GPU_DRAIN_REQUIRED, "3, drain peer-to-peer traffic"),
        4 => (&rules::GPU_DRAIN_REQUIRED, "4, drain and reset"),
        5 => (&rules::GPU_IMEX_RECOVERY, "5, recover the IMEX domain"),
        6 => (&rules::GPU_REBOOT_REQUIRED, "6, reset the bus"),
        7 => (&rules::GPU_REBOOT_REQUIRED, "7, reboot the system"),
        _ => return None,
    })
}

fn read(entry: &Entry) -> Option<&Gpu> {
    match entry {
        Entry::Read(gpu) => Some(gpu),
        _ => None,
    }
}

fn is(entry: &Entry, address: &str) -> bool {
    match entry {
        Entry::Read(gpu) => gpu.pci == address,
        Entry::Skipped { pci, .. } | Entry::Unreachable { pci, .. } => pci.as_deref() == Some(address),
    }
}

/// GPUs that the driver drives and NVML does not count: NVML counts only those that initialised.
fn unlisted(sweep: &Sweep, bus: &[String], known: &[Sighting]) -> Vec<Sighting> {
    let counted = sweep.gpus.len();
    // Left out of the look, and nobody knows its address: the one that seems to be missing is there.
    let nameless =
        sweep.gpus.iter().filter(|entry| matches!(entry, Entry::Skipped { pci: None, .. })).count();
    let unlisted: Vec<_> = bus
        .iter()
        .filter(|pci| !sweep.gpus.iter().any(|entry| is(entry, pci)))
        .filter(|pci| !known.iter().any(|sighting| sighting.subject == Subject::gpu(pci.as_str())))
        .map(|pci| {
            let message =
                format!("on the PCI bus with its driver, but not among the {counted} that NVML counts");
            Sighting::new(&rules::GPU_UNREACHABLE, Subject::gpu(pci.as_str()), message)
        })
        .collect();
    if unlisted.len() > nameless { unlisted } else { Vec::new() }
}
