//! What the EFA driver makes.

use std::io;

use crate::files::Files;

/// Counters of the device, in the driver's memory.
const DEVICE: &[&str] = &[
    "submitted_cmds",
    "completed_cmds",
    "cmds_err",
    "no_completion_cmds",
    "keep_alive_rcvd",
    "alloc_pd_err",
    "create_qp_err",
    "create_cq_err",
    "reg_mr_err",
    "alloc_ucontext_err",
    "create_ah_err",
    "mmap_err",
];
/// Since driver 3, for programs in the kernel.
const KERNEL_VERBS: &[&str] = &["alloc_mr_err", "get_dma_mr_err"];
/// Counters of the port, in the card.
const PORT: &[&str] = &[
    "tx_bytes",
    "tx_pkts",
    "rx_bytes",
    "rx_pkts",
    "rx_drops",
    "send_bytes",
    "send_wrs",
    "recv_bytes",
    "recv_wrs",
    "rdma_read_wrs",
    "rdma_read_bytes",
    "rdma_read_wr_err",
    "rdma_read_resp_bytes",
];
/// Since driver 2.5.
const RDMA_WRITE: &[&str] =
    &["rdma_write_wrs", "rdma_write_bytes", "rdma_write_wr_err", "rdma_write_recv_bytes"];
/// Since driver 2.17.
const RETRANSMISSION: &[&str] = &[
    "retrans_bytes",
    "retrans_pkts",
    "retrans_timeout_events",
    "unresponsive_remote_events",
    "impaired_remote_conn_events",
];

/// What a version of the driver shows.
pub(crate) struct Generation {
    /// Counter files of the device; none before 1.14, which has them with the port's.
    pub(crate) device: Vec<&'static str>,
    pub(crate) port: Vec<&'static str>,
    /// The file that tells the accelerator's memory provider, and what it says when there is one.
    pub(crate) p2p: Option<(&'static str, &'static str)>,
    /// Whether the port's rate is the card's.
    pub(crate) knows_speed: bool,
}

/// By version; the driver inside the kernel tree has none, and shows what 2.13 shows, without the provider.
pub(crate) fn generation(version: Option<&str>) -> Generation {
    let number = |version: &str| {
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    };
    let at = version.map_or((2, 13), number);
    let mut device = DEVICE.to_vec();
    let mut port = PORT.to_vec();
    for (since, counters) in [((2, 5), RDMA_WRITE), ((2, 17), RETRANSMISSION)] {
        if at >= since {
            port.extend(counters);
        }
    }
    if at >= (3, 0) {
        device.extend(KERNEL_VERBS);
    }
    if at < (1, 14) {
        port.append(&mut device);
    }
    let p2p = if at >= (2, 6) { ("p2p", "NVIDIA") } else { ("gdr", "1") };
    Generation { device, port, p2p: version.map(|_| p2p), knows_speed: at >= (2, 13) }
}

/// The module and the driver on the bus.
pub(crate) fn driver(files: &Files, version: Option<&str>) -> io::Result<()> {
    files.folder("/sys/module/efa")?;
    if let Some(version) = version {
        files.put("/sys/module/efa/version", version)?;
    }
    files.link("/sys/bus/pci/drivers/efa/module", "../../../../module/efa")
}

/// The device's id. p4d, p5, p5en and p6-b300 as seen in issue reports; that p6-b200 has the id of p6-b300 is supposed.
pub(crate) fn device_id(family: &str) -> u32 {
    match family {
        "p5" | "p5e" => 0xefa1,
        "p5en" => 0xefa2,
        family if family.starts_with("p6") => 0xefa3,
        _ => 0xefa0,
    }
}

/// The rate of a card of `gbps` Gbit/s as the driver shows it: the next lower pair of width and speed.
pub(crate) fn rate(gbps: f64) -> &'static str {
    match gbps {
        _ if gbps >= 800.0 => "800 Gb/sec (8X NDR)",
        _ if gbps >= 400.0 => "400 Gb/sec (8X HDR)",
        _ if gbps >= 200.0 => "200 Gb/sec (4X HDR)",
        _ if gbps >= 120.0 => "120 Gb/sec (12X FDR10)",
        _ if gbps >= 100.0 => "100 Gb/sec (4X EDR)",
        _ if gbps >= 60.0 => "60 Gb/sec (12X DDR)",
        _ if gbps >= 50.0 => "50 Gb/sec (1X HDR)",
        _ if gbps >= 40.0 => "40 Gb/sec (4X FDR10)",
        _ if gbps >= 30.0 => "30 Gb/sec (12X SDR)",
        _ => "25 Gb/sec (1X EDR)",
    }
}

/// The link-local GID of a MAC address, in modified EUI-64 form (RFC 4291, appendix A).
pub(crate) fn gid(mac: &str) -> String {
    let byte =
        |at: usize| mac.split(':').nth(at).and_then(|part| u8::from_str_radix(part, 16).ok()).unwrap_or(0);
    format!(
        "fe80:0000:0000:0000:{:02x}{:02x}:{:02x}ff:fe{:02x}:{:02x}{:02x}",
        byte(0) ^ 2,
        byte(1),
        byte(2),
        byte(3),
        byte(4),
        byte(5)
    )
}
