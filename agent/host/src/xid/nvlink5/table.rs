//! The decode sheet of NVIDIA's Xid catalogue (`XID 144-150 Decode`, state of October 2025).

use super::{Look, Need, Row};
use crate::kernel_log::Severity5;

macro_rules! table {
    ($($code:literal [$($unit:ident)+] $sub:literal [$($status:literal)+] $severity:ident $need:ident $look:ident;)+) => {
        /// Every row, by code and unit.
        pub const TABLE: &[Row] = &[$(Row {
            code: $code,
            units: &[$(stringify!($unit)),+],
            sub_code: $sub,
            statuses: &[$($status),+],
            severity: Severity5::$severity,
            need: Need::$need,
            look: Look::$look,
        },)+];
    };
}

// Code, unit, sub-code, error statuses, severity word, immediate action, investigatory action.
table! {
    144 [SAW_MVB] 0 [0x1 0x8] Nonfatal Ignore Support;
    144 [SAW_MVB] 0 [0x4 0x20] Nonfatal Ignore Nothing;
    144 [SAW_MVB] 0 [0x2 0x10] Fatal Reset Support;
    145 [RLW_CTRL] 0 [0x8000_0000] Nonfatal Ignore Support;
    145 [RLW_REMAP] 0 [0x1 0x2] Nonfatal Follow Support;
    145 [RLW_REMAP] 0 [0x4 0x8 0x10 0x20] Nonfatal Follow Fabric;
    145 [RLW_REMAP] 0 [0x40 0x80] Fatal Reset Support;
    145 [RLW_REMAP] 0 [0x100 0x200] Nonfatal Ignore Nothing;
    145 [RLW_REMAP] 0 [0x8000_0000] Nonfatal Ignore Support;
    145 [RLW_RSPCOL] 0 [0x1] Nonfatal Ignore Nothing;
    145 [RLW_RSPCOL] 0 [0x2] Fatal Reset Support;
    145 [RLW_RSPCOL] 0 [0x8000_0000] Nonfatal Ignore Support;
    145 [RLW_RXPIPE] 0 [0x1 0x2 0x4 0x8 0x8000_0000] Nonfatal Ignore Support;
    145 [RLW_SRC_TRACK] 0 [0x1 0x10 0x20] Fatal Reset Support;
    145 [RLW_SRC_TRACK] 0 [0x2] Nonfatal Ignore Nothing;
    145 [RLW_SRC_TRACK] 0 [0x4 0x8] Nonfatal Follow Nothing;
    145 [RLW_SRC_TRACK] 0 [0x8000_0000] Nonfatal Ignore Support;
    145 [RLW_TAGSTATE] 0 [0x1 0x1_0000] Nonfatal Ignore Nothing;
    145 [RLW_TAGSTATE] 0 [0x2 0x2_0000 0x10_0000] Fatal Reset Support;
    145 [RLW_TAGSTATE] 0 [0x8000_0000] Nonfatal Ignore Support;
    146 [TLW_CTRL] 0 [0x1] Nonfatal Ignore Nothing;
    146 [TLW_CTRL] 0 [0x2 0x8000_0000] Nonfatal Ignore Support;
    146 [TLW_CTRL] 0 [0x4] Fatal Reset Support;
    146 [TLW_RX TLW_RX_PIPE0 TLW_RX_PIPE1] 0 [0x1] Nonfatal Ignore Nothing;
    146 [TLW_RX TLW_RX_PIPE0 TLW_RX_PIPE1] 0 [0x2 0x8000_0000] Nonfatal Ignore Support;
    146 [TLW_RX TLW_RX_PIPE0 TLW_RX_PIPE1] 0 [0x4] Fatal Reset Support;
    146 [TLW_TX TLW_TX_PIPE0 TLW_TX_PIPE1] 0 [0x1] Nonfatal Ignore Nothing;
    146 [TLW_TX TLW_TX_PIPE0 TLW_TX_PIPE1] 0 [0x2 0x8000_0000] Nonfatal Ignore Support;
    146 [TLW_TX TLW_TX_PIPE0 TLW_TX_PIPE1] 0 [0x4] Fatal Reset Support;
    147 [TREX] 0 [0x1 0x8000_0000] Nonfatal Ignore Support;
    148 [NVLPW_CTRL NVLPW] 0 [0x8000_0000] Nonfatal Ignore Support;
    149 [NETIR NETIR_INT] 0 [0x0] Fatal Reset Report;
    149 [NETIR_BER_EVENT] 0 [0x0 0x1 0x2 0x3] Nonfatal Ignore Cables;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 0 [0x0] Fatal Reset Report;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 1 [0x0] Fatal Reset Report;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 2 [0x0] Fatal Reset Signal;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 4 [0x0] Fatal Reset Signal;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 10 [0x0] Fatal Reset Signal;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 15 [0x0] Fatal Reset Software;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 16 [0x0] Fatal Reset SoftwareOrSignal;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 17 [0x0] Fatal Reset Software;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 18 [0x0] Fatal Reset SoftwareOrSignal;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 21 [0x0] Fatal Reset Peer;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 22 [0x0] Fatal Reset Software;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 32 [0x0] Fatal Reset Peer;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 33 [0x0] Fatal Reset Peer;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 34 [0x0] Fatal Reset Peer;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 35 [0x0] Fatal Reset Peer;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 36 [0x0] Fatal Reset Peer;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 37 [0x0] Fatal Reset Peer;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 38 [0x0] Fatal Ignore Software;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 40 [0x0] Fatal Ignore Host;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 42 [0x0] Fatal Reset Cables;
    149 [NETIR_LINK_EVT NETIR_LINK_DOWN] 43 [0x0] Fatal Reset Cables;
    149 [NETIR_MFDE_EVENT] 0 [0x1 0x4 0x5 0x7] Fatal Reset Support;
    149 [NETIR_MFDE_EVENT] 0 [0x3] Nonfatal Ignore Nothing;
    150 [MSE_WATCHDOG] 0 [0x0] Fatal Reset Support;
}
