//! The installer, killed at a call.
#![expect(clippy::panic, reason = "a test whose bed fails has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Bed, Fault, Proxy, Told};

impl Bed {
    /// Runs it and kills it at its mutating call number `at`, from 1; where it makes fewer it comes to its end. The call is
    /// carried out or not, and its answer is never seen.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn killed(&self, at: usize, carried_out: bool, words: &[&str], variables: &[(&str, &str)]) -> Told {
        let (pid, seen) = (Arc::new(AtomicI32::new(0)), AtomicUsize::new(0));
        let victim = Arc::clone(&pid);
        let proxy = Proxy::start(move |_, call| {
            if !call.mutates || seen.fetch_add(1, Ordering::SeqCst) + 1 < at {
                return Fault::None;
            }
            let since = Instant::now();
            while victim.load(Ordering::SeqCst) == 0 && since.elapsed() < Duration::from_secs(60) {
                std::thread::yield_now();
            }
            let _ = kill(Pid::from_raw(victim.load(Ordering::SeqCst)), Signal::SIGKILL);
            if carried_out { Fault::LoseAnswer } else { Fault::Close }
        })
        .unwrap_or_else(|error| panic!("proxy: {error}"));
        let child = self.start(&proxy, words, variables);
        pid.store(child.id().cast_signed(), Ordering::SeqCst);
        Told::from(child.wait_with_output().unwrap_or_else(|error| panic!("installer: {error}")))
    }
}
