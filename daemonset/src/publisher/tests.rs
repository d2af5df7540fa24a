use proptest::prelude::*;

use super::*;
use crate::condition::Type;
use crate::keeper::Status;

/// A node and its API server: what is written to it, and a clock that is moved by hand.
struct Bed {
    publisher: Publisher,
    now: Duration,
    writes: Vec<(Duration, Call)>,
}

fn settings() -> Settings {
    Settings { node: "node-1".into(), boot_id: "boot".into(), heartbeat: Duration::from_secs(300) }
}

fn truth(nth: u64) -> Desired {
    let condition = Condition {
        kind: Type::GpuHealthy,
        status: if nth.is_multiple_of(2) { Status::True } else { Status::False },
        reason: format!("R{nth}"),
        message: String::new(),
        since_unix_ms: nth,
    };
    Desired { conditions: vec![condition], labels: [("a".into(), nth.to_string())].into(), taint: None }
}

fn told(nth: u64) -> Told {
    let (reason, action) = ("Xid79".into(), "Found".into());
    Told { reason, warning: true, note: nth.to_string(), action, at_unix_ms: nth }
}

const DONE: Outcome = Outcome::Done(Found { uid: None, labels: None });
const AWAY: Outcome = Outcome::Failed(Failure::Away { asked: None });

impl Bed {
    fn new() -> Self {
        let publisher = Publisher::new(settings(), Published::default(), EventBook::default());
        Self { publisher, now: Duration::from_secs(1000), writes: Vec::new() }
    }

    /// Lets time pass, and answers every call in between.
    fn run(&mut self, time: Duration, mut answer: impl FnMut(&Call) -> Outcome) {
        let end = self.now + time;
        loop {
            match self.publisher.next(self.now) {
                Next::Send(call) => {
                    let outcome = answer(&call);
                    self.writes.push((self.now, call.clone()));
                    self.publisher.done(self.now, &call, outcome, 500);
                    assert!(self.writes.len() < 10_000, "it comes to rest");
                }
                Next::Wait(Some(until)) if until <= end => {
                    assert!(until > self.now, "a wait has a length");
                    self.now = until;
                }
                Next::Wait(_) => break,
            }
        }
        self.now = end;
    }

    fn lanes(&self) -> Vec<Lane> {
        self.writes.iter().map(|(_, call)| call.lane()).collect()
    }
}

