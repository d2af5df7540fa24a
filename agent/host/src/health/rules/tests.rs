use std::collections::BTreeSet;

use super::*;
use crate::finding::{Clears, Severity};
use crate::kernel_log::{NvLinkTail, Severity5, XidEvent, XidTail};
use crate::reason;
use crate::xid::{self, nvlink5};

#[test]
fn codes_are_unique_and_in_the_form_of_a_condition_reason() {
    let codes: BTreeSet<_> = all().map(|rule| rule.code).collect();
    assert_eq!(codes.len(), all().count());
    for code in codes {
        assert!(code.starts_with(|c: char| c.is_ascii_uppercase()), "{code}");
        assert!(code.chars().all(|c| c.is_ascii_alphanumeric()), "{code}");
    }
}

#[test]
fn a_code_means_the_same_at_boot_and_later() {
    for rule in all() {
        let Some(reason) = reason::ALL.iter().find(|reason| reason.code == rule.code) else { continue };
        assert_eq!(
            (rule.severity, rule.clears, rule.about, rule.action),
            (reason.severity, reason.clears, reason.about, reason.action),
            "{}",
            rule.code
        );
    }
}

/// Each is told at a boot, too, by the agent that is just at it.
#[test]
fn no_advice_is_to_run_the_boot_that_gives_it() {
    let advice = all().map(|rule| (rule.code, rule.action));
    for (code, action) in advice.chain(reason::ALL.iter().map(|reason| (reason.code, reason.action))) {
        assert!(!action.contains("bootstrap --only"), "{code}: {action}");
    }
}

fn event(code: u32, tail: Option<NvLinkTail>) -> XidEvent {
    let pci = "0000:18:00.0".parse().unwrap();
    let (gpu_instance, pid, process, text) = (None, None, None, String::new());
    XidEvent { pci, gpu_instance, code, pid, process, text, tail: tail.map(XidTail::NvLink) }
}

/// The row that a line counts by says what the line alone comes to: of every code as NVML tells it, and of the NVLink
/// codes by every unit, sub-code and error status of the sheet, and by what is not in it.
#[test]
fn a_row_condemns_the_gpu_exactly_where_its_line_does() {
    let line =
        |unit: &str, severity, words| NvLinkTail { unit: unit.to_owned(), severity, link: None, words };
    let mut events: Vec<_> = xid::TABLE.iter().map(|xid| event(xid.code, None)).collect();
    for row in nvlink5::TABLE {
        for (unit, status) in row.units.iter().flat_map(|unit| row.statuses.iter().map(move |s| (unit, s))) {
            let tail = line(unit, row.severity, vec![row.sub_code << 20, *status]);
            events.push(event(row.code, Some(tail)));
        }
    }
    for code in 144..=150 {
        for severity in [Severity5::Fatal, Severity5::Nonfatal] {
            events.push(event(code, Some(line("NEW_UNIT", severity, vec![63 << 20, 0]))));
        }
    }
    let mut condemned = BTreeSet::new();
    // Its rows are those of the action that it names.
    for event in events.into_iter().filter(|event| event.code != 154) {
        let (verdict, rule) = (xid::judge(&event), super::xid::rule(&event));
        assert_eq!(super::xid::condemns(rule), verdict.condemns, "{}: {event:?}", rule.code);
        assert_eq!((rule.severity, rule.action), (verdict.severity, verdict.advice), "{}", rule.code);
        assert_eq!(rule.hold.is_none(), verdict.condemns, "{}: what condemns does not blow over", rule.code);
        let ends = if verdict.condemns { verdict.clears } else { Clears::WhenGone };
        assert_eq!(rule.clears, ends, "{}", rule.code);
        condemned.extend(verdict.condemns.then_some(rule.code));
    }
    for code in 144..=150 {
        assert!(condemned.contains(&*format!("Xid{code}Fatal")), "{code}: {condemned:?}");
        assert!(!condemned.contains(&*format!("Xid{code}")), "the code alone does not say it");
    }
    assert!(!condemned.contains("Xid149FatalElsewhere"));
    assert_eq!(rules_of_severity(Severity::Error), condemned);
}

fn rules_of_severity(severity: Severity) -> BTreeSet<&'static str> {
    let is_one_of_a_code = |rule: &&Rule| {
        rule.code.strip_prefix("Xid").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    all().filter(is_one_of_a_code).filter(|rule| rule.severity == severity).map(|rule| rule.code).collect()
}
