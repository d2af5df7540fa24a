//! Whether the plugin can be loaded: the probe does it, as NCCL would.

use std::path::Path;
use std::time::Duration;

use gpunode_host::reason;
use gpunode_probe_client::{Outcome, Probe, Settings, Trouble};

use crate::os::Os;
use crate::step::Failure;

/// The plugin and its libraries are some megabytes on the root disk.
const DEADLINE: Duration = Duration::from_secs(10);

/// What the plugin offers, for people; `None` where it cannot be asked: of a tree that does not run, and where the probe
/// cannot be started, which is no word about the plugin.
pub(super) fn check(os: &Os, plugin: &Path) -> Result<Option<String>, Failure> {
    let (true, Some(path)) = (os.root().is_host(), plugin.to_str()) else { return Ok(None) };
    let mut probe = match Probe::start(&Settings::default()) {
        Ok(probe) => probe,
        Err(error) => {
            tracing::warn!(%error, "the plugin was not loaded to try it");
            return Ok(None);
        }
    };
    let broken = |why: String| Failure::new(&reason::OFI_NCCL_BROKEN, path, why);
    match probe.plugin(path, DEADLINE) {
        Outcome::Whole(found) | Outcome::Partial(found, _) => match found.net.last() {
            Some(newest) => Ok(Some(format!("NCCL network interface up to v{newest}"))),
            None => Err(broken("it has no symbol ncclNetPlugin_vN: it is no network plugin".to_owned())),
        },
        // To end or to stay away is an answer too: NCCL's process would fare no better.
        Outcome::Nothing(trouble) if trouble.is_the_library() => Err(broken(trouble.to_string())),
        Outcome::Nothing(trouble @ (Trouble::Crashed { .. } | Trouble::Hung { call: Some(_), .. })) => {
            Err(broken(format!("loading it: {trouble}")))
        }
        Outcome::Nothing(trouble) => {
            tracing::warn!(%trouble, "the plugin was not loaded to try it");
            Ok(None)
        }
    }
}
