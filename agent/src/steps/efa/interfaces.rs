//! The interfaces: each that is attached has a device.

use std::thread;
use std::time::Duration;

use gpunode_host::catalog::InstanceType;
use gpunode_host::root::ReadError;
use gpunode_host::{Finding, efa, reason};

use crate::context::Context;
use crate::os::Os;
use crate::step::{Check, Failure, few};
use crate::steps::efas;

/// p5en shows its interfaces late; AWS's own checker looks again three times, five seconds apart
/// (awsome-distributed-training, `2-efa-enumeration.sh`).
const LOOKS: u32 = 4;
const PAUSE: Duration = Duration::from_secs(5);

pub(super) fn check(cx: &Context, os: &Os, driver: &str) -> Result<Check, Failure> {
    let expected = expected(cx);
    let functions = efas::on_bus(os)?;
    let count = wait_for(os, expected.unwrap_or(functions))?;
    if let Some(expected) = expected.filter(|expected| count < *expected) {
        let message = format!("{count} of {expected} interfaces are there{}", missing(cx, os));
        return Err(Failure::new(&reason::EFA_MISSING, "efa", message));
    }
    if count < functions {
        let message = format!("{count} of the {functions} EFA cards on the PCI bus have an RDMA device");
        return Err(Failure::new(&reason::EFA_MISSING, "efa", message));
    }
    let mut check = Check::done(format!("{count} interfaces, driver {driver}"));
    if expected.is_none() {
        let message = format!("{count} interfaces are there; how many there should be is not known");
        check.findings.push(Finding::new(&reason::EFA_COUNT_UNKNOWN, "efa", message));
    }
    Ok(check)
}

/// What the operator says, else what the type has. An EFA can only be attached at launch, so a type's full number is
/// expected unless told otherwise.
fn expected(cx: &Context) -> Option<usize> {
    let told = cx.spec().efa.expected_count;
    let known = cx.facts().and_then(|facts| facts.catalog.as_ref());
    let count = told.or_else(|| known.and_then(InstanceType::expected_efa).map(u64::from))?;
    usize::try_from(count).ok()
}

/// How many there are.
fn wait_for(os: &Os, expected: usize) -> Result<usize, ReadError> {
    let count = || efa::names(os.root()).map(|names| names.len());
    let mut seen = count()?;
    for _ in 1..LOOKS {
        // A machine that is only played does not grow devices.
        if seen >= expected || !os.root().is_host() || os.is_cancelled() {
            break;
        }
        thread::sleep(PAUSE);
        seen = count()?;
    }
    Ok(seen)
}

/// The ENIs without an address that no device belongs to: those are the missing ones, as far as IMDS tells.
fn missing(cx: &Context, os: &Os) -> String {
    let Some(metadata) = cx.facts().and_then(|facts| facts.metadata.as_ref()) else {
        return String::new();
    };
    let Ok(devices) = efa::devices(os.root()) else {
        return String::new();
    };
    let join = efa::join(devices, &metadata.enis);
    let lost: Vec<_> = join
        .others
        .iter()
        .filter(|eni| eni.has_no_address())
        .map(|eni| format!("{} (network card {}, {})", eni.eni_id, eni.network_card, eni.mac))
        .collect();
    if lost.is_empty() { String::new() } else { format!("; without a device: {}", few(&lost)) }
}
