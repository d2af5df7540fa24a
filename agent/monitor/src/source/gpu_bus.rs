//! GPUs and NVSwitches on the PCI bus, and what each says there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use gpunode_host::bounded::Event;
use gpunode_host::gpu_pci::{Bus, Functions, GpuReaders, Hardware};
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
    // A reader is due again within half a period after its answer, so that each round finds every one due.
    // A reader's first turn comes within its period after this moment: before now, so that none waits for it.
    let origin = Instant::now().checked_sub(period / 2).unwrap_or_else(Instant::now);
    let mut readers = GpuReaders::new(settings.root.clone(), period / 2, settings.deadlines.gpu_bus, origin);
    let mut bus = Bus::default();
    while !place.bell.is_over() {
        let began = Instant::now();
        place.bell.take();
        match bus.look(&settings.root) {
            Ok(Functions { gpus, nvswitches }) => {
                let addresses: Vec<Arc<str>> = gpus.iter().map(|gpu| gpu.address.as_str().into()).collect();
                let mut answers = round(place, &mut readers, &addresses);
                let hardware = gpus.iter().map(|gpu| answers.remove(gpu.address.as_str())).collect();
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

/// Asks every GPU once; one that has not answered by the deadline, or hangs since an earlier round, is left out.
fn round(place: &Place, readers: &mut GpuReaders, addresses: &[Arc<str>]) -> BTreeMap<String, Hardware> {
    let began = Instant::now();
    let until = began + place.settings.deadlines.gpu_bus;
    // One that is new is due in its own time; a past beginning makes it due now.
    readers.sync(addresses, began.checked_sub(place.settings.periods.devices).unwrap_or(began));
    let mut answers = BTreeMap::new();
    loop {
        for event in readers.tick(Instant::now()) {
            match event {
                Event::Done { name, value, .. } => drop(answers.insert(name.to_string(), value)),
                // It is not in the answers, which says it all.
                Event::Stalled { .. } | Event::NoThread { .. } => {}
            }
        }
        let silent = |address: &str| readers.stalled().any(|(stalled, _)| stalled == address);
        let settled = addresses.iter().all(|at| answers.contains_key(&**at) || silent(at));
        if settled || Instant::now() >= until || place.bell.is_over() {
            return answers;
        }
        readers.wait(until);
    }
}
