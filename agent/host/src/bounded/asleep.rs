//! Whether a thread sleeps in the kernel or only wants a processor: of a read that does not come back, the first blames
//! who is asked, the second the machine that is busy.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A thread of this process, by what the kernel tells of it in `/proc`.
pub(crate) struct Task {
    folder: PathBuf,
    /// `schedstat`: nanoseconds on a processor, nanoseconds of waiting for one, and turns. Source: the kernel's
    /// Documentation/scheduler/sched-stats.rst. Open, since it is read with every read that begins.
    times: Option<File>,
}

/// What a thread has had of the processors in its life.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    ran: Duration,
    /// Wanted one, and had none. What it is waiting for now counts only when it gets it.
    waited: Duration,
}

impl Task {
    /// The thread that calls; `None` without `/proc`.
    pub(crate) fn current() -> Option<Self> {
        // `PID/task/TID`, also for an emulated program, which knows other numbers than the kernel.
        let folder = PathBuf::from("/proc").join(fs::read_link("/proc/thread-self").ok()?);
        let times = File::open(folder.join("schedstat")).ok();
        Some(Self { folder, times })
    }

    /// `None` where the kernel does not count it.
    pub(crate) fn times(&self) -> Option<Times> {
        // Three numbers of 64 bits.
        let mut bytes = [0; 64];
        let length = self.times.as_ref()?.read_at(&mut bytes, 0).ok()?;
        let text = str::from_utf8(&bytes[..length]).ok()?;
        let mut numbers = text.split_ascii_whitespace().map_while(|number| number.parse().ok());
        let [ran, waited] = [numbers.next()?, numbers.next()?].map(Duration::from_nanos);
        Some(Times { ran, waited })
    }

    /// Whether what it has been at since `started`, when it had had `before`, takes that long by itself: it sleeps, or it
    /// works, and has not waited for a processor for half the time. True where nothing is known.
    pub(crate) fn stands_since(&self, started: Instant, before: Option<Times>) -> bool {
        let is_running = self.is_running();
        let (Some(before), Some(now)) = (before, self.times()) else { return is_running != Some(true) };
        let elapsed = started.elapsed();
        if is_running == Some(true) {
            now.ran.saturating_sub(before.ran) * 2 >= elapsed
        } else {
            now.waited.saturating_sub(before.waited) * 2 <= elapsed
        }
    }

    /// Whether it runs or could run.
    fn is_running(&self) -> Option<bool> {
        let line = fs::read_to_string(self.folder.join("stat")).ok()?;
        // The name, in brackets, may hold anything.
        let (_, rest) = line.rsplit_once(')')?;
        Some(rest.trim_start().starts_with('R'))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::channel;
    use std::thread;

    use rustix::process::nice;
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    use super::*;

    /// A processor that another thread keeps busy.
    pub(in super::super) struct Busy(CpuSet);

    impl Busy {
        /// From here on the thread that calls gets hardly anything of it.
        pub(in super::super) fn enter(&self) {
            sched_setaffinity(None, &self.0).unwrap();
            nice(19).unwrap();
        }
    }

    /// Ends whoever spins, also where a test fails.
    struct Ends<'a>(&'a AtomicBool);

    impl Drop for Ends<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// Keeps a processor busy while `run` does what it does.
    pub(in super::super) fn beside_a_busy_one<T>(run: impl FnOnce(Busy) -> T) -> T {
        let over = AtomicBool::new(false);
        let allowed = sched_getaffinity(None).unwrap();
        let number = (0..CpuSet::MAX_CPU).find(|number| allowed.is_set(*number)).unwrap();
        let mut one = CpuSet::new();
        one.set(number);
        thread::scope(|scope| {
            let _ends = Ends(&over);
            let (spins, wait) = channel();
            let (over, one_of_all) = (&over, &one);
            scope.spawn(move || {
                sched_setaffinity(None, one_of_all).unwrap();
                spins.send(()).unwrap();
                spin(over);
            });
            wait.recv().unwrap();
            run(Busy(one))
        })
    }

    fn spin(over: &AtomicBool) {
        while !over.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
    }

    type Begun = (Instant, Option<Times>, Task);

    fn begin() -> Begun {
        let task = Task::current().unwrap();
        (Instant::now(), task.times(), task)
    }

    fn stands((since, before, task): &Begun) -> bool {
        task.stands_since(*since, *before)
    }

    #[test]
    fn a_thread_that_sleeps_or_works_stands() {
        let (end, wait) = channel::<()>();
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let (give, take) = channel();
            let sleeps = give.clone();
            scope.spawn(move || {
                sleeps.send(begin()).unwrap();
                wait.recv()
            });
            let sleeps = take.recv().unwrap();
            while !stands(&sleeps) {
                thread::yield_now();
            }
            let busy = &over;
            scope.spawn(move || {
                give.send(begin()).unwrap();
                spin(busy);
            });
            let works = take.recv().unwrap();
            // On a busy machine it has its processor for less than half the time, now and then.
            while !stands(&works) {
                thread::yield_now();
            }
            over.store(true, Ordering::Relaxed);
            drop(end);
        });
    }

    #[test]
    fn a_thread_that_gets_no_processor_does_not() {
        let over = AtomicBool::new(false);
        beside_a_busy_one(|busy| {
            thread::scope(|scope| {
                let _ends = Ends(&over);
                let (give, take) = channel();
                let over = &over;
                scope.spawn(move || {
                    busy.enter();
                    give.send(begin()).unwrap();
                    spin(over);
                });
                let begun = take.recv().unwrap();
                while begun.0.elapsed() < Duration::from_millis(500) {
                    thread::yield_now();
                }
                assert!(!stands(&begun));
            });
        });
    }
}
