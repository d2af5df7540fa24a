//! The configuration of this machine alone, before the user data is known: defaults, file, environment, flags.

use std::path::PathBuf;

use gpunode_host::spec::{self, Errors, Layer, NodeSpec, Provenance};
use gpunode_host::user_data::Part;

/// Where the operator's own file is looked for.
pub(crate) const CONFIG_FILE: &str = "/etc/gpunode/agent.toml";

/// What came with the command line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inputs {
    /// The text of the configuration file, and its path for messages.
    pub(crate) file: Option<(PathBuf, String)>,
    pub(crate) environment: Vec<(String, String)>,
    /// `key=value`, as given to `--set`.
    pub(crate) flags: Vec<String>,
}

/// The configuration as far as it can be known without the instance's user data.
#[derive(Debug)]
pub(crate) struct LocalSettings {
    inputs: Inputs,
    pub(crate) spec: NodeSpec,
}

impl LocalSettings {
    pub(crate) fn load(inputs: Inputs) -> Result<Self, Errors> {
        let (spec, _) = inputs.merge(&[])?;
        Ok(Self { inputs, spec })
    }

    /// What is left of settings that cannot be used when each mistake in them is left out.
    pub(crate) fn salvage(inputs: Inputs) -> Option<Self> {
        let spec = spec::salvage(&inputs.layers(&[]))?;
        Some(Self { inputs, spec })
    }

    /// The same with the parts of the user data.
    pub(crate) fn salvage_with(&self, parts: &[Part]) -> Option<NodeSpec> {
        spec::salvage(&self.inputs.layers(parts))
    }

    /// The environment, as it was when the agent started.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.inputs.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// With the parts of the user data, between the file and the environment.
    pub(crate) fn with_user_data(&self, parts: &[Part]) -> Result<(NodeSpec, Provenance), Errors> {
        self.inputs.merge(parts)
    }
}

impl Inputs {
    /// Everything, with the parts of the user data between the file and the environment. An error tells of all
    /// mistakes, wherever they are.
    pub(crate) fn merge(&self, parts: &[Part]) -> Result<(NodeSpec, Provenance), Errors> {
        spec::load(&self.layers(parts))
    }

    fn layers(&self, parts: &[Part]) -> Vec<Layer> {
        let mut layers = Vec::new();
        if let Some((path, text)) = &self.file {
            layers.push(Layer::file(path.display().to_string(), text));
        }
        layers.extend(parts.iter().map(Layer::user_data));
        layers.push(Layer::env(self.environment.iter().cloned()));
        layers.push(Layer::flags(self.flags.iter().cloned()));
        layers
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Settings from flags alone.
    pub(crate) fn local(flags: &[&str]) -> LocalSettings {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        LocalSettings::load(Inputs { flags, ..Inputs::default() }).unwrap()
    }

    /// The spec of a configuration file.
    pub(crate) fn spec(text: &str) -> NodeSpec {
        let file = Some((PathBuf::from(CONFIG_FILE), text.to_owned()));
        LocalSettings::load(Inputs { file, ..Inputs::default() }).unwrap().spec
    }
}
