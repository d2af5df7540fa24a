//! What is known of the probe itself.

use gpunode_probe_protocol::message::Hello;

use super::Probe;
use crate::abandoned::Abandoned;
use crate::hung::HungGpu;
use crate::image::Origin;

impl Probe {
    /// GPUs on which a call hung and that sweeps leave out.
    pub fn hung(&self) -> &[HungGpu] {
        self.hung.list()
    }

    /// Killed processes that have not ended.
    pub fn abandoned(&mut self) -> Vec<Abandoned> {
        self.reap();
        self.graveyard.list()
    }

    /// Where the program is run from.
    pub fn origin(&self) -> &Origin {
        &self.starter.image.origin
    }

    /// What the running process said of itself.
    pub fn hello(&self) -> Option<&Hello> {
        self.gpus.session().map(|session| &session.hello)
    }
}

/// It may be made on one thread and used on another.
const _: fn() = || {
    fn is_send<T: Send>() {}
    is_send::<Probe>();
};
