//! Loading a plugin of NCCL.

use std::time::Duration;

use gpunode_probe_protocol::message::{Say, Want};
use gpunode_probe_protocol::plugin::Plugin;

use super::Probe;
use crate::outcome::Outcome;
use crate::session::unexpected;

impl Probe {
    /// Whether the plugin at `path` can be loaded with all it needs, and what it offers: seen by a process of its own,
    /// which ends with the answer.
    pub fn plugin(&mut self, path: &str, deadline: Duration) -> Outcome<Plugin> {
        let want = Want::Plugin { path: path.to_owned() };
        self.ask_once(want, deadline, |said, _| match said {
            Say::Plugin(answer) => Ok(answer?),
            other => Err(unexpected(&other)),
        })
    }
}
