//! Forced values that hurt, each with why.

use super::facts::Facts;

/// What aws-ofi-nccl sets for p4d and later where it is unset (`src/platform-aws.cpp`, `platform_data_map`).
const TUNED_FROM_P4: [(&str, &str); 2] = [("NCCL_BUFFSIZE", "8388608"), ("NCCL_P2P_NET_CHUNKSIZE", "524288")];
/// The same for p5 and later.
const TUNED_FROM_P5: [(&str, &str); 3] = [
    ("NCCL_NVLSTREE_MAX_CHUNKSIZE", "524288"),
    ("NCCL_NVLS_CHUNKSIZE", "524288"),
    ("NCCL_NET_FORCE_FLUSH", "0"),
];

/// Why `name` must not have `value` here, if so.
pub(super) fn why(on: &Facts<'_>, name: &str, value: &str) -> Option<&'static str> {
    match name {
        "NCCL_PROTO" => proto(on, value),
        "FI_PROVIDER" => provider(on, value),
        "FI_EFA_USE_DEVICE_RDMA" => device_rdma(on, value),
        "NCCL_SOCKET_IFNAME" => socket_ifname(value),
        "NCCL_TUNER_PLUGIN" => (value.contains('/') && !on.nccl_before(2, 27, 0))
            .then_some("from NCCL 2.27 this must be a bare file name; aws-ofi-nccl sets it by itself"),
        "NCCL_NETDEVS_POLICY" => (matches!(on.name(), "p5en.48xlarge" | "p6-b200.48xlarge")
            && !value.eq_ignore_ascii_case("max:1"))
        .then_some("aws-ofi-nccl sets max:1 here, so that each GPU keeps to its own network card"),
        "NCCL_TOPO_FILE" => matches!(on.name(), "p4d.24xlarge" | "p4de.24xlarge" | "g5.48xlarge")
            .then_some("aws-ofi-nccl brings the topology file of this instance type and sets it by itself"),
        "NCCL_NVLS_ENABLE" => (on.efa() && on.nvswitch() && on.nccl_before(2, 18, 5) && value != "0")
            .then_some("NVLS of NCCL before 2.18.5 fails with EFA; aws-ofi-nccl switches it off"),
        "NCCL_MIN_CHANNELS" | "NCCL_MIN_NCHANNELS" => on
            .efa()
            .then_some("more channels make each message smaller, which starves EFA; NCCL's own number fits"),
        "OFI_NCCL_PROTOCOL" => transport(on, value),
        _ if name.starts_with("RDMAV_") => Some(
            "rdma-core's variables break libfabric on newer kernels; FI_EFA_FORK_SAFE is the one that is meant",
        ),
        _ => tuning(on, name, value),
    }
}

fn proto(on: &Facts<'_>, value: &str) -> Option<&'static str> {
    if !on.efa() || on.plugin_before(1, 6) {
        return None;
    }
    if !value.eq_ignore_ascii_case("simple") {
        return Some("this overrides the plugin's tuner, and LL without ordered delivery corrupts data");
    }
    on.gpudirect().then_some("this takes LL and LL128 and the plugin's tuner away, which small messages need")
}

fn provider(on: &Facts<'_>, value: &str) -> Option<&'static str> {
    if on.no_efa() {
        return Some("this instance type takes no EFA device, so libfabric would find no provider");
    }
    (on.efa() && value != "efa").then_some("with another provider than efa the EFA devices stay unused")
}

fn device_rdma(on: &Facts<'_>, value: &str) -> Option<&'static str> {
    if value == "0" {
        return on
            .gpudirect()
            .then_some("without device RDMA there is no GPUDirect, and the plugin refuses to start");
    }
    on.no_rdma().then_some(
        "the EFA devices of this instance type cannot read remote memory, so libfabric fails to start",
    )
}

/// Any name but an exclusion: pods have `eth0`, the host has `ens32` or `enp74s0`, and one file serves both.
fn socket_ifname(value: &str) -> Option<&'static str> {
    (!value.starts_with('^')).then_some(
        "interfaces have other names in pods than on the host; only exclusions (^docker,lo) fit both",
    )
}

/// The transport that the plugin chooses for the types it knows.
fn transport(on: &Facts<'_>, value: &str) -> Option<&'static str> {
    let own = match on.name() {
        "p4d.24xlarge" | "p4de.24xlarge" | "p5.4xlarge" | "g5.48xlarge" => "SENDRECV",
        _ if on.gpudirect() => "RDMA",
        _ => return None,
    };
    (!value.eq_ignore_ascii_case(own))
        .then_some("aws-ofi-nccl chooses the transport that this instance type is tuned for")
}

fn tuning(on: &Facts<'_>, name: &str, value: &str) -> Option<&'static str> {
    let p4 = matches!(on.family(), "p4d" | "p4de");
    let p5 = on.gpudirect() && on.rdma() && !p4;
    let tuned = |table: &[(&str, &str)]| table.iter().any(|(known, own)| *known == name && *own != value);
    ((p4 || p5) && tuned(&TUNED_FROM_P4) || p5 && tuned(&TUNED_FROM_P5)).then_some(
        "aws-ofi-nccl sets a value that is tuned for this instance type, and only where none is set",
    )
}
