//! Loading a plugin of NCCL.

use std::time::{Duration, Instant};

use gpunode_probe_protocol::message::{Say, Want};
use gpunode_probe_protocol::plugin::Plugin;

use super::Probe;
use crate::outcome::Outcome;
use crate::session::unexpected;

impl Probe {
    /// Whether the plugin at `path` can be loaded with all it needs, and what it offers: seen by a process of its own,
    /// which ends with the answer.
    pub fn plugin(&mut self, path: &str, deadline: Duration) -> Outcome<Plugin> {
        let until = Instant::now() + deadline;
        self.reap();
        let session = match self.fabric.ready(&mut self.starter, &mut self.graveyard, until) {
            Ok(session) => session,
            Err(trouble) => return Outcome::Nothing(trouble),
        };
        let trouble = match session.ask(Want::Plugin { path: path.to_owned() }, until, &mut |_| ()) {
            Ok(Say::Plugin(Ok(plugin))) => {
                self.fabric.worked();
                self.fabric.rest(&mut self.graveyard);
                return Outcome::Whole(plugin);
            }
            Ok(Say::Plugin(Err(unusable))) => unusable.into(),
            Ok(other) => unexpected(&other),
            Err(trouble) => trouble,
        };
        if trouble.is_the_library() {
            self.fabric.rest(&mut self.graveyard);
        } else {
            self.fabric.broke(&trouble, &self.starter, &mut self.graveyard, None);
        }
        Outcome::Nothing(trouble)
    }
}
