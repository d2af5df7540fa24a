use proptest::prelude::*;

use super::*;

fn told(nth: u64, at: u64) -> Told {
    Told {
        reason: "Xid79".into(),
        warning: nth.is_multiple_of(2),
        note: nth.to_string(),
        action: "Found".into(),
        at_unix_ms: at,
    }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Writes whatever is due, and says which writes there were.
fn drain(book: &mut EventBook, now: Duration) -> Vec<EventWrite> {
    let mut all = Vec::new();
    while let Some(write) = book.next(now) {
        book.done(now, &write, Answer::Written);
        all.push(write);
        assert!(all.len() <= 2 * ROOM, "it comes to an end");
    }
    all
}

#[test]
fn the_first_goes_at_once_and_what_follows_is_counted() {
    let mut book = EventBook::default();
    book.add("a".into(), told(0, 10_000));
    let first = drain(&mut book, seconds(1));
    assert_eq!((first.len(), first[0].exists, first[0].count), (1, false, 1));
    for nth in 1..=5 {
        book.add("a".into(), told(0, 10_000 + nth * 3000));
    }
    assert_eq!(drain(&mut book, seconds(2)), []);
    assert_eq!(book.due(), Some(seconds(1) + FLOOR));
    let series = drain(&mut book, seconds(1) + FLOOR);
    assert_eq!((series.len(), series[0].exists, series[0].count), (1, true, 6));
    assert_eq!(book.waiting(), 0);
}

#[test]
fn what_happened_often_before_it_could_be_told_is_made_then_counted() {
    let mut book = EventBook::default();
    book.add("a".into(), told(0, 0));
    book.add("a".into(), told(0, 60_000));
    let first = book.next(seconds(1)).unwrap();
    book.done(seconds(1), &first, Answer::Written);
    assert_eq!(book.waiting(), 1, "the object was made, and its series is to come");
    let second = book.next(seconds(1) + FLOOR).unwrap();
    assert_eq!((second.exists, second.count), (true, 2));
}

#[test]
fn the_log_read_again_is_nothing_new() {
    let mut book = EventBook::default();
    book.add("a".into(), told(0, 50_000));
    drain(&mut book, seconds(1));
    let text = serde_json::to_string(&book).unwrap();
    let mut book: EventBook = serde_json::from_str(&text).unwrap();
    book.add("a".into(), told(0, 50_003));
    assert_eq!(drain(&mut book, seconds(5000)), []);
    book.add("a".into(), told(0, 90_000));
    assert_eq!(drain(&mut book, seconds(5001)).len(), 1);
}

#[test]
fn one_that_has_run_out_begins_anew() {
    let mut book = EventBook::default();
    book.add("a".into(), told(0, 0));
    drain(&mut book, seconds(1));
    book.add("a".into(), told(0, 7_200_000));
    let write = book.next(seconds(7200)).unwrap();
    book.done(seconds(7200), &write, Answer::Absent);
    let again = book.next(seconds(7200)).unwrap();
    assert_eq!((again.exists, again.count, again.first_unix_ms), (false, 1, 7_200_000));
}

#[test]
fn one_that_another_run_made_is_continued() {
    let mut book = EventBook::default();
    book.add("a".into(), told(0, 0));
    let write = book.next(seconds(1)).unwrap();
    book.done(seconds(1), &write, Answer::Exists);
    assert!(book.next(seconds(1)).unwrap().exists);
    book.done(seconds(1), &book.next(seconds(1)).unwrap(), Answer::Refused);
    assert_eq!(book.waiting(), 0, "what is refused is not tried for ever");
}

#[test]
fn what_was_told_goes_first_and_what_matters_last() {
    let mut book = EventBook::default();
    for nth in 0..ROOM as u64 {
        book.add(format!("{nth:03}"), told(nth, nth));
    }
    drain(&mut book, seconds(1));
    for nth in 0..ROOM as u64 {
        book.add(format!("new {nth:03}"), told(nth, 1000 + nth));
    }
    assert_eq!((book.entries.len(), book.lost()), (ROOM, 0));
    book.add("more".into(), told(2, 5000));
    assert_eq!((book.entries.len(), book.lost()), (ROOM, 1));
    assert!(!book.entries.contains_key("new 001"), "the oldest that is only worth knowing");
}

proptest! {
    #[test]
    fn memory_is_bounded_and_nothing_is_told_twice(
        steps in prop::collection::vec((0..400_u64, 0..100_000_u64, any::<bool>()), 0..600)
    ) {
        let (mut book, mut made) = (EventBook::default(), std::collections::BTreeSet::new());
        for (at, (nth, time, flush)) in steps.into_iter().enumerate() {
            book.add(nth.to_string(), told(nth, time));
            prop_assert!(book.entries.len() <= ROOM);
            if flush {
                for write in drain(&mut book, seconds(at as u64)) {
                    if write.exists {
                        prop_assert!(write.count > 1);
                    } else if book.entries.contains_key(&write.name) {
                        made.insert(write.name);
                    }
                }
            }
        }
    }
}

#[test]
fn a_clock_that_is_set_hides_no_repeat_and_makes_none() {
    for by in [-7_200_000, 7_200_000] {
        let mut book = EventBook::default();
        let at = |unix_ms| Told { at_unix_ms: unix_ms, ..told(0, 0) };
        book.add("a".into(), at(10_000_000));
        book.clock_set(by);
        let begun = 10_000_000_u64.saturating_add_signed(by);
        book.add("a".into(), at(begun));
        assert_eq!(
            book.next(Duration::ZERO).map(|write| (write.count, write.last_unix_ms)),
            Some((1, begun))
        );
        book.add("a".into(), at(begun + 60_000));
        assert_eq!(book.next(Duration::ZERO).map(|write| write.count), Some(2));
    }
}
