//! The codes of the Fabric Manager guide's appendix D.

use super::{Danger, Sxid};

const ECC: &str = "Single-bit ECC error, corrected";
const INGRESS: &str = "Ingress: request, routing or buffer error";
const EGRESS: &str = "Egress: packet, credit or buffer error";
const TSTATE: &str = "Tag store and crumb store errors";
const ROUTE: &str = "Routing table, credit and source tracking errors";
const LINK: &str = "NVLink port";

macro_rules! table {
    ($($danger:ident $meaning:ident: $($first:literal $(..= $last:literal)?),+;)+) => {
        /// Every code that the guide names.
        pub const TABLE: &[Sxid] = &[$($(row($first, table!(@last $first $($last)?), Danger::$danger, $meaning),)+)+];
    };
    (@last $first:literal) => { $first };
    (@last $first:literal $last:literal) => { $last };
}

const fn row(first: u32, last: u32, danger: Danger, meaning: &'static str) -> Sxid {
    Sxid { first, last, danger, meaning }
}

const HOST: &str = "Privileged access of the host";
const THERMAL: &str = "Thermal event of the switch, its start or its end";
const SPECIAL_ACL: &str = "Ingress: access that the fabric's configuration does not allow";
const SPECIAL_PRIV: &str = "Egress: non-posted privileged access";
const SPECIAL_HEARTBEAT: &str = "AN1 heartbeat timeout";
const LTSSM: &str = "LTSSM fault up: the port's link went down";
const REPLAY: &str = "Port: replays, short error rates, a broken connection, a refused request";
const LINK_FATAL: &str = "Port: fatal error of the link layer or its micro-controller";
const EGRESS_FATAL: &str = "Egress: sequence error";

table! {
    NonFatal ECC: 11012, 11021..=11023, 12021, 12023, 15008, 15011, 19049, 19055, 19057, 19059, 19062, 19065, 19068,
        19071, 24001..=24003;
    NonFatal REPLAY: 20001, 20009, 20012, 22013;
    NonFatal THERMAL: 10004, 10005;
    NonFatal HOST: 10001, 10002;
    PotentiallyFatal INGRESS: 11001, 11009, 11013, 11018..=11020;
    PotentiallyFatal EGRESS: 12001, 12002, 12022, 12024..=12027, 12030..=12032;
    PotentiallyFatal TSTATE: 14017, 15001, 15006, 15009, 15010, 15012, 15013;
    PotentiallyFatal ROUTE: 19047, 19048, 19054, 19056, 19058, 19060, 19061, 19063, 19064, 19066, 19067, 19069, 19070,
        24004..=24007;
    PotentiallyFatal LTSSM: 20034;
    Fatal EGRESS_FATAL: 12020;
    Fatal LINK_FATAL: 22003, 22011;
    Fatal LINK: 23001..=23017;
    PotentiallyFatal SPECIAL_ACL: 11004;
    PotentiallyFatal SPECIAL_PRIV: 12028;
    PotentiallyFatal SPECIAL_HEARTBEAT: 19084;
}
