//! What the probe's client says, in the words of the state.

use gpunode_host::health::judge::nvml::Trouble;
use gpunode_host::health::{Seen, Source};
use gpunode_probe_client as client;
use gpunode_probe_client::protocol::gpu::Stuck;
use gpunode_probe_client::protocol::library::Unusable;

use crate::state::State;

/// What trouble with the probe comes to.
#[derive(Debug)]
pub(crate) enum Told {
    /// The library.
    Library(Unusable),
    /// The probe itself.
    Probe(Trouble),
    /// Neither: there was no processor for the probe.
    Unseen(String),
    /// It was said before: nothing was asked this time.
    Again,
}

impl Told {
    /// Of the probe that asks NVML.
    pub(crate) fn of_gpus(trouble: &client::Trouble) -> Option<Seen> {
        match told(trouble) {
            Self::Library(why) => Some(Seen::Gpus(Err(why))),
            Self::Probe(trouble) => Some(Seen::Probe(trouble)),
            Self::Unseen(why) => Some(Seen::Unseen(Source::Gpus, why)),
            Self::Again => None,
        }
    }

    /// Of the probe that asks libfabric.
    pub(crate) fn of_libfabric(trouble: &client::Trouble) -> Option<Seen> {
        match told(trouble) {
            Self::Library(why) => Some(Seen::Libfabric(Err(why))),
            Self::Probe(trouble) => Some(Seen::LibfabricProbe(trouble)),
            Self::Unseen(why) => Some(Seen::Unseen(Source::Libfabric, why)),
            Self::Again => None,
        }
    }
}

fn told(trouble: &client::Trouble) -> Told {
    use client::Trouble as T;
    let words = || trouble.to_string();
    match trouble {
        T::NotInstalled { message } => Told::Library(Unusable::NotInstalled { message: message.clone() }),
        T::WrongLibrary { message } => Told::Library(Unusable::WrongLibrary { message: message.clone() }),
        T::LibraryStart { code, message } => {
            Told::Library(Unusable::Start { code: *code, message: message.clone() })
        }
        T::Hung { call: Some(call), waited, .. } => {
            let for_ms = u32::try_from(waited.as_millis()).unwrap_or(u32::MAX);
            Told::Library(Unusable::Stuck { call: call.clone(), for_ms })
        }
        T::Hung { call: None, waited, .. } => {
            let deadline_ms = gpunode_host::millis(*waited);
            // Whole seconds, so that the message of the finding stays the same from look to look.
            let deadline_ms = if deadline_ms < 1000 { deadline_ms } else { deadline_ms / 1000 * 1000 };
            Told::Probe(Trouble::Frozen { deadline_ms })
        }
        T::Starved { .. } => Told::Unseen(words()),
        T::Crashed { .. } => Told::Probe(Trouble::Ended(words())),
        T::Garbage { .. } | T::WrongProtocol { .. } => Told::Probe(Trouble::Garbage(words())),
        T::NotStarted { message } => Told::Probe(Trouble::NotStarted(message.clone())),
        T::BackingOff { .. } => Told::Again,
        T::TooManyAbandoned { after: Some(after), .. } => told(after.root()),
        T::TooManyAbandoned { after: None, .. } => Told::Probe(Trouble::NotStarted(words())),
    }
}

/// The client could not even prepare the probe.
pub(crate) fn not_started(error: &client::StartError) -> Trouble {
    let why = std::error::Error::source(error).map_or_else(String::new, |why| format!(": {why}"));
    Trouble::NotStarted(format!("{error}{why}"))
}

pub(crate) fn stuck(stuck: &Stuck) -> State {
    let gpu = stuck.pci.as_deref().map(|pci| format!(" on {pci}")).unwrap_or_default();
    State::Late(format!("{}{gpu} does not come back", stuck.call))
}

pub(crate) fn unusable(why: &Unusable) -> State {
    match why {
        Unusable::NotInstalled { message } | Unusable::WrongLibrary { message } => {
            State::Unavailable(message.clone())
        }
        Unusable::Start { code, message } => State::Unavailable(format!("{message} ({code})")),
        Unusable::Stuck { call, .. } => State::Late(format!("{call} does not come back")),
    }
}

pub(crate) fn trouble(trouble: &Trouble) -> State {
    match trouble {
        Trouble::NotStarted(why) | Trouble::Ended(why) | Trouble::Garbage(why) => {
            State::Unavailable(why.clone())
        }
        Trouble::Frozen { deadline_ms } => State::Late(format!("no answer within {deadline_ms} ms")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant, SystemTime};

    #[test]
    fn each_trouble_has_its_place() {
        let hung = |call: Option<&str>| client::Trouble::Hung {
            call: call.map(str::to_owned),
            gpu: None,
            since: SystemTime::now(),
            waited: Duration::from_millis(5250),
        };
        let call = Told::of_gpus(&hung(Some("nvmlInit_v2")));
        assert!(matches!(call, Some(Seen::Gpus(Err(Unusable::Stuck { for_ms: 5250, .. })))), "{call:?}");
        let frozen = Told::of_gpus(&hung(None));
        assert!(matches!(frozen, Some(Seen::Probe(Trouble::Frozen { deadline_ms: 5000 }))), "{frozen:?}");
        let after = Box::new(client::Trouble::Garbage { what: "bytes".into() });
        let again = client::Trouble::BackingOff { until: Instant::now(), after: after.clone() };
        assert!(Told::of_libfabric(&again).is_none());
        let many = client::Trouble::TooManyAbandoned { count: 4, after: Some(after) };
        let garbage = Told::of_libfabric(&many);
        assert!(matches!(garbage, Some(Seen::LibfabricProbe(Trouble::Garbage(_)))), "{garbage:?}");
    }
}
