//! What one line of the kernel log shows.

mod nvrm;
mod other;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use super::gpus::recovery_rule;
use crate::health::{Now, Sighting, Subject, rules};
use crate::kernel_log::{EfaClass, EfaEvent, Event, SxidEvent, XidEvent, XidTail};
use crate::pci_address::PciAddress;
use crate::xid::RecoveryAction;
use crate::{sxid, xid};

/// Lines of one fault come within this span, in no certain order.
const ONE_FAULT: Duration = Duration::from_secs(2);

/// Which thing an address or a name is.
pub trait Names {
    /// The device at `pci`: a GPU, an EFA, a switch, or any other.
    fn at(&self, pci: &str) -> Subject;
    /// The EFA device of this name.
    fn efa(&self, device: &str) -> Option<Subject>;
}

/// What a line shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Signs.
    pub sightings: Vec<Sighting>,
    /// Earlier signs that this line explains.
    pub withdrawn: Vec<Sighting>,
    /// Devices that were reset, or that their driver started anew.
    pub reset: Vec<Subject>,
    /// Whether the NVIDIA driver was loaded.
    pub gpu_driver_loaded: bool,
    /// A GPU's UUID, said before its first XID, also where NVML is dead.
    pub uuid: Option<(PciAddress, String)>,
    /// Whether a sweep may show more.
    pub wants_sweep: bool,
}

/// What earlier lines showed, as far as later ones explain it.
#[derive(Debug, Default)]
pub struct Kernel {
    xids: VecDeque<(Duration, u32)>,
    explainable: VecDeque<(Duration, &'static [u32], Sighting)>,
}

impl Kernel {
    /// What `event` shows, said at `now`.
    pub fn judge(&mut self, now: Now, event: &Event, names: &dyn Names) -> Heard {
        match event {
            Event::Xid(event) => self.xid(now, event, names),
            Event::Sxid(event) => self.sxid(now, event),
            Event::Nvrm(event) => nvrm::judge(event, names),
            Event::Efa(event) => efa(event, names),
            other => {
                Heard { sightings: other::judge(other, names).into_iter().collect(), ..Heard::default() }
            }
        }
    }

    fn xid(&mut self, now: Now, event: &XidEvent, names: &dyn Names) -> Heard {
        let subject = names.at(&event.pci.to_string());
        let mut heard = Heard { wants_sweep: true, ..Heard::default() };
        if let Some(XidTail::Recovery { to, .. }) = &event.tail {
            heard.recovery(*to, subject);
            return heard;
        }
        let verdict = xid::judge(event);
        let meaning = xid::find(event.code).map_or("not in the table", |row| row.meaning);
        let sighting = Sighting::new(rules::xid::rule(event), subject, message(event, meaning));
        self.add(now, sighting, verdict.explained_by, &mut heard);
        self.explains(now, event.code, &mut heard);
        heard
    }

    fn sxid(&mut self, now: Now, event: &SxidEvent) -> Heard {
        let verdict = sxid::judge(event);
        let rule = match (verdict.condemns, verdict.severity) {
            (true, _) => &rules::NVSWITCH_FATAL,
            (false, crate::Severity::Info) => &rules::NVSWITCH_NONFATAL,
            (false, _) => &rules::NVSWITCH_UNDECIDED,
        };
        let meaning = sxid::find(event.code).map_or("not in the table", |row| row.meaning);
        let link = event.link.map(|link| format!(", link {link}")).unwrap_or_default();
        let message = format!("SXid {}: {meaning}{link}", event.code);
        let subject = Subject::NvSwitch { pci: event.pci.to_string() };
        let mut heard = Heard { wants_sweep: true, ..Heard::default() };
        self.add(now, Sighting::new(rule, subject, message), verdict.explained_by, &mut heard);
        heard
    }

    /// A sign that another XID of the same moment explains is none of its own.
    fn add(&mut self, now: Now, sighting: Sighting, explained_by: &'static [u32], heard: &mut Heard) {
        while self.xids.front().is_some_and(|(at, _)| now.since(*at) > ONE_FAULT) {
            self.xids.pop_front();
        }
        if self.xids.iter().any(|(_, code)| explained_by.contains(code)) {
            return;
        }
        if !explained_by.is_empty() {
            self.explainable.push_back((now.boot, explained_by, sighting.clone()));
        }
        heard.sightings.push(sighting);
    }

    fn explains(&mut self, now: Now, code: u32, heard: &mut Heard) {
        // A storm repeats a code by the thousand; it explains no more than once does.
        match self.xids.iter_mut().find(|(_, known)| *known == code) {
            Some((at, _)) => *at = now.boot,
            None => self.xids.push_back((now.boot, code)),
        }
        for (at, by, sighting) in std::mem::take(&mut self.explainable) {
            if now.since(at) > ONE_FAULT {
                continue;
            }
            if by.contains(&code) {
                heard.withdrawn.push(sighting);
            } else {
                self.explainable.push_back((at, by, sighting));
            }
        }
    }
}

impl Heard {
    fn recovery(&mut self, to: RecoveryAction, subject: Subject) {
        if to == RecoveryAction::None {
            self.reset.push(subject);
            return;
        }
        let (rule, words) =
            recovery_rule(to.number()).unwrap_or((&rules::GPU_RECOVERY_UNKNOWN, "one that is not known"));
        self.sightings.push(Sighting::new(rule, subject, format!("the driver's recovery action is {words}")));
    }
}

/// Without the process, which changes from line to line of one storm; the catalogue's words and the line's first.
fn message(event: &XidEvent, meaning: &str) -> String {
    match &event.tail {
        Some(XidTail::NvLink(tail)) => {
            let link = tail.link.map(|link| format!(", link {link}")).unwrap_or_default();
            let row = xid::nvlink5::find(event.code, tail);
            let look = row.and_then(|row| row.look.words()).map(|words| format!("; look at {words}"));
            format!("Xid {}: {meaning} ({}{link}){}", event.code, tail.unit, look.unwrap_or_default())
        }
        _ => format!("Xid {}: {meaning}", event.code),
    }
}

fn efa(event: &EfaEvent, names: &dyn Names) -> Heard {
    let by_name = || event.device.as_deref().and_then(|device| names.efa(device));
    let at = || event.pci.map(|pci| names.at(&pci.to_string()));
    let Some(subject) = at().or_else(by_name) else { return Heard::default() };
    let rule = match event.kind.class() {
        EfaClass::Fatal => &rules::EFA_CARD_FAULT,
        EfaClass::Suspect => &rules::EFA_CARD_SUSPECT,
        EfaClass::Good => return Heard { reset: vec![subject], ..Heard::default() },
        EfaClass::Removed => return Heard::default(),
    };
    Heard { sightings: vec![Sighting::new(rule, subject, event.text.clone())], ..Heard::default() }
}
