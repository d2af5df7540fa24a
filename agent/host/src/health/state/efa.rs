//! EFA.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::fabric::Interfaces;
use gpunode_probe_protocol::gpu::Entry;
use gpunode_probe_protocol::library::Unusable;

use super::{EfaDevice, Health, Libfabric, Nvml, Port, Wants};
use crate::efa::{DeviceSample, Observation, SampleState, join};
use crate::health::judge::efa_device::Device;
use crate::health::judge::efa_devices::{Nvidia, name};
use crate::health::judge::nvml::Trouble;
use crate::health::judge::{efa_device, efa_devices, efa_port, libfabric};
use crate::health::{EfaName, Now, Sighting, Source, Subject, rules};
use crate::versions::DriverBuild;

/// Percent from which a GPU counts as busy, see [`rules::EFA_IDLE`].
const BUSY: u32 = 50;

impl Health {
    pub(super) fn efa(&mut self, now: Now, seen: Observation) {
        let join = join(seen.devices.clone(), self.setup.enis.as_deref().unwrap_or_default());
        let sightings = efa_devices::judge(&seen, &join, &self.setup.efa, self.nvidia());
        self.forget_gone(&join.devices.iter().map(name).collect::<Vec<_>>());
        self.hanging = seen.devices.iter().filter(|efa| efa.stalled).map(|efa| efa.name.clone()).collect();
        self.known.set_efa(seen, join);
        self.engine.look(now, &Source::EfaDevices, sightings);
        // The next sample takes it away again: it is a sign of the same source as counters that do not come back.
        for EfaDevice { name, counters, .. } in self.hanging.iter().filter_map(|it| self.known.efa_device(it))
        {
            self.engine.look_at(now, counters, vec![efa_device::hangs(name)], |_| false);
        }
    }

    /// What is no more has no counters that could be bad; that it is missing is another finding.
    fn forget_gone(&mut self, there: &[EfaName]) {
        let before: Vec<_> = self.known.attached().map(name).collect();
        for gone in before.iter().filter(|name| there.iter().all(|other| other.pci != name.pci)) {
            self.engine.forget(&Source::EfaDevice(gone.pci.clone()));
            self.engine.forget(&Source::EfaPort(gone.pci.clone()));
        }
        let is_there = |device: &str| there.iter().any(|name| name.device.as_deref() == Some(device));
        self.known.device_counters.retain(|device, _| is_there(device));
        self.known.port_counters.retain(|device, _| is_there(device));
        self.ports.keep(is_there);
        self.devices.keep(|pci| there.iter().any(|name| name.pci == pci));
    }

    fn nvidia(&self) -> Nvidia {
        let driver = self.known.versions.as_ref().and_then(|versions| versions.nvidia.as_ref());
        let Some(driver) = driver else { return Nvidia::default() };
        // Where nobody can tell, nothing is claimed.
        let open = driver.build != Some(DriverBuild::Proprietary);
        let major = Some(driver.found.version.numbers()[0]);
        let ultra_server = self.setup.expect.ultra_server;
        Nvidia { major, open, ultra_server, any_topology: driver.any_topology }
    }

    pub(super) fn efa_devices(&mut self, now: Now, samples: &[DeviceSample]) -> Wants {
        let mut wants = Wants::default();
        for sample in samples.iter().filter(|sample| sample.full) {
            self.known.device_counters.insert(sample.device.to_string(), sample.counters.clone());
        }
        let mut devices = Vec::with_capacity(samples.len());
        for sample in samples {
            // A device that appeared or went between two looks, or whose driver was loaded anew.
            wants.efa |= matches!(sample.state, SampleState::Failed { .. });
            match self.known.efa_device(&sample.device) {
                Some(device) => devices.push(Device { device, sample }),
                None => wants.efa = true,
            }
        }
        for ((device, signs), Device { sample, .. }) in
            self.devices.judge(now, &devices).into_iter().zip(&devices)
        {
            let stalled = sample.state == SampleState::Stalled;
            let hangs = stalled || self.hanging.contains(&*sample.device);
            let hangs = hangs.then(|| efa_device::hangs(&device.name));
            match (signs, sample.state) {
                (Some(sightings), _) => {
                    let all = sightings.into_iter().chain(hangs).collect();
                    self.engine.look(now, &device.counters, all);
                }
                // There are none, so that nothing is seen of them either.
                (None, SampleState::Absent) => {
                    self.engine.look(now, &device.counters, hangs.into_iter().collect());
                }
                (None, _) => {
                    if !stalled {
                        self.engine.silent(&device.counters);
                    }
                    if let Some(hangs) = hangs {
                        self.engine.look_at(now, &device.counters, vec![hangs], |_| false);
                    }
                }
            }
        }
        wants
    }

    pub(super) fn efa_port(&mut self, now: Now, device: &Arc<str>, what: Port) {
        let Some(EfaDevice { name, port: source, .. }) = self.known.efa_device(device) else { return };
        match what {
            Port::Read(reading) => {
                let sightings = self.ports.read(now, device, name, &reading);
                self.engine.look(now, source, sightings);
                self.known.port_counters.insert(device.to_string(), reading.counters);
                self.idle(now);
            }
            Port::Failed(failure) => match efa_port::failed(name, &failure) {
                Some(sightings) => self.engine.look(now, source, sightings),
                None => self.engine.silent(source),
            },
            Port::Stalled(deadline) => {
                let sightings = vec![efa_port::stalled(name, deadline)];
                self.engine.look_at(now, source, sightings, |_| false);
            }
            Port::Late(_) => self.engine.silent(source),
        }
    }

    /// Programs that hold EFA and compute, and say nothing over it.
    fn idle(&mut self, now: Now) {
        let busy = match &self.known.nvml {
            Nvml::Sweep(sweep) if !sweep.gpus.is_empty() => sweep.gpus.iter().all(|entry| match entry {
                Entry::Read(gpu) => matches!(gpu.utilisation, Reading::Value(used) if used.gpu >= BUSY),
                _ => false,
            }),
            _ => false,
        };
        let idle = busy && self.known.efa_held == Some(true) && self.ports.bytes_moved() == Some(0);
        let message = "EFA devices are held and the GPUs are busy, and nothing goes over any EFA";
        let sign = idle.then(|| Sighting::new(&rules::EFA_IDLE, Subject::Node, message));
        self.engine.look(now, &Source::Use, sign.into_iter().collect());
    }

    pub(super) fn libfabric(&mut self, now: Now, listed: Result<Interfaces, Unusable>) {
        let devices: Vec<_> = self.known.attached().map(name).collect();
        let others: Vec<_> =
            self.known.efa.iter().flat_map(|efa| &efa.others).map(|other| other.name.clone()).collect();
        let sightings = libfabric::judge(&listed, &devices, &others);
        self.engine.look(now, &Source::Libfabric, sightings);
        self.known.libfabric = match listed {
            Ok(listed) => Libfabric::Lists(listed),
            Err(why) => Libfabric::Unusable(why),
        };
    }

    pub(super) fn libfabric_probe(&mut self, now: Now, trouble: &Trouble) {
        let message = match trouble {
            Trouble::NotStarted(message) | Trouble::Ended(message) | Trouble::Garbage(message) => {
                message.clone()
            }
            Trouble::Frozen { deadline_ms } => format!("no answer within {deadline_ms} ms"),
        };
        let sighting = Sighting::new(&rules::LIBFABRIC_PROBE_FAILED, Subject::Node, message);
        self.engine.look_at(now, &Source::Libfabric, vec![sighting], |_| false);
        self.known.libfabric = Libfabric::Unknown;
    }
}
