use gpunode_probe_client::protocol::gpu::{Stuck, Sweep};

use super::*;

#[test]
fn a_source_is_pending_until_it_says_something() {
    let mut sources = Sources::new([Source::Gpus, Source::Versions]);
    let known = Known::default();
    assert_eq!(sources.pending().count(), 2);
    assert!(sources.note(&Seen::Versions(Box::default()), &known));
    assert!(!sources.note(&Seen::Versions(Box::default()), &known), "nothing new");
    assert_eq!(sources.pending().collect::<Vec<_>>(), [&Source::Gpus]);
    let why = Unusable::Start { code: 999, message: "Unknown Error".into() };
    sources.note(&Seen::Gpus(Err(why)), &known);
    assert_eq!(sources.get(&Source::Gpus).and_then(State::why), Some("Unknown Error (999)"));
}

#[test]
fn a_look_that_was_cut_short_is_late() {
    let mut sources = Sources::new([Source::Gpus]);
    let (call, pci) = ("nvmlDeviceGetFieldValues".to_owned(), Some("0000:53:00.0".to_owned()));
    let stuck = Some(Stuck { call, pci, index: Some(0), for_ms: 900 });
    let sweep = |stuck| Seen::Gpus(Ok(Box::new(Sweep { stuck, ..Sweep::default() })));
    sources.note(&sweep(stuck), &Known::default());
    assert!(matches!(sources.get(&Source::Gpus), Some(State::Late(why)) if why.contains("FieldValues")));
    sources.note(&sweep(None), &Known::default());
    assert_eq!(sources.get(&Source::Gpus), Some(&State::Answered));
}

#[test]
fn devices_come_and_go() {
    let mut sources = Sources::new([]);
    assert!(sources.efa(&["0000:4f:00.0".into()]));
    assert!(!sources.efa(&["0000:4f:00.0".into()]));
    assert_eq!(sources.pending().count(), 2);
    assert!(sources.efa(&[]));
    assert_eq!(sources.iter().count(), 0);
}
