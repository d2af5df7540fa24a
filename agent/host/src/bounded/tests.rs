use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::asleep::tests::beside_a_busy_one;
use super::crew::PATIENCE;
use super::schedule::Schedule;
use super::*;

const TIMING: Timing = Timing {
    period: Duration::from_secs(10),
    deadline: Duration::from_secs(2),
    gap: Duration::from_millis(250),
    step: Duration::from_secs(1),
};

fn names(count: usize) -> Vec<Arc<str>> {
    (0..count).map(|number| format!("device-{number:02}").into()).collect()
}

/// Runs a schedule of healthy subjects for `seconds`, in steps of 10 ms; how often each was read, and the most reads
/// in any one second.
fn run(count: usize, seconds: u64) -> (BTreeMap<Arc<str>, u32>, usize) {
    let origin = Instant::now();
    let mut schedule = Schedule::new(TIMING, origin);
    schedule.sync(&names(count), origin);
    let mut reads = BTreeMap::new();
    let mut starts = Vec::new();
    for step in 0..seconds * 100 {
        let now = origin + Duration::from_millis(step * 10);
        for name in schedule.start(now) {
            *reads.entry(Arc::clone(&name)).or_insert(0) += 1;
            starts.push(step / 100);
            assert!(schedule.finish(&name, now));
        }
        assert!(schedule.overdue(now, |_| true).is_empty());
    }
    let busiest = (0..seconds).map(|second| starts.iter().filter(|s| **s == second).count()).max();
    (reads, busiest.unwrap_or(0))
}

#[test]
fn thirty_two_are_read_once_a_period_evenly() {
    let (reads, busiest) = run(32, 100);
    assert!(reads.values().all(|count| (9..=10).contains(count)), "{reads:?}");
    assert_eq!((reads.len(), busiest), (32, 4));
}

#[test]
fn with_sixty_four_the_period_grows() {
    let (reads, _) = run(64, 160);
    // 64 × 0.25 s is a period of 16 s: ten rounds.
    assert!(reads.len() == 64 && reads.values().sum::<u32>() <= 640, "{reads:?}");
    assert!(reads.values().all(|count| *count >= 9));
}

#[test]
fn reads_begin_in_steps_so_that_who_starts_them_sleeps_between() {
    let origin = Instant::now();
    for (count, step) in [(32, 1_u32), (5, 1), (64, 2)] {
        let timing = Timing { step: Duration::from_secs(step.into()), ..TIMING };
        let mut schedule = Schedule::new(timing, origin);
        schedule.sync(&names(count), origin);
        let (mut wakes, mut now) = (0, origin);
        while let Some(wake) = schedule.next_wake().filter(|wake| *wake < origin + schedule.period() * 3) {
            assert!(wake > now || now == origin, "it is not woken twice for the same time");
            (wakes, now) = (wakes + 1, wake);
            for name in schedule.start(now) {
                schedule.finish(&name, now);
            }
        }
        let most = 3 * schedule.period().as_secs() / u64::from(step);
        assert!(wakes <= most && wakes + 1 >= most.min(3 * count as u64 - 1), "{count}: {wakes} of {most}");
    }
}

#[test]
fn none_and_one_are_no_special_case() {
    assert!(run(0, 30).0.is_empty());
    assert_eq!(run(1, 100).0.values().copied().collect::<Vec<_>>(), [9]);
    let schedule = Schedule::new(TIMING, Instant::now());
    assert_eq!(schedule.next_wake(), None);
}

#[test]
fn a_read_past_its_deadline_is_told_once_and_not_started_again() {
    let origin = Instant::now();
    let at = |seconds| origin + Duration::from_secs(seconds);
    let mut schedule = Schedule::new(TIMING, origin);
    let names = names(1);
    schedule.sync(&names, origin);
    let began = schedule.next_wake().unwrap();
    assert_eq!(schedule.start(began), names);
    assert_eq!(schedule.next_wake(), Some(began + TIMING.deadline));
    assert!(schedule.overdue(began + Duration::from_millis(1999), |_| true).is_empty());
    // Late, but not by its subject's fault: it is looked at again.
    assert!(schedule.overdue(began + TIMING.deadline, |_| false).is_empty());
    assert!(schedule.next_wake().is_some_and(|wake| wake > began + TIMING.deadline));
    assert_eq!(schedule.stalled().count(), 0);
    assert_eq!(schedule.overdue(began + TIMING.deadline, |_| true), [(Arc::clone(&names[0]), began)]);
    assert!(schedule.overdue(at(40), |_| true).is_empty() && schedule.start(at(40)).is_empty());
    assert_eq!(schedule.stalled().collect::<Vec<_>>(), [(&*names[0], began)]);
    assert_eq!(schedule.next_wake(), None);
    assert!(schedule.finish(&names[0], at(41)));
    assert!(schedule.next_wake().is_some_and(|wake| wake > at(41) && wake <= at(51)));
    assert_eq!(schedule.stalled().count(), 0);
}

