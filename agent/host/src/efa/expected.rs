//! How many EFA devices there should be.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::catalog::{InstanceType, NetworkCard};
use crate::metadata::Eni;

/// What is known about how many EFA devices there should be. EFA interfaces are attached at launch or never; the
/// launch template may attach fewer than the type can have, and the metadata does not tell `efa` from plain Ethernet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Expected {
    /// What the operator says (`efa.expectedCount`).
    pub told: Option<u32>,
    /// What a full layout of the instance type has.
    pub full: Option<u32>,
    /// Attached interfaces that are EFA for certain: those without any address. `None` without metadata.
    pub attached_at_least: Option<u32>,
    /// Network cards with an interface, of those that can carry EFA. A card carries one EFA at most.
    pub attached_at_most: Option<u32>,
}

impl Expected {
    /// From the operator, the catalogue and the metadata, each where there is one.
    pub fn new(told: Option<u32>, kind: Option<&InstanceType>, enis: Option<&[Eni]>) -> Self {
        let able = |card: u32| {
            let known = kind.and_then(|kind| kind.cards.iter().find(|entry| entry.index == card));
            known.is_none_or(NetworkCard::supports_efa)
        };
        let certain = |enis: &[Eni]| number(enis.iter().filter(|eni| eni.has_no_address()).count());
        let cards = |enis: &[Eni]| {
            let cards: BTreeSet<_> = enis.iter().map(|eni| eni.network_card).collect();
            number(cards.into_iter().filter(|card| able(*card)).count())
        };
        let full = kind.and_then(InstanceType::expected_efa);
        let most = enis.map(cards);
        Self {
            told,
            full,
            attached_at_least: enis.map(certain),
            attached_at_most: kind.map_or(most, |kind| most.map(|most| most.min(kind.efa_max))),
        }
    }

    /// The number to compare with. The operator's word; else the full layout where that many can be attached; else
    /// the interfaces that are EFA for certain, where there are any. `None` where nothing can be said.
    pub fn count(&self) -> Option<u32> {
        if self.told.is_some() {
            return self.told;
        }
        let most = self.attached_at_most.unwrap_or(u32::MAX);
        let least = self.attached_at_least.unwrap_or(0);
        match self.full {
            Some(full) if full <= most => Some(full.max(least)),
            _ if least > 0 => Some(least),
            _ if most == 0 => Some(0),
            _ => None,
        }
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
