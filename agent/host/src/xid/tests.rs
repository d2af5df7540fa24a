use std::collections::BTreeSet;

use super::*;
use crate::kernel_log::{NvLinkTail, Severity5, XidEvent, XidTail};

/// The codes of NVIDIA's catalogue, and 185, which came with R620.
const CODES: &[u32] = &[
    8, 9, 11, 13, 25, 31, 32, 37, 38, 39, 43, 44, 45, 46, 48, 54, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 74,
    78, 79, 80, 92, 93, 94, 95, 109, 110, 119, 120, 121, 122, 123, 124, 125, 126, 136, 137, 140, 141, 142,
    143, 144, 145, 146, 147, 148, 149, 150, 151, 152, 153, 154, 155, 156, 157, 158, 159, 160, 161, 162, 163,
    164, 165, 166, 167, 168, 169, 170, 171, 172, 185,
];

fn event(code: u32, tail: Option<XidTail>) -> XidEvent {
    let pci = "0000:18:00.0".parse().unwrap();
    XidEvent { pci, gpu_instance: None, code, pid: None, process: None, text: String::new(), tail }
}

fn verdict(code: u32) -> Verdict {
    judge(&event(code, None))
}

fn recovery(to: u32) -> Verdict {
    judge(&event(154, Some(XidTail::Recovery { from: RecoveryAction::None, to: to.into() })))
}

#[test]
fn every_code_is_there_once_and_in_order() {
    let codes: Vec<_> = TABLE.iter().map(|xid| xid.code).collect();
    assert_eq!(codes, CODES);
    assert!(codes.is_sorted_by(|a, b| a < b));
    let names: BTreeSet<_> = TABLE.iter().map(|xid| xid.mnemonic).collect();
    assert_eq!(names.len(), TABLE.len());
    for xid in TABLE {
        assert_eq!(find(xid.code), Some(xid));
    }
    assert_eq!(find(7), None);
}

#[test]
fn every_row_makes_sense() {
    for xid in TABLE {
        let code = xid.code;
        assert!(!xid.meaning.is_empty() && xid.advice.ends_with('.'), "{code}");
        // What condemns must say how it ends, and what to do.
        assert!(!xid.condemns || xid.clears != Clears::WhenGone, "{code}");
        let strong = [Action::ResetGpu, Action::RebootNode, Action::Replace];
        assert!(!xid.condemns || strong.contains(&xid.action), "{code}");
        let mild = [Class::Application, Class::Information, Class::Cleanup, Class::Meta];
        assert!(!(xid.condemns && mild.contains(&xid.class)), "{code}");
        assert!(xid.class != Class::Application || xid.clears == Clears::WhenGone, "{code}");
    }
}

#[test]
fn exactly_these_condemn() {
    let condemning: Vec<_> = TABLE.iter().filter(|xid| xid.condemns).map(|xid| xid.code).collect();
    let expected = [46, 48, 54, 62, 64, 74, 79, 95, 109, 110, 119, 120, 136, 140, 143, 151, 155, 156, 158];
    assert_eq!(condemning, expected);
    for code in expected {
        assert_eq!(verdict(code).severity, Severity::Error, "{code}");
    }
}

#[test]
fn a_program_s_mistake_and_a_clean_up_are_information() {
    for code in [11, 13, 25, 31, 43, 45, 68, 69] {
        let verdict = verdict(code);
        assert_eq!((verdict.severity, verdict.condemns), (Severity::Info, false), "{code}");
    }
}

#[test]
fn an_unknown_code_is_reported_and_condemns_nothing() {
    let verdict = verdict(999);
    assert_eq!((verdict.severity, verdict.condemns, verdict.class), (Severity::Warning, false, None));
}

#[test]
fn memory_errors() {
    use crate::kernel_log::MemoryTail;
    assert_eq!((verdict(63).condemns, verdict(63).clears), (false, Clears::GpuReset));
    assert_eq!((verdict(64).condemns, verdict(64).clears), (true, Clears::Replace));
    let contained =
        |reset| judge(&event(94, Some(XidTail::Memory(MemoryTail { reset, drain_and_reset: false }))));
    assert_eq!((contained(false).condemns, contained(false).action), (false, Action::RestartApp));
    assert_eq!((contained(true).condemns, contained(true).action), (false, Action::ResetGpu));
    assert!(judge(&event(95, None)).condemns);
}

#[test]
fn the_driver_s_verdict_goes_by_its_number() {
    use Clears::{GpuReset, Reboot, WhenGone};
    let seen: Vec<_> =
        (0..9).map(recovery).map(|verdict| (verdict.condemns, verdict.action, verdict.clears)).collect();
    let expected = [
        (false, Action::None, WhenGone),
        (true, Action::ResetGpu, GpuReset),
        (true, Action::RebootNode, Reboot),
        (true, Action::Drain, WhenGone),
        (true, Action::ResetGpu, GpuReset),
        (true, Action::CheckFabric, WhenGone),
        (true, Action::RebootNode, Reboot),
        (true, Action::RebootNode, Reboot),
        (false, Action::ContactSupport, WhenGone),
    ];
    assert_eq!(seen, expected);
    assert!(recovery(0).withdraws);
    assert!((1..9).all(|to| !recovery(to).withdraws));
    // A line whose form is not known: reported, not acted on.
    assert_eq!((verdict(154).condemns, verdict(154).severity), (false, Severity::Warning));
}

#[test]
fn nvlink5_goes_by_the_word_in_the_line() {
    for code in 144..=150 {
        let tail = |severity| NvLinkTail {
            unit: "NETIR_LINK_EVT".into(),
            severity,
            link: Some(8),
            words: vec![0x0045_05c6],
        };
        let fatal = judge(&event(code, Some(XidTail::NvLink(tail(Severity5::Fatal)))));
        assert_eq!((fatal.condemns, fatal.action, fatal.clears), (true, Action::ResetGpu, Clears::GpuReset));
        let nonfatal = judge(&event(code, Some(XidTail::NvLink(tail(Severity5::Nonfatal)))));
        assert_eq!((nonfatal.condemns, nonfatal.severity), (false, Severity::Info));
        assert_eq!((verdict(code).condemns, verdict(code).severity), (false, Severity::Warning));
    }
}

#[test]
fn a_lost_gpu_explains_its_neighbours_links() {
    assert_eq!(verdict(74).explained_by, [79]);
    assert_eq!(verdict(79).explained_by, [0; 0]);
}
