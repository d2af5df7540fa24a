//! The configuration of a node.
//!
//! It is made of layers, of which a later one wins: defaults, `/etc/gpunode/agent.toml`, our parts of the user
//! data, variables (`GPUNODE_…` and the operator's names), `--set` flags. Scalars and lists are replaced; tables
//! are merged name by name. Every layer is checked whole, also where a later one wins, and all mistakes are
//! reported at once. What settings there are is one table, [`settings::ALL`].
//!
//! ```
//! use gpunode_host::spec::{self, Layer, OnFailure, Source};
//!
//! let layers = [
//!     Layer::file("/etc/gpunode/agent.toml", "onFailure = 'halt'\n[efa]\nrequired = true\n"),
//!     Layer::env([("GPUNODE_ON_FAILURE", "join")]),
//! ];
//! let (spec, provenance) = spec::load(&layers)?;
//! assert_eq!(spec.on_failure, OnFailure::Join);
//! assert_eq!(provenance.source_of("onFailure"), Some(&Source::Env { name: "GPUNODE_ON_FAILURE".into() }));
//! # Ok::<(), spec::Errors>(())
//! ```

mod choices;
pub mod form;
mod input;
mod kind;
mod layer;
mod merge;
mod mistake;
mod node;
mod provenance;
mod reference;
pub mod settings;
mod source;
mod together;
mod written;

#[cfg(test)]
mod tests;

pub use choices::{
    BindTarget, CongestionControl, DriverFlavour, DriverInstall, DriverModules, EfaInstall, EfaLayout,
    EfaMode, Filesystem, InstanceStore, NcclProfile, Nodeadm, OnFailure, Qdisc, Raid, Soci, Step,
};
pub use kind::{Form, Kind};
pub use layer::Layer;
pub use mistake::{Errors, MAX_MISTAKES, Mistake};
pub use node::{
    Auto, Cluster, ContainerRuntime, DataVolumes, Efa, HugePages, Imds, Instance, Kubelet, Limits, Memlock,
    Nccl, NodeSpec, Nvidia, Sysctl,
};
pub use provenance::{Provenance, Row};
pub use reference::{example_toml, reference_markdown};
pub use source::Source;
pub use together::contradictions;
pub use written::written_toml;

use crate::user_data;

/// The configuration that `layers` make over the defaults, and where each value came from.
pub fn load(layers: &[Layer]) -> Result<(NodeSpec, Provenance), Errors> {
    let (merged, mut errors) = merge(layers);
    if !errors.is_empty() {
        return Err(errors);
    }
    match merged.spec() {
        Ok(spec) => Ok((spec, merged.provenance())),
        // Tests hold the settings table and the types together, so this is for the one case they missed.
        Err(error) => {
            errors.add(|| Mistake::new(Source::Default, "", format!("the values do not fit: {error}")));
            Err(errors)
        }
    }
}

/// What `layers` make when each of their mistakes is left out: enough to keep a node out of its cluster in the way
/// its operator chose, not enough to prepare it. `None` stands for the one case that tests should have found.
pub fn salvage(layers: &[Layer]) -> Option<NodeSpec> {
    merge(layers).0.spec().ok()
}

fn merge(layers: &[Layer]) -> (merge::Merged, Errors) {
    let mut errors = Errors::default();
    let mut merged = merge::Merged::defaults(&mut errors);
    for layer in layers {
        let first = errors.mistakes.len();
        for assignment in layer.read(&mut errors) {
            merged.assign(assignment, &mut errors);
        }
        errors.sort_from(first);
    }
    (merged, errors)
}

/// Entry for fuzzers: `raw` as user data, and as the text of every other layer.
///
/// # Panics
/// As [`user_data::fuzz`]; no bytes may bring it about.
pub fn fuzz(raw: &[u8]) {
    user_data::fuzz(raw);
    let parts = user_data::parse(raw).unwrap_or_default();
    let text = String::from_utf8_lossy(raw);
    let others = [Layer::file("fuzz", text.clone()), Layer::flags(text.lines())];
    let env = settings::ALL.iter().map(|setting| (setting.variable(), text.clone()));
    let layers: Vec<_> = parts.iter().map(Layer::user_data).chain(others).chain([Layer::env(env)]).collect();
    assert!(salvage(&layers).is_some(), "what is left without the mistakes does not fit");
    if let Err(errors) = load(&layers) {
        assert!(errors.mistakes.len() <= MAX_MISTAKES, "{} mistakes", errors.mistakes.len());
    }
}