#[test]
fn a_subject_that_went_away_keeps_its_place_until_its_read_comes_back() {
    let origin = Instant::now();
    let mut schedule = Schedule::new(TIMING, origin);
    let names = names(2);
    schedule.sync(&names, origin);
    let late = origin + Duration::from_secs(60);
    assert_eq!(schedule.start(late).len(), 2);
    assert!(schedule.finish(&names[1], late));
    assert_eq!(schedule.sync(&[], late), [Arc::clone(&names[1])]);
    assert!(!schedule.finish("device-99", late));
    assert!(!schedule.finish(&names[0], late));
    assert_eq!(schedule.next_wake(), None);
}

/// Reads that the test lets go one by one.
struct Gate {
    begun: Receiver<Arc<str>>,
    go: Arc<Mutex<BTreeMap<Arc<str>, Sender<u32>>>>,
}

impl Gate {
    fn pool() -> (Pool<u32>, Self, Instant) {
        let now = Instant::now();
        let (entered, begun) = channel();
        let go = Arc::new(Mutex::new(BTreeMap::new()));
        let doors = Arc::clone(&go);
        let timing = Timing { deadline: Duration::from_secs(3600), ..TIMING };
        let pool = Pool::new(timing, now, move |name| {
            let name: Arc<str> = name.into();
            let (open, door) = channel();
            doors.lock().unwrap().insert(Arc::clone(&name), open);
            let entered = entered.clone();
            Box::new(move || {
                entered.send(Arc::clone(&name)).unwrap();
                door.recv().unwrap()
            })
        });
        (pool, Self { begun, go }, now)
    }

    fn open(&self, name: &str, value: u32) {
        self.go.lock().unwrap()[name].send(value).unwrap();
    }

    /// Ticks at `now` until so many reads have begun: which ones, and what happened meanwhile.
    fn begin(&self, pool: &mut Pool<u32>, now: Instant, count: usize) -> (Vec<Arc<str>>, Vec<Event<u32>>) {
        let mut events = pool.tick(now);
        let mut begun = Vec::new();
        while begun.len() < count {
            begun.extend(self.begun.recv_timeout(PATIENCE));
            events.extend(pool.tick(now));
        }
        begun.sort();
        (begun, events)
    }
}

/// Waits for threads that are not needed to end.
fn settle(pool: &Pool<u32>, threads: usize) {
    let end = Instant::now() + Duration::from_secs(60);
    while pool.threads() != threads && Instant::now() < end {
        thread::yield_now();
    }
    assert_eq!(pool.threads(), threads);
}

fn done(events: &[Event<u32>]) -> Vec<(&str, u32)> {
    let done = |event: &'_ Event<u32>| match event {
        Event::Done { value, .. } => Some(*value),
        _ => None,
    };
    events.iter().filter_map(|event| Some((name(event), done(event)?))).collect()
}

fn name(event: &Event<u32>) -> &str {
    match event {
        Event::Done { name, .. } | Event::Stalled { name, .. } | Event::NoThread { name, .. } => name,
    }
}

