use super::*;

fn event(code: u32, fatal: Option<bool>) -> SxidEvent {
    let pci = "0000:06:00.0".parse().unwrap();
    SxidEvent { switch: 0, pci, code, fatal, link: Some(48), text: String::new() }
}

#[test]
fn no_code_is_in_two_rows() {
    let mut rows: Vec<_> = TABLE.iter().map(|row| (row.first, row.last)).collect();
    rows.sort_unstable();
    assert!(rows.iter().all(|(first, last)| first <= last));
    assert!(rows.windows(2).all(|pair| pair[0].1 < pair[1].0), "{rows:?}");
}

#[test]
fn every_code_of_the_guide_is_there() {
    let count = |danger| {
        let rows = TABLE.iter().filter(|row| row.danger == danger);
        rows.map(|row| row.last - row.first + 1).sum::<u32>()
    };
    assert_eq!(count(Danger::NonFatal), 27);
    assert_eq!(count(Danger::PotentiallyFatal), 41 + 3);
    assert_eq!(count(Danger::Fatal), 1 + 2 + 17);
    for code in [11012, 24002, 22013, 10005, 10002] {
        assert_eq!(find(code).unwrap().danger, Danger::NonFatal, "{code}");
    }
    for code in [11001, 11019, 12032, 14017, 15013, 19047, 19070, 20034, 24007, 11004, 12028, 19084] {
        assert_eq!(find(code).unwrap().danger, Danger::PotentiallyFatal, "{code}");
    }
    for code in [12020, 22003, 22011, 23001, 23009, 23017] {
        assert_eq!(find(code).unwrap().danger, Danger::Fatal, "{code}");
    }
    assert_eq!(find(23018), None);
}

#[test]
fn the_word_in_the_line_comes_first() {
    for code in [24001, 20034, 23001, 99999] {
        assert!(judge(&event(code, Some(true))).condemns, "{code}");
        let mild = judge(&event(code, Some(false)));
        assert_eq!((mild.condemns, mild.severity), (false, Severity::Info), "{code}");
    }
}

#[test]
fn without_a_word_the_table_decides() {
    assert!(judge(&event(23001, None)).condemns);
    assert_eq!(judge(&event(24001, None)).severity, Severity::Info);
    for code in [20034, 99999] {
        let verdict = judge(&event(code, None));
        assert_eq!((verdict.condemns, verdict.severity), (false, Severity::Warning), "{code}");
    }
}

#[test]
fn a_lost_gpu_explains_a_link_that_went_down() {
    assert_eq!(judge(&event(20034, Some(true))).explained_by, [79]);
    assert_eq!(judge(&event(24007, Some(true))).explained_by, [0; 0]);
}
