//! The installer, killed at a call, and two of them at once.
#![expect(clippy::panic, reason = "a test whose bed fails has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Bed, Call, Fault, Proxy, Told};
use crate::pairs::Pairs;

/// A program that is to be killed, by whoever sees it ask; it has not begun while its number is 0.
#[derive(Clone, Debug, Default)]
pub struct Victim(Arc<AtomicI32>);

impl Victim {
    /// Says which process it is.
    pub fn is(&self, pid: u32) {
        self.0.store(pid.cast_signed(), Ordering::SeqCst);
    }

    /// Kills it.
    pub fn kill(&self) {
        self.kill_all(false);
    }

    /// Kills it with the programs that it started, as when its machine goes down.
    pub fn kill_with_children(&self) {
        self.kill_all(true);
    }

    fn kill_all(&self, children: bool) {
        let since = Instant::now();
        while self.0.load(Ordering::SeqCst) == 0 && since.elapsed() < Duration::from_secs(60) {
            std::thread::yield_now();
        }
        let pid = self.0.load(Ordering::SeqCst);
        // To a group of processes 0 would be our own.
        assert!(pid > 0, "who is to be killed did not begin");
        let others = if children { children_of(pid) } else { Vec::new() };
        for pid in [pid].into_iter().chain(others) {
            // It may have ended just now.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

/// Processes whose parent is `pid`.
fn children_of(pid: i32) -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").unwrap_or_else(|error| panic!("/proc: {error}"));
    let number = |name: std::ffi::OsString| name.to_str()?.parse::<i32>().ok();
    let parent = |child: &i32| {
        let text = std::fs::read_to_string(format!("/proc/{child}/stat")).ok()?;
        // After the name, which may have blanks and brackets: the state, the parent.
        text.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<i32>().ok()
    };
    let all = entries.flatten().filter_map(|entry| number(entry.file_name()));
    all.filter(|child| parent(child) == Some(pid)).collect()
}

impl Bed {
    /// Runs two at once, each changing call of one held for a while until the other makes the same one. Gives what they
    /// said, and the calls.
    ///
    /// # Panics
    /// When one cannot be started, and when they never meet: then nothing is shown of two at once.
    pub fn two_at_once(&self, words: &[&str], variables: &[(&str, &str)]) -> ([Told; 2], Vec<Call>) {
        let (pairs, met) = (Pairs::default(), Arc::new(AtomicUsize::new(0)));
        let meetings = Arc::clone(&met);
        let proxy = Proxy::start(move |_, call| {
            if call.mutates && pairs.meet(&format!("{} {}", call.operation, call.body)) {
                meetings.fetch_add(1, Ordering::SeqCst);
            }
            Fault::None
        })
        .unwrap_or_else(|error| panic!("proxy: {error}"));
        let both = [(); 2].map(|()| self.start(&proxy, words, variables));
        let told = both.map(|child| {
            Told::from(child.wait_with_output().unwrap_or_else(|error| panic!("installer: {error}")))
        });
        assert!(met.load(Ordering::SeqCst) > 1, "{words:?}: the two never met");
        (told, proxy.calls())
    }

    /// Runs it and kills it at its mutating call number `at`, from 1; where it makes fewer it comes to its end. The call is
    /// carried out or not, and its answer is never seen.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn killed(&self, at: usize, carried_out: bool, words: &[&str], variables: &[(&str, &str)]) -> Told {
        let (victim, seen) = (Victim::default(), AtomicUsize::new(0));
        let killed = victim.clone();
        let proxy = Proxy::start(move |_, call| {
            if !call.mutates || seen.fetch_add(1, Ordering::SeqCst) + 1 < at {
                return Fault::None;
            }
            killed.kill();
            if carried_out { Fault::LoseAnswer } else { Fault::Close }
        })
        .unwrap_or_else(|error| panic!("proxy: {error}"));
        let child = self.start(&proxy, words, variables);
        victim.is(child.id());
        Told::from(child.wait_with_output().unwrap_or_else(|error| panic!("installer: {error}")))
    }
}
