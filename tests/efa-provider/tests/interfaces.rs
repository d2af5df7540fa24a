//! The real libfabric, the carried probe, and a provider that plays EFA: what is listed is what the scenario says.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

use gpunode_efa_provider::{Scenario, VARIABLE};
use gpunode_probe_client::protocol::fabric::Endpoint;
use gpunode_probe_client::{End, Listing, Outcome, Probe, Settings, Trouble};
use tempfile::TempDir;

/// Loading libfabric takes 50 ms; a busy machine takes longer.
const DEADLINE: Duration = Duration::from_secs(20);

struct Bed {
    folder: TempDir,
    settings: Settings,
}

fn bed(scenario: &Scenario) -> Bed {
    let folder = tempfile::tempdir().unwrap();
    // Cargo lays the provider beside the tests that depend on it.
    let tests = std::env::current_exe().unwrap();
    let provider = tests.with_file_name("libgpunode_efa_provider.so");
    assert!(provider.is_file(), "{} is not built", provider.display());
    symlink(provider, folder.path().join("libefa-fi.so")).unwrap();
    let file = folder.path().join("scenario.json");
    std::fs::write(&file, serde_json::to_vec(scenario).unwrap()).unwrap();
    let environment = vec![("FI_PROVIDER_PATH".into(), folder.path().into()), (VARIABLE.into(), file.into())];
    Bed { folder, settings: Settings { environment, ..Settings::default() } }
}

impl Bed {
    fn ask(&self) -> Outcome<Listing> {
        let mut probe = Probe::start(&self.settings).unwrap();
        probe.interfaces(DEADLINE)
    }

    fn listing(&self) -> Listing {
        match self.ask() {
            Outcome::Whole(listing) => listing,
            other => panic!("{other:?}"),
        }
    }

