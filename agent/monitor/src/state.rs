//! How each source fares: who has answered, who has not yet, and who cannot.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use gpunode_host::efa::SampleState;
use gpunode_host::health::report::SourceState;
use gpunode_host::health::{Known, Port, Seen, Source};
use gpunode_probe_client::protocol::library::Unusable;

use crate::told;

/// How a source fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It was asked and has not answered yet: nothing is known.
    Pending,
    /// It has answered.
    Answered,
    /// It has answered by another way than the usual one: which way, and why.
    Instead(String),
    /// There is nothing to ask, for this reason.
    NotNeeded(String),
    /// It did not answer in time; what it says of the rest is there.
    Late(String),
    /// It cannot be asked, for this reason.
    Unavailable(String),
}

impl State {
    /// Whether what is known from it can be relied on: it answered, or there is nothing to ask.
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Answered | Self::Instead(_) | Self::NotNeeded(_))
    }

    /// The reason, where there is one.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Pending | Self::Answered => None,
            Self::Instead(why) | Self::NotNeeded(why) | Self::Late(why) | Self::Unavailable(why) => Some(why),
        }
    }
}

/// As reports have it.
impl From<&State> for SourceState {
    fn from(state: &State) -> Self {
        match state {
            State::Pending => Self::Silent("it has not answered yet".to_owned()),
            State::Answered => Self::Answered,
            State::Instead(why) => Self::AnsweredInstead(why.clone()),
            State::NotNeeded(why) => Self::NotNeeded(why.clone()),
            State::Late(why) => Self::Silent(why.clone()),
            State::Unavailable(why) => Self::NotAvailable(why.clone()),
        }
    }
}

/// Every source and how it fares. [`Source::EfaDevice`] and [`Source::EfaPort`] come with the devices that are seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources(BTreeMap<Source, State>);

impl Sources {
    /// None of `sources` has answered.
    pub(crate) fn new(sources: impl IntoIterator<Item = Source>) -> Self {
        Self(sources.into_iter().map(|source| (source, State::Pending)).collect())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&Source, &State)> {
        self.0.iter()
    }

    /// How this one fares; `None` where there is no such source.
    pub fn get(&self, source: &Source) -> Option<&State> {
        self.0.get(source)
    }

    /// Those that have not answered yet: what they would tell is not known, good or bad.
    pub fn pending(&self) -> impl Iterator<Item = &Source> {
        self.0.iter().filter(|(_, state)| **state == State::Pending).map(|(source, _)| source)
    }

    /// Whether this changes how a source fares.
    pub(crate) fn set(&mut self, source: &Source, state: State) -> bool {
        match self.0.get_mut(source) {
            Some(before) => std::mem::replace(before, state) != *before,
            None => self.0.insert(source.clone(), state).is_none(),
        }
    }

    /// What `seen` says of its source, before it is taken in. `known` has the names of EFA devices.
    pub(crate) fn note(&mut self, seen: &Seen, known: &Known) -> bool {
        let (source, state) = match seen {
            Seen::GpuBus { gpus, hardware, .. } => {
                let silent = gpus.iter().zip(hardware).filter(|(_, hardware)| hardware.is_none());
                let names: Vec<_> = silent.map(|(gpu, _)| gpu.address.clone()).collect();
                (Source::GpuBus, late(&names))
            }
            Seen::Gpus(Ok(sweep)) | Seen::GpusInBrief(sweep) => {
                (Source::Gpus, sweep.stuck.as_ref().map_or(State::Answered, told::stuck))
            }
            Seen::Gpus(Err(why)) => (Source::Gpus, told::unusable(why)),
            Seen::Probe(trouble) => (Source::Gpus, told::trouble(trouble)),
            Seen::GpuEvent(_) => (Source::GpuEvents, State::Answered),
            Seen::GpuEventsEnded(code) => (
                Source::GpuEvents,
                State::Unavailable(format!("NVML's wait for events ended (NVML error {code})")),
            ),
            Seen::Efa(seen) => (Source::EfaDevices, late(&seen.late)),
            Seen::EfaDevices(samples) => {
                let mut changed = false;
                for sample in samples {
                    if let Some(device) = known.efa_device(&sample.device) {
                        changed |= self.set(&device.counters, counters(sample.state));
                    }
                }
                return changed;
            }
            Seen::EfaPort { device, what } => {
                let Some(device) = known.efa_device(device) else { return false };
                return self.set(&device.port, port(what));
            }
            Seen::Libfabric(Err(Unusable::NotInstalled { .. })) => {
                (Source::Libfabric, State::NotNeeded("libfabric is not installed".to_owned()))
            }
            Seen::Libfabric(Ok(_)) => (Source::Libfabric, State::Answered),
            Seen::Libfabric(Err(why)) => (Source::Libfabric, told::unusable(why)),
            Seen::LibfabricProbe(trouble) => (Source::Libfabric, told::trouble(trouble)),
            // It has answered when it was read to its end ([`Seen::Heard`]): what a line tells may be over by then.
            Seen::Kernel(_) | Seen::KernelLost(_) => return false,
            // Which way it answered was said before.
            Seen::Heard(source) if matches!(self.get(source), Some(State::Instead(_))) => return false,
            Seen::Heard(source) => (source.clone(), State::Answered),
            Seen::Unseen(source, why) => (source.clone(), State::Unavailable(why.clone())),
            Seen::Versions(_) => (Source::Versions, State::Answered),
            Seen::EfaHeld(Some(_)) => (Source::Use, State::Answered),
            Seen::EfaHeld(None) => (
                Source::Use,
                State::Unavailable("the kernel does not tell who holds EFA queue pairs".to_owned()),
            ),
        };
        self.set(&source, state)
    }

    /// The EFA devices are these now, by PCI address: one that is new has not answered, one that is gone never will.
    pub(crate) fn efa(&mut self, there: &[String]) -> bool {
        let before = self.0.len();
        self.0.retain(|source, _| match source {
            Source::EfaDevice(pci) | Source::EfaPort(pci) => there.contains(pci),
            _ => true,
        });
        let mut changed = self.0.len() != before;
        for pci in there {
            for source in [Source::EfaDevice(pci.clone()), Source::EfaPort(pci.clone())] {
                self.0.entry(source).or_insert_with(|| {
                    changed = true;
                    State::Pending
                });
            }
        }
        changed
    }
}

fn late(names: &[String]) -> State {
    if names.is_empty() {
        State::Answered
    } else {
        State::Late(format!("no answer from {}", names.join(", ")))
    }
}

fn counters(state: SampleState) -> State {
    match state {
        SampleState::Read => State::Answered,
        SampleState::Absent => State::NotNeeded("the driver keeps its counters with the port's".to_owned()),
        SampleState::Failed { errno } => {
            let number =
                errno.map_or_else(|| "an unknown error".to_owned(), |errno| format!("error {errno}"));
            State::Unavailable(format!("its counters cannot be read ({number})"))
        }
        SampleState::Stalled | SampleState::Late => State::Late("its counters do not come back".to_owned()),
    }
}

fn port(what: &Port) -> State {
    match what {
        Port::Read(_) => State::Answered,
        Port::Failed(failure) => State::Unavailable(failure.to_string()),
        Port::Stalled(deadline) | Port::Late(deadline) => {
            State::Late(format!("no answer within {} ms", deadline.as_millis()))
        }
    }
}
