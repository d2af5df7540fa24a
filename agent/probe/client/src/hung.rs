//! GPUs on which a call hung: left out of sweeps, and looked at again in a process of their own.

use std::time::{Duration, Instant, SystemTime};

use crate::abandoned::Graveyard;
use crate::settings::{Growing, chance};

/// A GPU on which a call hung.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HungGpu {
    /// PCI address; NVML's index in decimal where the address is not known.
    pub pci: String,
    /// The call, as the library names it.
    pub call: String,
    /// When the call began that hung first.
    pub since: SystemTime,
    /// When it is looked at again, at the earliest.
    pub next_look: Instant,
    /// How often it hung in a row.
    pub times: u32,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct HungGpus {
    gpus: Vec<HungGpu>,
    again: Growing,
}

impl HungGpus {
    pub(crate) fn new(again: Growing) -> Self {
        Self { gpus: Vec::new(), again }
    }

    /// A call hung, for the first time or again.
    pub(crate) fn add(&mut self, pci: &str, call: &str, waited: Duration, now: Instant) {
        let index = self.gpus.iter().position(|gpu| gpu.pci == pci).unwrap_or_else(|| {
            let since = SystemTime::now().checked_sub(waited).unwrap_or(SystemTime::UNIX_EPOCH);
            let (pci, call) = (pci.to_owned(), call.to_owned());
            self.gpus.push(HungGpu { pci, call, since, next_look: now, times: 0 });
            self.gpus.len() - 1
        });
        let gpu = &mut self.gpus[index];
        call.clone_into(&mut gpu.call);
        gpu.times = gpu.times.saturating_add(1);
        gpu.next_look = now + self.again.pause(gpu.times, chance());
    }

    /// A look at it did not even get to the GPU: not held against it, but not repeated at once.
    pub(crate) fn put_off(&mut self, pci: &str, now: Instant) {
        if let Some(gpu) = self.gpus.iter_mut().find(|gpu| gpu.pci == pci) {
            gpu.next_look = now + self.again.pause(gpu.times, chance());
        }
    }

    /// It answered.
    pub(crate) fn remove(&mut self, pci: &str) {
        self.gpus.retain(|gpu| gpu.pci != pci);
    }

    /// A process that was stuck on it has ended: the driver answers again, so its turn has come.
    pub(crate) fn let_go(&mut self, pci: &str, now: Instant) {
        if let Some(gpu) = self.gpus.iter_mut().find(|gpu| gpu.pci == pci) {
            gpu.next_look = gpu.next_look.min(now);
        }
    }

    /// The one to look at now. While a process that hung on a GPU is stuck in the kernel another one would be, too, so
    /// the GPU is left alone until that process ends.
    pub(crate) fn due(&self, now: Instant, graveyard: &Graveyard) -> Option<String> {
        let due = |gpu: &&HungGpu| gpu.next_look <= now && !graveyard.holds(&gpu.pci);
        self.gpus.iter().filter(due).min_by_key(|gpu| gpu.next_look).map(|gpu| gpu.pci.clone())
    }

    /// Their PCI addresses.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &str> {
        self.gpus.iter().map(|gpu| gpu.pci.as_str())
    }

    /// All that is known of them.
    pub(crate) fn list(&self) -> &[HungGpu] {
        &self.gpus
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: &str = "0000:53:00.0";
    const FIRST: Duration = Duration::from_secs(60);

    fn hung(now: Instant) -> HungGpus {
        let mut gpus = HungGpus::new(Growing { first: FIRST, most: 30 * FIRST });
        gpus.add(X, "nvmlDeviceGetFieldValues", Duration::from_secs(3), now);
        gpus
    }

    #[test]
    fn a_hung_gpu_is_looked_at_again_after_longer_and_longer_pauses() {
        let (none, mut now) = (Graveyard::default(), Instant::now());
        let mut gpus = hung(now);
        for doublings in 0..3 {
            let pause = FIRST * (1 << doublings);
            assert_eq!(gpus.due(now + pause / 2, &none), None);
            now += pause * 5 / 4;
            assert_eq!(gpus.due(now, &none).as_deref(), Some(X));
            gpus.add(X, "nvmlInit_v2", Duration::from_secs(3), now);
        }
        assert_eq!((gpus.list()[0].times, gpus.list()[0].call.as_str()), (4, "nvmlInit_v2"));
        gpus.remove(X);
        assert_eq!(gpus.addresses().count(), 0);
    }

    #[test]
    fn its_turn_comes_at_once_when_the_process_that_hung_on_it_ends() {
        let now = Instant::now();
        let mut gpus = hung(now);
        gpus.let_go("0000:64:00.0", now);
        assert_eq!(gpus.due(now, &Graveyard::default()), None);
        gpus.let_go(X, now);
        assert_eq!(gpus.due(now, &Graveyard::default()).as_deref(), Some(X));
        gpus.put_off(X, now);
        assert_eq!(gpus.due(now, &Graveyard::default()), None);
    }
}