#[test]
fn a_read_that_hangs_delays_no_other_and_is_heard_of_when_it_comes_back() {
    let (mut pool, gate, now) = Gate::pool();
    let names = names(3);
    pool.sync(&names, now);
    let later = now + TIMING.period;
    let (begun, events) = gate.begin(&mut pool, later, 3);
    assert_eq!((begun, events), (names.clone(), Vec::new()));
    // On a busy machine one more has come, and rests.
    assert!((3..=4).contains(&pool.threads()));
    gate.open("device-00", 7);
    gate.open("device-02", 9);
    let mut answers = Vec::new();
    while answers.len() < 2 {
        pool.wait(Instant::now() + Duration::from_secs(60));
        answers.extend(done(&pool.tick(later)).into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    answers.sort();
    assert_eq!(answers, [("device-00".to_owned(), 7), ("device-02".to_owned(), 9)]);
    // One stands, one rests, and one has ended.
    settle(&pool, 2);
    // An hour later: the one that hangs is told once and not begun again, and the others are read again.
    let hour = later + Duration::from_secs(3600);
    let (begun, mut events) = gate.begin(&mut pool, hour, 2);
    assert_eq!(begun, [Arc::clone(&names[0]), Arc::clone(&names[2])]);
    // On a busy machine its thread may not have come to its sleep.
    while events.is_empty() {
        events = pool.tick(hour);
    }
    assert_eq!(events, [Event::Stalled { name: "device-01".into(), since: later }]);
    assert!(pool.tick(hour + Duration::from_secs(1)).is_empty());
    assert!((3..=4).contains(&pool.threads()) && pool.stalled().count() == 1);
    gate.open("device-01", 5);
    pool.wait(Instant::now() + Duration::from_secs(60));
    assert_eq!(done(&pool.tick(hour)), [("device-01", 5)]);
    assert_eq!(pool.stalled().count(), 0);
}

#[test]
fn one_thread_reads_all_that_answer() {
    let now = Instant::now();
    let mut pool = Pool::new(TIMING, now, |_| Box::new(|| thread::current().id()));
    let names = names(32);
    pool.sync(&names, now);
    // More than one only where the machine lets one stand for 10 ms, which it does not do again and again.
    let one_did_all = |round: u32| {
        let at = now + TIMING.period * round;
        let (mut threads, mut read) = (BTreeSet::new(), BTreeSet::new());
        while read.len() < names.len() {
            for event in pool.tick(at) {
                let Event::Done { name, value, .. } = event else { panic!("{event:?}") };
                threads.insert(format!("{value:?}"));
                assert!(read.insert(name), "read twice in a period");
            }
            if read.len() < names.len() {
                pool.wait(Instant::now() + Duration::from_secs(60));
            }
        }
        threads.len() == 1
    };
    assert!((1..1000).any(one_did_all));
}

#[test]
fn a_subject_that_went_away_is_heard_of_once_more_and_one_that_came_back_is_read_on() {
    let (mut pool, gate, now) = Gate::pool();
    let names = names(2);
    pool.sync(&names, now);
    let later = now + TIMING.period;
    gate.begin(&mut pool, later, 2);
    pool.sync(&[], later);
    pool.sync(&names[1..], later);
    for (name, value) in [("device-00", 1), ("device-01", 2)] {
        gate.open(name, value);
        pool.wait(Instant::now() + Duration::from_secs(60));
        assert_eq!(done(&pool.tick(later)), [(name, value)]);
    }
    // The job that waits at this door is the one from before: another would have a new door.
    let (begun, events) = gate.begin(&mut pool, later + TIMING.period, 1);
    assert_eq!((begun, events), (vec![Arc::clone(&names[1])], Vec::new()));
    gate.open("device-01", 3);
    settle(&pool, 1);
}

#[test]
fn the_threads_end_with_the_pool() {
    let (mut pool, gate, now) = Gate::pool();
    pool.sync(&names(1), now);
    gate.begin(&mut pool, now + TIMING.period, 1);
    let Gate { begun, go } = gate;
    drop(pool);
    go.lock().unwrap()["device-00"].send(1).unwrap();
    go.lock().unwrap().clear();
    // The sender in the job goes with the thread.
    assert!(
        begun
            .recv_timeout(Duration::from_secs(60))
            .is_err_and(|error| error == RecvTimeoutError::Disconnected)
    );
}

/// Does all reads at once, in whose order the answers are.
fn once<T: Send + 'static>(jobs: Vec<Job<T>>, deadline: Duration) -> Vec<Option<T>> {
    let mut answers: Vec<_> = jobs.iter().map(|_| None).collect();
    let read = |(place, job): (usize, Job<T>)| (place.to_string().into(), job);
    let reads = jobs.into_iter().enumerate().map(read).collect();
    for (place, value) in Rounds::default().patient_round(reads, deadline) {
        answers[place.parse::<usize>().unwrap()] = Some(value);
    }
    answers
}

#[test]
fn all_at_once_returns_what_came_in_time() {
    let (open, door) = channel::<u32>();
    let jobs: Vec<Job<u32>> =
        vec![Box::new(|| 1), Box::new(move || door.recv().unwrap_or(0)), Box::new(|| 3)];
    let answers = once(jobs, Duration::from_secs(3));
    assert_eq!(answers, [Some(1), None, Some(3)]);
    drop(open);
    assert!(once(Vec::<Job<u32>>::new(), Duration::from_secs(60)).is_empty());
}

#[test]
fn one_thread_does_quick_reads_and_no_read_waits_for_those_that_stand() {
    let quick = |count: usize| (0..count).map(|_| Box::new(|| thread::current().id()) as Job<ThreadId>);
    // More than one only where the machine lets one stand for 10 ms.
    let one_does_all = |_| {
        let answers = once(quick(200).collect(), Duration::from_secs(60)).into_iter();
        answers.map(|answer| format!("{:?}", answer.unwrap())).collect::<BTreeSet<_>>().len() == 1
    };
    assert!((0..1000).any(one_does_all));
    // Fifty that stand come first.
    let (open, door) = channel::<()>();
    let door = Arc::new(Mutex::new(door));
    let stand = || {
        let door = Arc::clone(&door);
        Box::new(move || {
            let _ = door.lock().unwrap().recv();
            thread::current().id()
        }) as Job<ThreadId>
    };
    let jobs = (0..50).map(|_| stand()).chain(quick(50)).collect();
    let answers = once(jobs, Duration::from_secs(5));
    assert!(answers[..50].iter().all(Option::is_none) && answers[50..].iter().all(Option::is_some));
    drop(open);
}

#[test]
fn a_read_that_gets_no_processor_is_waited_for() {
    let spent = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
    };
    beside_a_busy_one(|busy| {
        let work: Job<u32> = Box::new(move || {
            busy.enter();
            let end = spent() + Duration::from_millis(15);
            while spent() < end {}
            1
        });
        // Behind it is one that nobody begins meanwhile.
        let answers = once(vec![work, Box::new(|| 2)], Duration::from_millis(500));
        assert_eq!(answers, [Some(1), Some(2)]);
    });
}

