//! NVML: looks at the GPUs, and its events, through `gpunode-probe`.

use std::time::{Duration, Instant};

use gpunode_host::Root;
use gpunode_host::gpu_pci::Starts;
use gpunode_host::health::{Seen, Source};
use gpunode_probe_client::{Outcome, Probe, Pushed, Trouble};

use super::{PATIENCE, Place};
use crate::feed::Over;
use crate::gate::First;
use crate::state::State;
use crate::told::{self, Told};

/// `NVML_ERROR_UNKNOWN`: the process that waited for events is gone.
const GONE: u32 = 999;
/// Pauses between tries to register for events, which may hang as any call may. Each hang costs the process.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(1800);

/// Looks again and again, and at once when asked; hands events over as they come.
pub(crate) fn run(place: &Place) -> Result<(), Over> {
    // What a look shows is compared with the bus.
    place.gate.wait(&[First::GpuBus], PATIENCE);
    let mut gpus = Gpus::new(place);
    while !place.bell.is_over() {
        let next = gpus.round()?;
        place.gate.open(First::Gpus);
        gpus.wait(next)?;
    }
    Ok(())
}

/// Whether the NVIDIA driver is there to be asked. Without it NVML says so at best; at worst its start loads the driver,
/// through `nvidia-modprobe`, which nobody asked us for.
pub(crate) fn driver_is_loaded(root: &Root) -> bool {
    root.exists("/proc/driver/nvidia/version") || root.exists("/sys/module/nvidia/version")
}

/// Why nothing is asked.
pub(crate) const NO_DRIVER: &str = "the NVIDIA driver is not loaded";

struct Gpus<'a> {
    place: &'a Place,
    probe: Option<Probe>,
    starts: Starts,
    slow_due: Instant,
    /// The end of the last look.
    looked: Instant,
    listen_due: Instant,
    listen_pause: Duration,
    /// A GPU that was left out answers again: the registration is to have it too.
    listen_anew: bool,
}

impl<'a> Gpus<'a> {
    fn new(place: &'a Place) -> Self {
        let now = Instant::now();
        Self {
            place,
            probe: None,
            starts: Starts::new(place.settings.root.clone()),
            slow_due: now,
            looked: now,
            listen_due: now,
            listen_pause: FIRST_PAUSE,
            listen_anew: false,
        }
    }

    /// One look. Says when the next one is due.
    fn round(&mut self) -> Result<Instant, Over> {
        let began = Instant::now();
        self.place.bell.take();
        let next = began + self.place.settings.periods.gpus;
        if !driver_is_loaded(&self.place.settings.root) {
            self.probe = None;
            for source in [Source::Gpus, Source::GpuEvents] {
                self.place.feed.state(source, State::NotNeeded(NO_DRIVER.to_owned()))?;
            }
            return Ok(next);
        }
        let again = self.sweep(began)?;
        self.looked = Instant::now();
        if let Some(again) = again {
            return Ok(next.min(again));
        }
        self.listen()?;
        self.look_again();
        Ok(next)
    }

    /// Says when to try again where nothing was asked this time.
    fn sweep(&mut self, now: Instant) -> Result<Option<Instant>, Over> {
        let (slow, deadline) = (now >= self.slow_due, self.patience());
        let Some(probe) = self.probe()? else { return Ok(None) };
        let outcome = probe.gpus(deadline, &[], slow);
        if slow && outcome.value().is_some() {
            self.slow_due = now + self.place.settings.periods.gpus_slow;
        }
        match outcome {
            Outcome::Whole(sweep) | Outcome::Partial(sweep, _) => {
                self.place.feed.saw(Seen::Gpus(Ok(sweep)))?;
            }
            Outcome::Nothing(Trouble::BackingOff { until, .. }) => return Ok(Some(until)),
            Outcome::Nothing(trouble) => self.tell(&trouble)?,
        }
        Ok(None)
    }

    /// How long a look may take. A process that runs has the GPUs open, and so started.
    fn patience(&mut self) -> Duration {
        let deadlines = &self.place.settings.deadlines;
        let runs = self.probe.as_ref().is_some_and(|probe| probe.as_fd().is_some());
        let starts = !runs && self.starts.are_due(deadlines.gpu_bus);
        if starts { deadlines.gpus_start.max(deadlines.gpus) } else { deadlines.gpus }
    }

    /// The probe, prepared when it is needed first.
    fn probe(&mut self) -> Result<Option<&mut Probe>, Over> {
        if self.probe.is_none() {
            match Probe::start(&self.place.settings.probe) {
                Ok(mut probe) => {
                    let feed = self.place.feed.clone();
                    probe.on_push(move |pushed| {
                        // When nobody listens any more, the next look finds out.
                        let _ = feed.saw(match pushed {
                            Pushed::Event(event) => Seen::GpuEvent(event),
                            Pushed::Ended(code) => Seen::GpuEventsEnded(code.unwrap_or(GONE)),
                        });
                    });
                    self.probe = Some(probe);
                }
                Err(error) => {
                    self.place.feed.saw(Seen::Probe(told::not_started(&error)))?;
                }
            }
        }
        Ok(self.probe.as_mut())
    }

    /// Registers for events, unless that is done.
    fn listen(&mut self) -> Result<(), Over> {
        let now = Instant::now();
        let Some(probe) = self.probe.as_mut() else { return Ok(()) };
        // No process: the look did not work either.
        let done = probe.listens() && !self.listen_anew;
        if done || probe.as_fd().is_none() || now < self.listen_due {
            return Ok(());
        }
        match probe.events(self.place.settings.deadlines.gpus, &[]) {
            Outcome::Whole(_) => {
                (self.listen_pause, self.listen_anew) = (FIRST_PAUSE, false);
                self.place.feed.saw(Seen::Heard(Source::GpuEvents))
            }
            Outcome::Partial(_, trouble) | Outcome::Nothing(trouble) => {
                // No finding: looks go on, and the kernel log has the same XIDs.
                self.listen_due = Instant::now() + self.listen_pause;
                self.listen_pause = (2 * self.listen_pause).min(LONGEST_PAUSE);
                self.place.feed.state(Source::GpuEvents, State::Unavailable(trouble.to_string()))
            }
        }
    }

    /// Looks at a GPU that hung, when its turn has come. One that answers is part of the next look, which is at once,
    /// and of the next registration.
    fn look_again(&mut self) {
        let deadline = self.place.settings.deadlines.gpus;
        let Some(look) = self.probe.as_mut().and_then(|probe| probe.look_again(deadline)) else { return };
        if look.entry.is_ok() {
            self.listen_anew = true;
            self.place.bell.ring();
        }
    }

    /// Until `next`, or until somebody wants a look, but not sooner than the gap allows.
    fn wait(&mut self, next: Instant) -> Result<(), Over> {
        let soonest = self.looked + self.place.settings.periods.gpus_gap;
        loop {
            let until = if self.place.bell.has_rung() { soonest.min(next) } else { next };
            if self.place.bell.is_over() || Instant::now() >= until {
                return Ok(());
            }
            let fd = self.probe.as_ref().and_then(Probe::as_fd);
            if !self.place.bell.wait_with(fd, until) {
                continue;
            }
            if let Some(Err(trouble)) = self.probe.as_mut().map(Probe::pump) {
                return self.tell(&trouble);
            }
        }
    }

    fn tell(&self, trouble: &Trouble) -> Result<(), Over> {
        Told::of_gpus(trouble).map_or(Ok(()), |seen| self.place.feed.saw(seen))
    }
}
