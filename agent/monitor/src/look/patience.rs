//! How long one look waits for an answer, and whether waiting in vain proves anything.

use std::time::Duration;

/// The time that whoever asks has for one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Patience {
    pub(super) deadline: Duration,
    /// Whether no answer within it means that none comes. A look that must end sooner than that can only say that it
    /// could not tell.
    pub(super) proves: bool,
}

impl Patience {
    /// `rule`: what who does not answer is given until that is called a fault; `left`: what this look has for it.
    pub(super) fn new(rule: Duration, left: Duration) -> Self {
        Self { deadline: rule.min(left), proves: left >= rule }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_deadline_of_the_rule_proves_anything() {
        let rule = Duration::from_secs(2);
        let patience = |ms| Patience::new(rule, Duration::from_millis(ms));
        assert_eq!(patience(3000), Patience { deadline: rule, proves: true });
        assert_eq!(patience(2000), Patience { deadline: rule, proves: true });
        assert_eq!(patience(1999), Patience { deadline: Duration::from_millis(1999), proves: false });
    }
}
