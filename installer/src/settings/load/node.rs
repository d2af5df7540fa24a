//! The `GPUNODE_…` variables, which are the node's settings.

use gpunode_host::spec::{self, Layer, NodeSpec, Source, settings as node};

use super::Reader;

impl Reader {
    /// The node's own settings are checked by the node's own rules. The names both sides know were checked already.
    pub(super) fn node_spec(&mut self) -> Option<NodeSpec> {
        let own = self.node.iter().map(|(name, (value, _))| (name.clone(), value.clone()));
        match spec::load(&[Layer::env(own)]) {
            Ok((node, _)) => Some(node),
            Err(errors) => {
                for mut mistake in errors.mistakes {
                    if let Source::Env { name } = &mistake.source
                        && let Some((_, source)) = self.node.get(name)
                    {
                        mistake.key = format!("{name} ({})", mistake.key).replace(" ()", "");
                        mistake.source = source.clone();
                    }
                    self.errors.add(|| mistake);
                }
                None
            }
        }
    }
}

/// The node's programs' own switches are no settings.
pub(super) fn for_node(name: &str) -> bool {
    name.starts_with(node::VARIABLE_PREFIX) && !node::OTHER_VARIABLES.contains(&name)
}
