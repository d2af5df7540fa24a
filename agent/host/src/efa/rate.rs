//! A port's rate.

/// The rates the driver can show, in Gbit/s: the pairs of width and speed of `efa_link_gbps_to_speed_and_width` in
/// `efa_verbs.c`. Older drivers know 100, 200 and 400 only.
const SHOWN: [u32; 10] = [1600, 800, 400, 200, 120, 100, 60, 50, 40, 30];

/// The Gbit/s of a rate as sysfs writes it, for example `200 Gb/sec (4X HDR)`, without the part after the point.
pub fn parse_rate(text: &str) -> Option<u32> {
    let (number, unit) = text.split_once(' ')?;
    if !unit.starts_with("Gb/sec") {
        return None;
    }
    number.split('.').next()?.parse().ok()
}

/// The rate that today's driver shows for a card of `gbps` Gbit/s: the next lower pair of width and speed that RDMA
/// knows, 25 at least. A g7 card of 350 shows 200.
pub fn rate_shown(gbps: f64) -> u32 {
    SHOWN.into_iter().find(|shown| gbps >= f64::from(*shown)).unwrap_or(25)
}
