//! EFA interfaces: every counter that the driver has, under the names of the AWS samples' exporter.

use gpunode_host::efa::counters::{Counter, Counters};
use gpunode_host::health::report::Efa;

use super::Facts;
use super::gpu::{STANDING, standing};
use super::page::Page;

/// EFA devices have one port.
const PORT: &str = "1";

pub(super) fn add(page: &mut Page, facts: &Facts<'_>) {
    for efa in &facts.report.efa {
        let names = Names::new(efa);
        page.gauge("gpunode_efa_standing", STANDING, &names.all(), standing(efa.standing));
        let Some(device) = &efa.device else { continue };
        let port = [("device", device.as_str()), ("port", PORT)];
        if let Some(gbps) = efa.rate_gbps {
            page.gauge(
                "node_infiniband_rate_bytes_per_second",
                "Maximum signal transfer rate",
                &port,
                f64::from(gbps) * 1e9 / 8.0,
            );
        }
        let driver = efa.driver_version.as_deref().unwrap_or_default();
        let firmware = efa.firmware.as_deref().unwrap_or_default();
        let mut info = names.all().to_vec();
        info.extend([("driver_version", driver), ("firmware", firmware)]);
        page.gauge("node_amazonefa_info", "An EFA interface; the value is always 1.", &info, 1.0);
        for counters in [&facts.known.device_counters, &facts.known.port_counters] {
            if let Some(counters) = counters.get(device) {
                add_counters(page, &names, counters);
            }
        }
    }
}

/// How an interface is called.
struct Names {
    device: String,
    pci: String,
    eni: String,
    card: String,
}

impl Names {
    fn new(efa: &Efa) -> Self {
        let text = |name: &Option<String>| name.clone().unwrap_or_default();
        let card = efa.network_card.map(|card| card.to_string()).unwrap_or_default();
        Self { device: text(&efa.device), pci: text(&efa.pci), eni: text(&efa.eni), card }
    }

    fn all(&self) -> [(&str, &str); 5] {
        [
            ("device", &self.device),
            ("port", PORT),
            ("pci_bus_id", &self.pci),
            ("eni", &self.eni),
            ("network_card", &self.card),
        ]
    }
}

fn add_counters(page: &mut Page, names: &Names, counters: &Counters) {
    for (counter, value) in counters.iter() {
        page.counter(&name(counter), help(counter), &names.all(), value);
    }
}

/// They have no `_total` at their end there either.
fn name(counter: Counter) -> String {
    format!("node_amazonefa_{}", counter.name())
}

fn help(counter: Counter) -> &'static str {
    match counter {
        Counter::TxBytes => "Bytes sent.",
        Counter::RxBytes => "Bytes received.",
        Counter::RxDrops => "Packets received and dropped.",
        Counter::RetransPkts => "Packets sent again.",
        Counter::NoCompletionCmds => "Commands that the card never answered.",
        Counter::KeepAliveRcvd => "Signs of life from the card.",
        _ => "A counter of the EFA driver (efa_verbs.c).",
    }
}