    fn trouble(&self) -> Trouble {
        match self.ask() {
            Outcome::Nothing(trouble) => trouble,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn every_device_is_listed_with_all_that_is_known_of_it() {
    let Listing { interfaces, .. } = bed(&Scenario { devices: 32, ..Scenario::default() }).listing();
    assert_eq!((interfaces.code, interfaces.entries.len()), (0, 64));
    assert!(interfaces.version >= (1, 9) && interfaces.library.contains("libfabric.so.1"), "{interfaces:?}");
    let first = &interfaces.entries[0];
    assert_eq!((first.fabric.as_str(), first.domain.as_str()), ("efa", "rdmap79s0-rdm"));
    assert_eq!((first.device.as_str(), first.pci.as_deref()), ("rdmap79s0", Some("0000:4f:00.0")));
    assert_eq!((first.endpoint, first.rma, first.hmem), (Endpoint::Rdm, true, None));
    assert_eq!((first.mtu, first.speed), (Some(8928), Some(100_000_000_000)));
    assert_eq!((first.device_version.as_deref(), first.driver.as_deref()), (Some("0xefa1"), Some("efa")));
    assert_eq!(
        (first.firmware.as_deref(), first.address.as_deref()),
        (Some("0.0.0.0"), Some("fe80::44f:ff:fe00:1"))
    );
    let dgram: Vec<_> = interfaces.entries.iter().filter(|entry| entry.endpoint == Endpoint::Dgram).collect();
    assert_eq!((dgram.len(), dgram[31].domain.as_str(), dgram[31].rma), (32, "rdmap110s0-dgrm", false));
}

#[test]
fn libfabric_2_s_direct_fabric_is_listed_too() {
    let scenario = Scenario { devices: 8, direct: true, ..Scenario::default() };
    let entries = bed(&scenario).listing().interfaces.entries;
    // As counted on a p6-b200.
    assert_eq!((entries.len(), entries[1].fabric.as_str()), (24, "efa-direct"));
}

#[test]
fn a_hidden_device_is_missing_and_no_other() {
    let hidden = vec!["rdmap81s0".to_owned()];
    let entries = bed(&Scenario { devices: 4, hidden, ..Scenario::default() }).listing().interfaces.entries;
    let mut devices: Vec<_> = entries.iter().map(|entry| entry.device.as_str()).collect();
    devices.dedup();
    assert_eq!(devices, ["rdmap79s0", "rdmap80s0", "rdmap82s0"]);
}

#[test]
fn a_device_without_attributes_is_named_by_its_domain() {
    let entries =
        bed(&Scenario { devices: 1, without_nic: true, ..Scenario::default() }).listing().interfaces.entries;
    assert_eq!((entries[1].device.as_str(), entries[1].pci.as_deref()), ("rdmap79s0", None));
}

#[test]
fn an_empty_list_comes_with_its_code_and_what_the_log_says() {
    let log = "libfabric:efa:fabric:efa_device_open: cannot open mlx5_0".to_owned();
    let listing = bed(&Scenario { devices: 4, code: -61, log, ..Scenario::default() }).listing();
    assert_eq!((listing.interfaces.code, listing.interfaces.entries.len()), (-61, 0));
    assert!(listing.said.contains("cannot open mlx5_0"), "{}", listing.said);
}

#[test]
fn gpu_memory_is_only_asked_for_when_the_settings_say_so() {
    for offered in [true, false] {
        let mut bed = bed(&Scenario { devices: 1, hmem: offered, ..Scenario::default() });
        bed.settings.gpu_memory = true;
        let entries = bed.listing().interfaces.entries;
        assert_eq!(entries.iter().map(|entry| entry.hmem).collect::<Vec<_>>(), [Some(offered); 2]);
    }
}

#[test]
fn without_the_provider_nothing_is_listed() {
    let bed = bed(&Scenario { devices: 4, ..Scenario::default() });
    std::fs::remove_file(bed.folder.path().join("libefa-fi.so")).unwrap();
    let listing = bed.listing();
    assert_eq!((listing.interfaces.code, listing.interfaces.entries.len()), (-61, 0));
}

#[test]
fn a_hang_is_given_up_at_the_deadline_and_names_the_call() {
    let bed = bed(&Scenario { devices: 1, hang: true, ..Scenario::default() });
    let mut probe = Probe::start(&bed.settings).unwrap();
    let outcome = probe.interfaces(Duration::from_secs(3));
    let named = |call: &Option<String>| call.as_deref() == Some("fi_getinfo");
    assert!(matches!(outcome.trouble(), Some(Trouble::Hung { call, .. }) if named(call)), "{outcome:?}");
    assert!(matches!(probe.interfaces(DEADLINE), Outcome::Nothing(Trouble::BackingOff { .. })));
}

#[test]
fn a_crash_takes_only_the_probe() {
    let trouble = bed(&Scenario { devices: 1, crash: true, ..Scenario::default() }).trouble();
    let Trouble::Crashed { end, said } = &trouble else { panic!("{trouble:?}") };
    // Debian's libfabric loads PSM, which catches the signal, prints a backtrace and ends with status 1.
    assert!(*end == End::Signal(6) || (*end == End::Exit(1) && said.contains("signal 6")), "{trouble:?}");
}

#[test]
fn a_libfabric_that_is_not_there_is_told_from_one_that_is_broken() {
    let mut bed = bed(&Scenario::default());
    let mut with = |path: PathBuf| {
        let mut settings = bed.settings.clone();
        settings.environment.push(("GPUNODE_LIBFABRIC".into(), path.into()));
        std::mem::replace(&mut bed.settings, settings)
    };
    let plain = with("/opt/amazon/nowhere/libfabric.so.1".into());
    assert!(matches!(bed.trouble(), Trouble::NotInstalled { .. }));
    bed.settings = plain;
    bed.settings.environment.push(("GPUNODE_LIBFABRIC".into(), "libm.so.6".into()));
    assert!(matches!(bed.trouble(), Trouble::WrongLibrary { .. }));
}
