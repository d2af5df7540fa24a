//! GPUs and NVSwitches on the PCI bus, and what each says there.

use std::time::Instant;

use gpunode_host::gpu_pci::{Bus, Functions, GpuReaders};
use gpunode_host::health::{Seen, Source};

use super::{PATIENCE, Place};
use crate::feed::Over;
use crate::gate::First;

/// Looks again and again.
pub(crate) fn run(place: &Place) -> Result<(), Over> {
    let settings = &place.settings;
    // What is missing depends on the driver.
    place.gate.wait(&[First::Versions], PATIENCE);
    let period = settings.periods.devices;
    let mut readers = GpuReaders::new(settings.root.clone());
    let mut bus = Bus::default();
    while !place.bell.is_over() {
        let began = Instant::now();
        place.bell.take();
        match bus.look(&settings.root) {
            Ok(Functions { gpus, nvswitches }) => {
                let addresses: Vec<_> = gpus.iter().map(|gpu| gpu.address.clone()).collect();
                let hardware = readers.round(&addresses, settings.deadlines.gpu_bus);
                place.feed.saw(Seen::GpuBus { gpus, hardware, nvswitches })?;
            }
            Err(error) => place.feed.saw(Seen::Unseen(Source::GpuBus, error.words()))?,
        }
        place.gate.open(First::GpuBus);
        let until = began + period;
        while Instant::now() < until && !place.bell.is_over() && !place.bell.has_rung() {
            place.bell.wait(until);
        }
    }
    Ok(())
}
