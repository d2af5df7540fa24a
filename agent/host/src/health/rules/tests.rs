use std::collections::BTreeSet;

use super::*;
use crate::reason;

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