fn uid(call: &Call, uid: &str) -> Outcome {
    Outcome::Done(Found { uid: (call.lane() == Lane::Status).then(|| uid.to_owned()), labels: None })
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_first_change_goes_at_once_and_what_follows_together() {
    let mut bed = Bed::new();
    bed.publisher.want(truth(1), true);
    bed.run(Duration::ZERO, |_| DONE);
    assert_eq!(bed.lanes(), [Lane::Status, Lane::Labels]);
    for nth in 2..=5 {
        bed.publisher.want(truth(nth), true);
    }
    bed.run(SECOND / 2, |_| DONE);
    assert_eq!(bed.lanes()[2..], [Lane::Labels], "labels are not held back, conditions are");
    bed.run(SECOND, |_| DONE);
    let (at, call) = bed.writes.last().unwrap();
    assert_eq!(*at, Duration::from_secs(1001));
    assert_eq!(*call, Call::Status(truth(5).conditions));
    assert!(bed.publisher.is_done());
}

#[test]
fn a_healthy_hour_takes_twelve_writes_at_most() {
    for chance in [0, 50, 100] {
        let mut publisher = Publisher::new(settings(), Published::default(), EventBook::default());
        publisher.want(truth(0), true);
        let (mut now, mut writes) = (Duration::ZERO, 0);
        while now < Duration::from_secs(7200) {
            match publisher.next(now) {
                Next::Send(call) => {
                    writes += u32::from(now >= Duration::from_secs(3600));
                    publisher.done(now, &call, DONE, chance);
                }
                Next::Wait(until) => now = until.unwrap(),
            }
        }
        assert!((10..=12).contains(&writes), "{writes}");
    }
}

#[test]
fn a_label_that_somebody_took_is_put_back_with_the_next_heartbeat() {
    for there in [Labels::new(), [("a".to_owned(), "of somebody".to_owned())].into()] {
        let mut bed = Bed::new();
        bed.publisher.want(truth(0), true);
        bed.run(Duration::ZERO, |_| DONE);
        bed.writes.clear();
        // The node also has labels of others, which are theirs.
        let others = ("b".to_owned(), "of others".to_owned());
        let whole: Labels = truth(0).labels.into_iter().chain([others.clone()]).collect();
        let with = |labels: &Labels| Outcome::Done(Found { uid: None, labels: Some(labels.clone()) });
        bed.run(SECOND * 660, |_| with(&whole));
        assert_eq!(bed.lanes(), [Lane::Status; 2], "nothing is wrong");
        bed.writes.clear();
        let mut is_there = false;
        bed.run(SECOND * 330, |call| {
            is_there |= call.lane() == Lane::Labels;
            with(if is_there { &whole } else { &there })
        });
        assert_eq!(bed.lanes(), [Lane::Status, Lane::Labels]);
        assert!(bed.publisher.is_done());
    }
}

#[test]
fn a_taint_that_should_be_there_is_looked_for_with_every_heartbeat() {
    let mut bed = Bed::new();
    bed.publisher.want(Desired { taint: Some("GPUHealthy".into()), ..truth(1) }, true);
    bed.run(SECOND * 660, |_| DONE);
    assert_eq!(bed.lanes()[..3], [Lane::Status, Lane::Labels, Lane::Taint]);
    assert_eq!(bed.lanes()[3..], [Lane::Status, Lane::Taint, Lane::Status, Lane::Taint]);
    bed.writes.clear();
    bed.publisher.want(truth(2), true);
    bed.run(SECOND * 660, |_| DONE);
    assert_eq!(bed.lanes().iter().filter(|lane| **lane == Lane::Taint).count(), 1, "it is taken away once");
}

#[test]
fn what_is_only_remembered_is_not_written_again() {
    let mut bed = Bed::new();
    bed.publisher.want(truth(0), false);
    bed.run(SECOND * 60, |_| DONE);
    assert_eq!(bed.writes, []);
    bed.publisher.want(truth(0), true);
    bed.run(Duration::ZERO, |_| DONE);
    assert_eq!(bed.lanes()[0], Lane::Status);
}

#[test]
fn after_an_outage_the_truth_of_now_goes_out_and_every_event() {
    let mut bed = Bed::new();
    bed.publisher.want(truth(0), true);
    bed.run(SECOND, |_| DONE);
    bed.writes.clear();
    bed.publisher.want(truth(1), true);
    bed.publisher.tell(told(1));
    bed.run(SECOND * 300, |_| AWAY);
    bed.publisher.tell(told(2));
    bed.publisher.want(truth(2), true);
    bed.run(SECOND * 300, |_| AWAY);
    let tries = bed.writes.len();
    assert!((10..20).contains(&tries), "{tries}");
    bed.writes.clear();
    bed.run(SECOND * 90, |_| DONE);
    let statuses: Vec<_> =
        bed.writes.iter().filter(|(_, call)| call.lane() == Lane::Status).map(|(_, call)| call).collect();
    assert_eq!(statuses, [&Call::Status(truth(2).conditions)]);
    let events = bed.lanes().iter().filter(|lane| **lane == Lane::Events).count();
    assert_eq!(events, 2);
}

#[test]
fn what_is_forbidden_keeps_nothing_else_back_and_is_tried_rarely() {
    let mut bed = Bed::new();
    bed.publisher.want(truth(0), true);
    bed.publisher.tell(told(1));
    bed.run(SECOND * 3600, |call| match call.lane() {
        Lane::Events | Lane::Labels => Outcome::Failed(Failure::Forbidden),
        _ => DONE,
    });
    let count = |lane| bed.lanes().into_iter().filter(|each| *each == lane).count();
    assert!(count(Lane::Status) >= 11, "{}", count(Lane::Status));
    assert!((2..30).contains(&count(Lane::Events)), "{}", count(Lane::Events));
    assert!((2..30).contains(&count(Lane::Labels)), "{}", count(Lane::Labels));
}

#[test]
fn a_node_that_is_made_again_gets_everything_again() {
    let mut bed = Bed::new();
    bed.publisher.want(Desired { taint: Some("GPUHealthy".into()), ..truth(1) }, true);
    bed.run(SECOND, |call| uid(call, "first"));
    assert_eq!(bed.lanes(), [Lane::Status, Lane::Labels, Lane::Taint]);
    bed.writes.clear();
    // The heartbeat meets another object of the same name.
    bed.run(SECOND * 330, |call| uid(call, "second"));
    assert_eq!(bed.lanes(), [Lane::Status, Lane::Labels, Lane::Taint]);
    assert_eq!(
        bed.writes[1].1,
        Call::Labels { labels: truth(1).labels, uid: Some("second".into()) },
        "the labels are for the object that is there"
    );
    bed.writes.clear();
    bed.run(SECOND * 400, |_| Outcome::Failed(Failure::NoNode));
    assert!(bed.lanes().iter().all(|lane| *lane == Lane::Status), "nothing is put on a node that is gone");
    bed.writes.clear();
    bed.run(SECOND * 100, |call| uid(call, "third"));
    assert_eq!(bed.lanes(), [Lane::Status, Lane::Labels, Lane::Taint]);
}

#[test]
fn without_a_taint_nobody_looks_for_one_and_it_is_taken_away_once() {
    let mut bed = Bed::new();
    bed.publisher.want(truth(0), true);
    bed.run(SECOND * 3600, |_| DONE);
    assert!(!bed.lanes().contains(&Lane::Taint));
    bed.publisher.want(Desired { taint: Some("GPUHealthy".into()), ..truth(1) }, true);
    bed.run(SECOND * 3600, |_| DONE);
    bed.publisher.want(truth(2), true);
    bed.run(SECOND * 3600, |_| DONE);
    let taints = bed.writes.iter().filter(|(_, call)| call.lane() == Lane::Taint).map(|(_, call)| call);
    let mut taints: Vec<_> = taints.collect();
    assert_eq!(taints.iter().filter(|call| ***call == Call::Taint(None)).count(), 1);
    taints.dedup();
    assert_eq!(taints, [&Call::Taint(Some("GPUHealthy".into())), &Call::Taint(None)]);
}

#[test]
fn an_event_waits_a_moment_for_the_uid_and_not_for_ever() {
    let mut bed = Bed::new();
    bed.publisher.tell(told(1));
    bed.publisher.want(truth(1), true);
    bed.run(SECOND * 3, |call| uid(call, "u"));
    assert_eq!(bed.lanes(), [Lane::Status, Lane::Labels, Lane::Events]);
    let mut bed = Bed::new();
    bed.publisher.tell(told(1));
    bed.publisher.want(truth(1), true);
    bed.run(SECOND * 3, |call| match call.lane() {
        Lane::Status => Outcome::Failed(Failure::Forbidden),
        _ => DONE,
    });
    assert_eq!(bed.lanes(), [Lane::Status, Lane::Events]);
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => Just(DONE),
        1 => Just(AWAY),
        1 => (0..100_u64).prop_map(|asked| Outcome::Failed(Failure::Away { asked: Some(Duration::from_secs(asked)) })),
        1 => Just(Outcome::Failed(Failure::Forbidden)),
        1 => Just(Outcome::Failed(Failure::NoNode)),
        1 => Just(Outcome::Failed(Failure::Again)),
        1 => Just(Outcome::Failed(Failure::Refused)),
        1 => Just(Outcome::Failed(Failure::Event(OfEvent::Exists))),
        1 => Just(Outcome::Failed(Failure::Event(OfEvent::Absent))),
    ]
}

proptest! {
    #[test]
    fn whatever_the_api_server_does_the_newest_truth_arrives_once_it_is_well(
        steps in prop::collection::vec((0..50_u64, 0..400_u64, prop::collection::vec(outcome(), 1..6)), 1..30)
    ) {
        let mut bed = Bed::new();
        for (nth, seconds, outcomes) in steps {
            bed.publisher.want(truth(nth), true);
            bed.publisher.tell(told(nth));
            let mut answers = outcomes.into_iter().cycle();
            bed.run(Duration::from_secs(seconds), |_| answers.next().unwrap_or(DONE));
        }
        bed.publisher.want(truth(99), true);
        bed.run(Duration::from_secs(2000), |_| DONE);
        prop_assert!(bed.publisher.is_done());
        let last = bed.writes.iter().rev().find(|(_, call)| call.lane() == Lane::Status);
        prop_assert_eq!(last.map(|(_, call)| call), Some(&Call::Status(truth(99).conditions)));
    }
}
