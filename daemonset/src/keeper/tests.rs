use super::*;
use proptest::prelude::*;

const GOOD: Sight = Sight { error: false, pending: false, replaying: false, silent: false };
const ERROR: Sight = Sight { error: true, ..GOOD };
const PENDING: Sight = Sight { pending: true, silent: true, ..GOOD };
const SILENT: Sight = Sight { silent: true, ..GOOD };

fn at(seconds: u64) -> Duration {
    Duration::from_secs(1000 + seconds)
}

fn run(before: Option<Status>, steps: &[(u64, Sight)]) -> Vec<Status> {
    let mut keeper = Keeper::new(at(0), before);
    steps.iter().map(|(seconds, sight)| keeper.next(at(*seconds), *sight).0).collect()
}

#[test]
fn health_is_claimed_only_when_all_have_answered_for_a_while() {
    use Status::{True, Unknown};
    let seen = run(None, &[(0, PENDING), (3, GOOD), (14, GOOD), (15, GOOD)]);
    assert_eq!(seen, [Unknown, Unknown, Unknown, True]);
}

#[test]
fn an_error_counts_at_once_and_stays_until_all_is_well_for_a_while() {
    use Status::{False, True};
    let seen = run(None, &[(0, ERROR), (20, GOOD), (31, GOOD), (32, GOOD)]);
    assert_eq!(seen, [False, False, False, True]);
}

#[test]
fn a_restart_keeps_what_was_published_until_the_sources_speak() {
    use Status::{False, True, Unknown};
    assert_eq!(run(Some(False), &[(0, PENDING), (14, PENDING), (15, PENDING)]), [False, False, Unknown]);
    assert_eq!(run(Some(True), &[(0, PENDING), (5, GOOD), (17, GOOD)]), [True, True, True]);
    assert_eq!(run(Some(True), &[(0, PENDING), (5, ERROR)]), [True, False]);
}

#[test]
fn what_the_log_tells_of_the_past_waits_for_its_end() {
    let replaying = Sight { error: true, replaying: true, ..GOOD };
    assert_eq!(run(Some(Status::True), &[(1, replaying), (2, GOOD)]), [Status::True, Status::True]);
    assert_eq!(run(None, &[(1, replaying), (16, replaying)]), [Status::Unknown, Status::False]);
}

#[test]
fn one_late_look_is_no_news_and_a_source_that_is_gone_is() {
    use Status::{True, Unknown};
    let seen = run(Some(True), &[(20, SILENT), (49, SILENT), (50, SILENT), (60, GOOD), (72, GOOD)]);
    assert_eq!(seen, [True, True, Unknown, Unknown, True]);
    assert_eq!(run(Some(True), &[(20, SILENT), (40, GOOD), (51, SILENT)]), [True, True, True]);
}

fn sight() -> impl Strategy<Value = Sight> {
    any::<[bool; 4]>().prop_map(|[error, pending, replaying, silent]| Sight {
        error,
        pending,
        replaying,
        silent,
    })
}

proptest! {
    #[test]
    fn true_is_never_reached_without_proof(steps in prop::collection::vec((1..20_u64, sight()), 1..60)) {
        let mut keeper = Keeper::new(at(0), None);
        let (mut now, mut good_for) = (0, 0);
        let mut before = Status::Unknown;
        for (pause, sight) in steps {
            now += pause;
            let patient = at(now) < at(0) + PATIENCE;
            let waits = patient && (sight.pending || sight.replaying);
            let good = !sight.error && !sight.silent && !waits;
            good_for = if good { good_for + pause } else { 0 };
            let (status, _) = keeper.next(at(now), sight);
            if status == Status::True && before != Status::True {
                // The pause before the first good sight does not count, so this is the loosest bound.
                prop_assert!(good && good_for >= PROOF.as_secs());
            }
            if sight.error && !(patient && sight.replaying) {
                prop_assert_eq!(status, Status::False);
            }
            prop_assert!(keeper.wake().is_none_or(|wake| wake > at(now)));
            before = status;
        }
    }
}
