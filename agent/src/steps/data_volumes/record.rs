//! What is written down before a disk is changed, so that a run that was killed can go on, and only here.

use gpunode_host::disk::{Intent, Phase};
use gpunode_host::{Root, reason};
use uuid::Uuid;

use crate::context::Context;
use crate::os::{FileSpec, Os};
use crate::step::Failure;

/// On the root disk, which outlives a reboot as the data disks do.
const PATH: &str = "/var/lib/gpunode/data-volume.json";

/// Nitro puts the instance id here, so that it is known even without IMDS.
const DMI_INSTANCE: &str = "/sys/devices/virtual/dmi/id/board_asset_tag";

/// The id of this instance, or of this installation where EC2's is not known. A record made under one does not count
/// under another.
pub(super) fn instance(cx: &Context, root: &Root) -> String {
    let told = cx.facts().and_then(|facts| facts.instance_id()).map(str::to_owned);
    let dmi = || root.value(DMI_INSTANCE).filter(|id| id.starts_with("i-"));
    told.or_else(dmi).or_else(|| root.value("/etc/machine-id")).unwrap_or_default()
}

/// The record, if there is one. One that cannot be understood is an error: guessing what an earlier run did to a
/// disk is how data is lost.
pub(super) fn read(root: &Root) -> Result<Option<Intent>, Failure> {
    let Some(bytes) = root.read(PATH)? else {
        return Ok(None);
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        let message = format!(
            "not a record of ours: {error}; move it away only if no data volume of this machine is needed"
        );
        Failure::new(&reason::FILE_NOT_READ, PATH, message)
    })
}

/// What the record must say before the volume is used, where it does not say so: a run that was killed between the
/// end of mkfs and its note leaves a record by which the volume is still being made.
pub(super) fn overdue(record: Option<&Intent>, filesystem: Uuid) -> Option<Intent> {
    let record =
        record.filter(|record| record.filesystem == filesystem && record.phase < Phase::Formatted)?;
    Some(Intent { phase: Phase::Formatted, ..record.clone() })
}

/// Writes the record; when this returns, it is on the disk.
pub(super) fn write(os: &Os, intent: &Intent) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(intent)
        .map_err(|error| Failure::of(&reason::FILE_NOT_WRITTEN, PATH, &error))?;
    os.write_now(&FileSpec { mode: 0o600, ..FileSpec::new(PATH, text + "\n") })?;
    Ok(())
}
