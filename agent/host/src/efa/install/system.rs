//! Which distributions the installer's versions run on (EC2 User Guide, release notes of EFA).

use crate::versions::{OsRelease, Version};

/// From this version on a distribution is no longer supported.
const DROPPED: [(&str, &str, [u32; 3]); 3] =
    [("amzn", "2", [1, 50, 0]), ("ubuntu", "20.04", [1, 43, 0]), ("debian", "11", [1, 51, 0])];

/// Those that are supported in general.
const KNOWN: [&str; 8] = ["amzn", "ubuntu", "debian", "rhel", "rocky", "centos", "sles", "opensuse-leap"];

/// Whether this version, or `latest`, runs on this distribution; else why not.
pub(super) fn supports(os: Option<&OsRelease>, version: &str) -> Result<(), String> {
    let Some(os) = os else {
        return Err("the distribution is not known (no os-release)".to_owned());
    };
    let name = if os.pretty_name.is_empty() { &os.id } else { &os.pretty_name };
    if !KNOWN.contains(&os.id.as_str()) {
        return Err(format!("the EFA installer does not support {name}"));
    }
    let dropped = DROPPED.iter().find(|(id, release, _)| *id == os.id && *release == os.version_id);
    let Some((_, _, [major, minor, patch])) = dropped else { return Ok(()) };
    // What is no version is the newest.
    let exact: Option<Version> = version.parse().ok();
    if exact.is_some_and(|exact| !exact.at_least(*major, *minor, *patch)) {
        return Ok(());
    }
    Err(format!("the EFA installer supports {name} only before version {major}.{minor}.{patch}"))
}
