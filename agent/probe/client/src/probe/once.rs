//! Questions for which a process is started and ended.

use std::time::{Duration, Instant};

use gpunode_probe_protocol::message::{Say, Want};

use super::Probe;
use crate::outcome::Outcome;
use crate::session::Session;
use crate::trouble::Trouble;

impl Probe {
    /// Asks a process of its own, which ends with the answer and gives back all that the library took. `read` makes of
    /// the answer what is wanted; the process has not ended yet then.
    pub(super) fn ask_once<T>(
        &mut self,
        want: Want,
        deadline: Duration,
        read: impl FnOnce(Say, &mut Session) -> Result<T, Trouble>,
    ) -> Outcome<T> {
        let until = Instant::now() + deadline;
        self.reap();
        let session = match self.fabric.ready(&mut self.starter, &mut self.graveyard, until) {
            Ok(session) => session,
            Err(trouble) => return Outcome::Nothing(trouble),
        };
        let answer = session.ask(want, until, &mut |_| ()).and_then(|said| read(said, session));
        match answer {
            Ok(wanted) => {
                self.fabric.worked();
                self.fabric.rest(&mut self.graveyard);
                Outcome::Whole(wanted)
            }
            Err(trouble) => {
                if trouble.is_the_library() {
                    self.fabric.rest(&mut self.graveyard);
                } else {
                    self.fabric.broke(&trouble, &self.starter, &mut self.graveyard, None);
                }
                Outcome::Nothing(trouble)
            }
        }
    }
}
