//! NVLinks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::gpu::{Gpu, Link};

use super::Look;
use crate::health::judge::Rate;
use crate::health::rules;

/// A second and link (`DCGM_LIMIT_MAX_NVLINK_CRC_ERROR`).
const CRC_RATE: f64 = 100.0;

/// Counters of every link, and which links had errors lately.
#[derive(Debug, Default)]
pub(super) struct Past {
    rates: BTreeMap<u32, [Rate; 7]>,
    bad: BTreeSet<u32>,
    last: Duration,
}

pub(super) fn active(gpu: &Gpu) -> usize {
    gpu.links.iter().filter(|link| link.active == Reading::Value(true)).count()
}

pub(super) fn judge(look: &mut Look<'_>, past: &mut Past) {
    down(look);
    let grown: Vec<_> =
        look.gpu.links.iter().filter(|link| has_errors(look, link, past)).map(|link| link.index).collect();
    let hold = rules::NVLINK_ERRORS.hold.unwrap_or_default();
    if look.now.since(past.last) > hold {
        past.bad.clear();
    }
    if !grown.is_empty() {
        past.last = look.now.boot;
        // All that had errors lately, so that the message does not change with every look.
        past.bad.extend(grown);
        look.sees(&rules::NVLINK_ERRORS, format!("errors on {}", names(&past.bad)));
    }
}

/// Compared with the other GPUs, since the number differs by board, and a machine whose links are all down has
/// another fault. A100s close their links when MIG is on.
fn down(look: &mut Look<'_>) {
    let gpu = look.gpu;
    let active = active(gpu);
    if gpu.mig.value().is_some_and(|mig| mig.enabled) || active >= look.most_links {
        return;
    }
    let down: BTreeSet<_> =
        gpu.links.iter().filter(|link| link.active == Reading::Value(false)).map(|link| link.index).collect();
    if !down.is_empty() {
        let most = look.most_links;
        let message = format!("{active} of {most} links are active; down: {}", names(&down));
        look.sees(&rules::NVLINK_DOWN, message);
    }
}

fn has_errors(look: &Look<'_>, link: &Link, past: &mut Past) -> bool {
    let errors = &link.errors;
    let counters = [
        &errors.replay,
        &errors.recovery,
        &errors.recovery_failed,
        &errors.crc_flit,
        &errors.crc_data,
        &errors.receive,
        &errors.local_integrity,
    ];
    let rates = past.rates.entry(link.index).or_default();
    let mut bad = false;
    for (at, (rate, counter)) in rates.iter_mut().zip(counters).enumerate() {
        let Some(step) = rate.next(look.now, counter.value().copied()) else { continue };
        // The first three must never grow; the others only matter when they are many.
        bad |= if at < 3 { step.grew > 0 } else { step.per_second() >= CRC_RATE };
    }
    bad
}

fn names(links: &BTreeSet<u32>) -> String {
    let numbers: Vec<_> = links.iter().map(ToString::to_string).collect();
    format!("{} {}", if links.len() == 1 { "link" } else { "links" }, numbers.join(", "))
}
