//! The metrics, in Prometheus' text form.
//!
//! Names are those of dcgm-exporter (`DCGM_FI_DEV_…`, labels `gpu`, `UUID`, `pci_bus_id`, `modelName`) and of
//! node_exporter (`node_infiniband_…`, labels `device`, `port`) where they mean the same, of the EFA exporter of the AWS
//! samples (`node_amazonefa_…`) for the counters of a card, so that existing dashboards work. What is ours begins with
//! `gpunode_`. There is no gauge of the last XID: findings have a series each, which goes away with the finding.

mod efa;
mod gpu;
mod own;
mod page;
#[cfg(test)]
mod tests;

use gpunode_host::health::Known;
use gpunode_host::health::report::Report;

use crate::publisher::Publisher;
use crate::reporter::Desired;
use page::Page;

/// What the metrics are made from: all of it is in memory.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) node: &'a str,
    pub(crate) report: &'a Report,
    pub(crate) known: &'a Known,
    pub(crate) desired: &'a Desired,
    pub(crate) publisher: &'a Publisher,
}

/// All metrics.
pub(crate) fn text(facts: &Facts<'_>) -> String {
    let mut page = Page::default();
    own::add(&mut page, facts);
    gpu::add(&mut page, facts);
    efa::add(&mut page, facts);
    page.into_text()
}
