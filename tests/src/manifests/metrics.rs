//! The metrics that alerts and the dashboard ask for: the one place where this side writes their names.
//!
//! The label `node` is added by the PodMonitor and the ServiceMonitor. Names beginning with `DCGM_` mean what they mean
//! in dcgm-exporter, `node_amazonefa_` what they mean in the EFA exporter of the AWS samples.

/// 1 for each finding that stands; labels `code`, `severity`, `gpu`, `device`, `pci_bus_id`, `stale`.
pub const FINDING: &str = "gpunode_finding";
/// 1 True, 0 False, -1 Unknown; label `condition`.
pub const CONDITION: &str = "gpunode_condition";
/// 0 ok, 1 worth knowing, 2 warning, 3 error, -1 nobody can tell; labels `gpu`, `pci_bus_id`.
pub const GPU_STANDING: &str = "gpunode_gpu_standing";
/// The same; labels `device`, `pci_bus_id`, `eni`, `network_card`.
pub const EFA_STANDING: &str = "gpunode_efa_standing";
/// Writes that failed and are tried again; label `write`.
pub const API_FAILURES: &str = "gpunode_api_failures_total";
/// Events that were dropped untold.
pub const EVENTS_LOST: &str = "gpunode_events_lost_total";

/// One panel of the dashboard.
pub struct Panel {
    /// Above it.
    pub title: &'static str,
    /// PromQL.
    pub query: &'static str,
    /// What each line is called.
    pub legend: &'static str,
    /// Grafana's name of the unit.
    pub unit: &'static str,
}

const fn panel(title: &'static str, query: &'static str, legend: &'static str, unit: &'static str) -> Panel {
    Panel { title, query, legend, unit }
}

const GPU: &str = "{{node}} GPU {{gpu}}";
const ENI: &str = "{{node}} card {{network_card}} {{eni}} {{device}}";

/// Panels with a line for each GPU.
pub const PER_GPU: &[Panel] = &[
    panel("Standing (3 error)", "gpunode_gpu_standing{node=~\"$node\"}", GPU, "short"),
    panel("Temperature", "DCGM_FI_DEV_GPU_TEMP{node=~\"$node\"}", GPU, "celsius"),
    panel("Power", "DCGM_FI_DEV_POWER_USAGE{node=~\"$node\"}", GPU, "watt"),
    panel("Use", "DCGM_FI_DEV_GPU_UTIL{node=~\"$node\"}", GPU, "percent"),
    panel("Memory in use", "DCGM_FI_DEV_FB_USED{node=~\"$node\"}", GPU, "decmbytes"),
    panel(
        "Uncorrected memory errors",
        "increase(DCGM_FI_DEV_ECC_DBE_VOL_TOTAL{node=~\"$node\"}[1h])",
        GPU,
        "short",
    ),
    panel(
        "NVLinks that are down",
        "gpunode_gpu_nvlinks{node=~\"$node\"} - gpunode_gpu_nvlinks_active{node=~\"$node\"}",
        GPU,
        "short",
    ),
    panel(
        "PCIe replays",
        "rate(DCGM_FI_DEV_PCIE_REPLAY_COUNTER{node=~\"$node\"}[$__rate_interval])",
        GPU,
        "ops",
    ),
];
/// Panels with a line for each EFA interface.
pub const PER_EFA: &[Panel] = &[
    panel("Standing (3 error)", "gpunode_efa_standing{node=~\"$node\"}", ENI, "short"),
    panel("Sent", "rate(node_amazonefa_tx_bytes{node=~\"$node\"}[$__rate_interval])", ENI, "Bps"),
    panel("Received", "rate(node_amazonefa_rx_bytes{node=~\"$node\"}[$__rate_interval])", ENI, "Bps"),
    panel(
        "Received and dropped",
        "rate(node_amazonefa_rx_drops{node=~\"$node\"}[$__rate_interval])",
        ENI,
        "pps",
    ),
    panel("Sent again", "rate(node_amazonefa_retrans_pkts{node=~\"$node\"}[$__rate_interval])", ENI, "pps"),
    panel(
        "Commands the card never answered",
        "node_amazonefa_no_completion_cmds{node=~\"$node\"}",
        ENI,
        "short",
    ),
    panel(
        "Signs of life",
        "rate(node_amazonefa_keep_alive_rcvd{node=~\"$node\"}[$__rate_interval])",
        ENI,
        "ops",
    ),
];
