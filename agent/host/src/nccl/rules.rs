//! The table of variables that a type and versions need.
//!
//! Deliberately not here, because NCCL or the plugin does better alone: NCCL_SOCKET_IFNAME (NCCL passes over `lo` and
//! `docker` by itself, and a name that is right on the host is wrong in a pod), NCCL_TUNER_PLUGIN, NCCL_BUFFSIZE and
//! the chunk sizes, NCCL_NETDEVS_POLICY, NCCL_TOPO_FILE, OFI_NCCL_PROTOCOL, NCCL_NVLS_ENABLE.
//! FI_EFA_USE_HUGE_PAGE is for programs that fork and run out of huge pages, which nothing here can know.

use super::facts::Facts;
use super::{Line, Origin};

struct Rule {
    name: &'static str,
    value: &'static str,
    applies: fn(&Facts<'_>) -> bool,
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        name: "FI_PROVIDER",
        value: "efa",
        applies: |on| on.efa() && on.plugin_before(1, 6),
        why: "aws-ofi-nccl up to 1.5 does not choose the EFA provider by itself.",
    },
    Rule {
        name: "NCCL_PROTO",
        value: "simple",
        applies: |on| on.efa() && on.plugin_before(1, 6),
        why: "aws-ofi-nccl up to 1.5 does not keep NCCL from the LL protocols, which EFA's ordering breaks.",
    },
    Rule {
        name: "FI_EFA_USE_DEVICE_RDMA",
        value: "1",
        applies: |on| on.rdma() && (on.plugin_before(1, 7) || on.libfabric_before(1, 18)),
        why: "aws-ofi-nccl before 1.7 and libfabric before 1.18 use RDMA only when told to.",
    },
    Rule {
        name: "FI_EFA_SET_CUDA_SYNC_MEMOPS",
        value: "0",
        applies: |on| on.efa() && on.installer_before(1, 29, 1) && on.nccl_known_from(2, 19),
        why: "libfabric of EFA installers before 1.29.1 fails to register the memory of NCCL 2.19 and later.",
    },
    Rule {
        name: "FI_EFA_FORK_SAFE",
        value: "1",
        applies: |on| on.efa() && on.kernel_before(5, 15),
        why: "Kernels before 5.15 do not copy pinned memory on fork, so a program that forks is ended by libfabric.",
    },
    Rule {
        name: "NCCL_SHM_USE_CUDA_MEMCPY",
        value: "1",
        applies: |on| matches!(on.family(), "g5" | "g6") && on.several_gpus(),
        why: "GPUs here reach each other through host memory, where the copy engine is about twice as fast.",
    },
];

const CLASSIC: [(&str, &str); 4] = [
    ("FI_EFA_USE_DEVICE_RDMA", "1"),
    ("FI_PROVIDER", "efa"),
    ("NCCL_PROTO", "simple"),
    ("NCCL_SOCKET_IFNAME", "^docker,lo"),
];

/// What this type and these versions need.
pub(super) fn auto(on: &Facts<'_>) -> Vec<Line> {
    let line = |rule: &Rule| Line {
        name: rule.name.to_owned(),
        value: rule.value.to_owned(),
        why: rule.why,
        origin: Origin::Rule,
    };
    RULES.iter().filter(|rule| (rule.applies)(on)).map(line).collect()
}

/// The four variables of old guides. On a type without EFA the three that are about it are left out: FI_PROVIDER
/// there would leave libfabric without any provider.
pub(super) fn classic(on: &Facts<'_>) -> Vec<Line> {
    let kept = |(name, _): &&(&str, &str)| *name == "NCCL_SOCKET_IFNAME" || !on.no_efa();
    let line = |(name, value): &(&str, &str)| Line {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
        why: "Part of the profile classic.",
        origin: Origin::Profile,
    };
    CLASSIC.iter().filter(kept).map(line).collect()
}
