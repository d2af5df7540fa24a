//! What belongs to no card.

use std::collections::BTreeMap;

use super::card::Said;
use crate::Root;
use crate::bounded::Job;
use crate::efa::{join, text};

/// What belongs to no card, among the names of cards and the addresses of functions.
pub(super) const REST: &str = "/sys/class/net";

/// What belongs to all cards together.
#[derive(Clone, Debug, Default)]
pub(super) struct Rest {
    /// The module's version.
    pub(super) version: Option<String>,
    /// Network devices by MAC address.
    pub(super) netdevs: BTreeMap<String, String>,
}

pub(super) fn rest(root: Root, devices: bool) -> Job<Said> {
    Box::new(move || {
        let netdevs = if devices { join::netdevs(&root) } else { BTreeMap::new() };
        Said::Rest(Rest { version: text(&root, "/sys/module/efa/version"), netdevs })
    })
}