#[test]
fn a_read_that_stands_is_left_behind_by_its_round_and_heard_of_in_a_later_one() {
    let mut rounds = Rounds::default();
    let (open, door) = channel::<u32>();
    let stands: Job<u32> = Box::new(move || door.recv().unwrap());
    let values = |answers: Vec<(Arc<str>, u32)>| {
        answers.into_iter().map(|(name, value)| (name.to_string(), value)).collect::<BTreeMap<_, _>>()
    };
    let of = |values: &[(&str, u32)]| {
        values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect::<BTreeMap<_, _>>()
    };
    let quick = |value| -> Job<u32> { Box::new(move || value) };
    let first = rounds.round(
        vec![("a".into(), stands), ("b".into(), quick(1)), ("c".into(), quick(2))],
        Duration::from_secs(3),
    );
    assert_eq!(values(first), of(&[("b", 1), ("c", 2)]));
    assert!(rounds.is_under_way("a") && !rounds.is_under_way("b"));
    // On a busy machine its thread may not have come to its sleep.
    while !rounds.is_stalled("a", Duration::ZERO) {
        thread::yield_now();
    }
    assert!(
        !rounds.is_stalled("a", Duration::from_secs(3600)) && rounds.next_deadline(Duration::ZERO).is_none()
    );

    // It is not waited for again.
    assert_eq!(
        values(rounds.round(vec![("b".into(), quick(3))], Duration::from_secs(3600))),
        of(&[("b", 3)])
    );
    assert!(rounds.next_deadline(Duration::from_secs(3600)).is_some_and(|at| at > Instant::now()));
    open.send(7).unwrap();
    let mut late = BTreeMap::new();
    while late.is_empty() {
        late = values(rounds.round(Vec::new(), Duration::ZERO));
    }
    assert_eq!((late, rounds.is_under_way("a")), (of(&[("a", 7)]), false));
    drop(open);
}

#[test]
fn a_read_that_gets_no_processor_is_not_stalled() {
    beside_a_busy_one(|busy| {
        let over = Arc::new(AtomicBool::new(false));
        let spins = Arc::clone(&over);
        let work: Job<()> = Box::new(move || {
            busy.enter();
            while !spins.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        let mut rounds = Rounds::default();
        assert!(rounds.round(vec![("a".into(), work)], Duration::from_millis(500)).is_empty());
        assert!(rounds.is_under_way("a") && !rounds.is_stalled("a", Duration::ZERO));
        assert!(rounds.next_deadline(Duration::from_millis(500)).is_some());
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn there_are_no_more_threads_than_reads_however_long_they_take_to_come() {
    beside_a_busy_one(|busy| {
        // Threads inherit the processor they may run on.
        let begin = move || {
            busy.enter();
            let (open, door) = channel::<()>();
            let door = Arc::new(Mutex::new(door));
            let stands = |name: usize| {
                let door = Arc::clone(&door);
                let job: Job<bool> = Box::new(move || door.lock().unwrap().recv().is_ok());
                (name.to_string().into(), job)
            };
            let mut rounds = Rounds::default();
            rounds.round((0..20).map(stands).collect(), Duration::from_secs(2));
            let threads = rounds.threads();
            drop(open);
            threads
        };
        let threads = thread::spawn(begin).join().unwrap();
        assert!((1..=20).contains(&threads), "{threads}");
    });
}
