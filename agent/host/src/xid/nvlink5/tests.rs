use super::*;

fn tail(unit: &str, severity: Severity5, words: &[u32]) -> NvLinkTail {
    NvLinkTail { unit: unit.into(), severity, link: Some(8), words: words.to_vec() }
}

fn judged(code: u32, unit: &str, severity: Severity5, words: &[u32]) -> Option<(Need, Look)> {
    find(code, &tail(unit, severity, words)).map(|row| (row.need, row.look))
}

/// The catalogue's sheet: so many rows for each code, those with a reset among them.
#[test]
fn every_row_of_the_sheet_is_here() {
    // A unit whose pipes have a row each counts once a pipe.
    let pipes = |row: &Row| if row.units.len() == 3 { 2 } else { 1 };
    let count = |code, need: Option<Need>| {
        let of_it = TABLE.iter().filter(|row| row.code == code && need.is_none_or(|need| row.need == need));
        of_it.map(|row| row.statuses.len() * pipes(row)).sum::<usize>()
    };
    let counts: Vec<_> =
        (144..=150).map(|code| (code, count(code, None), count(code, Some(Need::Reset)))).collect();
    let wanted =
        [(144, 6, 2), (145, 33, 9), (146, 20, 5), (147, 2, 0), (148, 1, 0), (149, 31, 24), (150, 1, 1)];
    assert_eq!(counts, wanted);
}

#[test]
fn no_line_fits_rows_that_disagree() {
    for row in TABLE {
        for unit in row.units {
            for status in row.statuses {
                let line = tail(unit, row.severity, &[row.sub_code << 20 | 0x5c6, *status]);
                let fits: Vec<_> = TABLE.iter().filter(|other| other.fits(row.code, &line)).collect();
                assert_eq!(fits, [row], "{} {unit} {} {status:#x}", row.code, row.sub_code);
            }
        }
    }
}

#[test]
fn the_sub_code_says_where_to_look() {
    use Severity5::{Fatal, Nonfatal};
    // Lines from public reports: R570 (low byte c6) and R575 or later; the sub-code is at the same place.
    let link = |word| judged(149, "NETIR_LINK_EVT", Fatal, &[word, 0, 0, 0]);
    assert_eq!(link(0x0250_01c6), Some((Need::Reset, Look::Peer)));
    assert_eq!(link(0x0260_01c6), Some((Need::Ignore, Look::Software)));
    assert_eq!(link(0x0214_25c6), Some((Need::Reset, Look::Peer)));
    assert_eq!(link(0x0045_05c6), Some((Need::Reset, Look::Signal)));
    let remap = |severity, status| judged(145, "RLW_REMAP", severity, &[0x0000_0004, status]);
    assert_eq!(remap(Nonfatal, 0x4), Some((Need::Follow, Look::Fabric)));
    assert_eq!(remap(Fatal, 0x40), Some((Need::Reset, Look::Support)));
    assert_eq!(
        remap(Nonfatal, 0x104),
        Some((Need::Follow, Look::Fabric)),
        "of two bits the one that needs more"
    );
}

#[test]
fn what_is_in_no_row_has_none() {
    use Severity5::{Fatal, Nonfatal};
    assert_eq!(judged(149, "NETIR_LINK_EVT", Fatal, &[0x0030_05c6, 0]), None, "sub-code 3");
    assert_eq!(judged(149, "NETIR_LINK_EVT", Nonfatal, &[0x0045_05c6, 0]), None, "another word");
    assert_eq!(judged(149, "NETIR_NEW", Fatal, &[0x0045_05c6, 0]), None);
    assert_eq!(judged(145, "RLW_REMAP", Nonfatal, &[4, 0]), None, "no bit set");
    assert_eq!(judged(149, "NETIR_LINK_EVT", Fatal, &[0x0045_05c6]), None, "no status");
    assert_eq!(judged(149, "NETIR_LINK_EVT", Fatal, &[]), None);
}
