//! GPUs.

use gpunode_probe_protocol::gpu::{Entry, GpuEvent, Sweep};
use gpunode_probe_protocol::library::Unusable;

use super::{Health, Nvml, Wants};
use crate::gpu_pci::{GpuPci, Hardware};
use crate::health::judge::{self, nvml};
use crate::health::{Now, Source, Subject};
use crate::kernel_log::{Event, XidEvent};

impl Health {
    pub(super) fn gpu_bus(
        &mut self,
        now: Now,
        gpus: Vec<GpuPci>,
        hardware: Vec<Option<Hardware>>,
        nvswitches: Vec<GpuPci>,
    ) {
        // Before anybody looked for it, a driver is not missed.
        let driver = self.known.nvidia_loaded().unwrap_or(true);
        let sightings = judge::gpu_bus::judge(&gpus, &hardware, driver, &self.setup.expect);
        (self.known.gpus, self.known.hardware, self.known.nvswitches) = (gpus, hardware, nvswitches);
        self.engine.look(now, &Source::GpuBus, sightings);
    }

    pub(super) fn sweep(&mut self, now: Now, sweep: Sweep) {
        self.hung.next(&sweep, &self.known.driven());
        let of_none = sweep.stuck.iter().filter(|stuck| stuck.index.is_none()).map(nvml::stuck);
        let stuck = of_none.chain(self.hung.sightings()).collect();
        self.engine.look(now, &Source::Probe, stuck);
        self.swept(now, sweep);
    }

    /// Nothing is said of a call that did not come back: it was not waited for.
    pub(super) fn sweep_in_brief(&mut self, now: Now, sweep: Sweep) {
        if sweep.stuck.is_some() {
            self.engine.silent(&Source::Probe);
        }
        self.swept(now, sweep);
    }

    fn swept(&mut self, now: Now, sweep: Sweep) {
        let judged = self.gpus.judge(now, &sweep, &self.known.driven(), &self.setup.expect);
        // What a sweep left out, or did not come to, it does not show to be gone.
        let skipped: Vec<_> = self.hung.subjects().collect();
        let whole = sweep.stuck.is_none();
        let covers = |subject: &Subject| {
            if whole { !skipped.contains(subject) } else { has_read(&sweep, subject.id()) }
        };
        self.engine.look_at(now, &Source::Gpus, judged.sightings, covers);
        for subject in &judged.reset {
            self.engine.reset(subject);
        }
        self.known.nvml = Nvml::Sweep(Box::new(sweep));
    }

    pub(super) fn nvml_unusable(&mut self, now: Now, why: Unusable) {
        let (gpus, driver) = (!self.known.gpus.is_empty(), self.known.nvidia_loaded() == Some(true));
        let mut sightings = nvml::unusable(&why, gpus, driver);
        sightings.extend(self.hung.sightings());
        self.engine.look(now, &Source::Probe, sightings);
        self.engine.silent(&Source::Gpus);
        self.known.nvml = Nvml::Unusable(why);
    }

    pub(super) fn probe(&mut self, now: Now, trouble: &nvml::Trouble) {
        let sightings = std::iter::once(nvml::trouble(trouble)).chain(self.hung.sightings()).collect();
        self.engine.look(now, &Source::Probe, sightings);
        self.engine.silent(&Source::Gpus);
        self.known.nvml = Nvml::Unknown;
    }

    pub(super) fn gpu_event(&mut self, now: Now, event: &GpuEvent) -> Wants {
        let told = judge::gpu_event::judge(event);
        self.happened(now, &Source::GpuEvents, told.sightings);
        // The kernel log has the same XID with more words; whichever comes first counts.
        if let Some((Ok(pci), code)) = told.xid.map(|(pci, code)| (pci.parse(), code)) {
            let (gpu_instance, pid, process, text, tail) = (None, None, None, String::new(), None);
            let xid = XidEvent { pci, gpu_instance, code, pid, process, text, tail };
            // The event does not carry what the action is; the sweep tells.
            if code != RECOVERY_ACTION {
                self.event(now, &Source::GpuEvents, &Event::Xid(xid));
            }
        }
        Wants { sweep: told.wants_sweep, ..Wants::default() }
    }
}

fn has_read(sweep: &Sweep, address: &str) -> bool {
    sweep.gpus.iter().any(|entry| matches!(entry, Entry::Read(gpu) if gpu.pci == address))
}

/// Xid 154 says that the driver's recovery action has changed.
const RECOVERY_ACTION: u32 = 154;
