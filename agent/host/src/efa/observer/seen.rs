//! From what is known to what a look has seen.

use super::card::{self, What};
use super::{Observer, REST};
use crate::efa::{DRIVER, Module, Observation};

impl Observer {
    pub(super) fn seen(&self, names: Vec<String>, addresses: Vec<String>, has_module: bool) -> Observation {
        let rest = self.rest.clone().unwrap_or_default();
        let mut seen = Observation::default();
        for name in names {
            let stalled = self.is_stalled(&name);
            let card = self.cards.get(&name);
            if stalled || card.is_none_or(|card| card.what.is_none()) {
                seen.late.push(name.clone());
            }
            match card.map_or_else(|| card::unread(&self.root, &name), |card| card.said(&self.root, &name)) {
                What::Efa(mut efa) => {
                    efa.stalled = stalled;
                    efa.netdev = efa.mac.as_ref().and_then(|mac| rest.netdevs.get(mac).cloned());
                    // The module of the driver that holds it.
                    efa.driver_version =
                        rest.version.clone().filter(|_| efa.driver.as_deref() == Some(DRIVER));
                    seen.devices.push(*efa);
                }
                What::Other(other) => seen.others.push(other),
            }
        }
        // Names are no order: rdmap113s0 is before rdmap79s0 by letters.
        seen.devices.sort_by(|one, other| one.pci_address.cmp(&other.pci_address));
        let silent = |name: &str, known: bool| !self.is_free(name) && (!known || self.is_stalled(name));
        let functions = addresses.iter().filter(|address| silent(address, self.functions.knows(address)));
        seen.late.extend(functions.cloned());
        seen.late.extend(silent(REST, self.rest.is_some()).then(|| REST.to_owned()));
        seen.module = has_module.then_some(Module { version: rest.version });
        seen.functions = self.functions.all(&self.root, addresses, &seen.devices);
        seen
    }
}
