//! Settings that are right each by itself and not together.

use super::mistake::{Errors, Mistake};
use super::node::NodeSpec;
use super::provenance::Provenance;
use super::{DriverFlavour, DriverModules};
use crate::catalog;
use crate::driver::{Generation, Modules, Wanted, choose, drives};

/// What cannot be done as it is configured, whatever machine it is meant for; and where `instance.expectedType` names the
/// machine, what cannot be done there. A step that meets such a pair says the same. These are no mistakes of a layer: on a
/// machine where everything is installed already nothing of it matters, so a boot goes on until it does.
pub fn contradictions(spec: &NodeSpec, provenance: &Provenance) -> Errors {
    let mut errors = Errors::default();
    let mut say = |path: &str, value: Option<&str>, problem: String, allowed: &str| {
        let source = provenance.source_of(path).cloned().unwrap_or(super::Source::Default);
        errors.add(|| Mistake {
            value: value.map(str::to_owned),
            allowed: Some(allowed.to_owned()),
            ..Mistake::new(source, path, problem)
        });
    };
    let nvidia = &spec.nvidia;
    if !nvidia.offline_urls.is_empty() && nvidia.offline_sha256.is_none() {
        let problem = "it is downloaded only with nvidia.offlineSha256, which is not set";
        say("nvidia.offlineUrls", None, problem.to_owned(), "with nvidia.offlineSha256");
    }
    let elsewhere = !nvidia.offline_urls.is_empty();
    if elsewhere && let Some(path) = nvidia.offline.as_deref() {
        let problem = "nvidia.offlineUrls is set too".to_owned();
        say("nvidia.offline", Some(path), problem, "one of the two");
    }
    if nvidia.modules == DriverModules::Prebuilt && (elsewhere || nvidia.offline.is_some()) {
        let problem = "prebuilt modules are Ubuntu's, whose repositories are not asked for an offline driver";
        say("nvidia.modules", Some("prebuilt"), problem.to_owned(), "auto, dkms");
    }
    if spec.efa.installer_key == "none" && spec.efa.installer_sha256.is_none() {
        let problem = "nothing proves the EFA installer".to_owned();
        say("efa.installerKey", Some("none"), problem, "a fingerprint, or none with efa.installerSha256");
    }
    let Some(kind) = spec.instance.expected_type.as_deref().and_then(catalog::find) else { return errors };
    let gpus: Vec<_> = kind.gpus.iter().map(|gpu| Generation::of_model(&gpu.name)).collect();
    let wanted = Wanted::parse(&nvidia.driver_version);
    let branch = wanted.as_ref().and_then(Wanted::branch);
    if let Some(undriven) = wanted.and_then(|wanted| drives(&wanted, &gpus).err()) {
        let problem = format!("{undriven} ({})", kind.name);
        say("nvidia.driverVersion", Some(&nvidia.driver_version), problem, &undriven.allowed());
    }
    let told = match nvidia.flavour {
        DriverFlavour::Auto => None,
        DriverFlavour::Open => Some(Modules::Open),
        DriverFlavour::Proprietary => Some(Modules::Proprietary),
    };
    if let (Some(told), Err(refusal)) = (told, choose(told, Some(&kind), &gpus, branch)) {
        let problem = format!("{refusal} ({})", kind.name);
        say("nvidia.flavour", Some(told.word()), problem, "auto");
    }
    errors
}

#[cfg(test)]
mod tests;
