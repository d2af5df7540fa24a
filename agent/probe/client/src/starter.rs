//! A start from the order to the hello, wherever the program can be run from.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Instant, SystemTime};

use crate::abandoned::Graveyard;
use crate::image::{Image, Origin};
use crate::session::Session;
use crate::settings::Settings;
use crate::spawn::{Plan, Spawned, Spawner};
use crate::trouble::Trouble;

/// What every lane starts processes with.
#[derive(Debug)]
pub(crate) struct Starter {
    pub(crate) settings: Settings,
    pub(crate) image: Arc<Image>,
    pub(crate) spawner: Spawner,
    /// A start that took too long; it may still come to something.
    late: Option<Receiver<io::Result<Spawned>>>,
}

impl Starter {
    pub(crate) fn new(settings: Settings, image: Image, spawner: Spawner) -> Self {
        Self { settings, image: Arc::new(image), spawner, late: None }
    }

    /// Starts a process and waits for its hello, but not beyond `until`.
    pub(crate) fn start(
        &mut self,
        plan: &Plan,
        until: Instant,
        graveyard: &mut Graveyard,
    ) -> Result<Session, Trouble> {
        let until = until.min(Instant::now() + self.settings.start_deadline);
        let spawned = match self.spawn(plan, until, graveyard) {
            Err(Refused::Run(_)) if self.image.origin == Origin::Memory => {
                let folder = &self.settings.folder;
                let image = Image::in_folder(folder).map_err(|error| Trouble::NotStarted {
                    message: format!(
                        "it may not be run from memory, and writing it to {}: {error}",
                        folder.display()
                    ),
                })?;
                self.image = Arc::new(image);
                self.spawn(plan, until, graveyard)
            }
            other => other,
        };
        let spawned = spawned.map_err(|refused| match refused {
            Refused::Run(message) | Refused::Other(message) => Trouble::NotStarted { message },
            Refused::Late(trouble) => trouble,
        })?;
        Session::open(spawned, until).map_err(|(child, trouble)| {
            graveyard.kill(child, None);
            trouble
        })
    }

    fn spawn(&mut self, plan: &Plan, until: Instant, graveyard: &mut Graveyard) -> Result<Spawned, Refused> {
        self.collect(graveyard)?;
        let begun = Instant::now();
        let answer =
            self.spawner.order(&self.image, plan).map_err(|error| Refused::Other(error.to_string()))?;
        match answer.recv_timeout(until.saturating_duration_since(begun)) {
            Ok(Ok(spawned)) => Ok(spawned),
            Ok(Err(error)) => Err(self.refused(&error)),
            Err(RecvTimeoutError::Timeout) => {
                self.late = Some(answer);
                let waited = begun.elapsed();
                let since = SystemTime::now().checked_sub(waited).unwrap_or(SystemTime::UNIX_EPOCH);
                Err(Refused::Late(Trouble::Hung { call: Some("execveat".into()), gpu: None, since, waited }))
            }
            Err(RecvTimeoutError::Disconnected) => Err(Refused::Other("the starting thread is gone".into())),
        }
    }

    /// A start that took too long is not wanted any more.
    fn collect(&mut self, graveyard: &mut Graveyard) -> Result<(), Refused> {
        let Some(late) = self.late.take() else { return Ok(()) };
        match late.try_recv() {
            Ok(Ok(spawned)) => graveyard.kill(spawned.child, None),
            Ok(Err(_)) | Err(TryRecvError::Disconnected) => {}
            Err(TryRecvError::Empty) => {
                self.late = Some(late);
                return Err(Refused::Other("an earlier start still hangs".into()));
            }
        }
        Ok(())
    }

    fn refused(&self, error: &io::Error) -> Refused {
        let root =
            self.settings.root.as_ref().map(|root| format!(" in {}", root.display())).unwrap_or_default();
        let message = format!("starting it{root}: {error}");
        match error.raw_os_error() {
            // What exec says of memory that is not to be run from. A root that may not be entered is EPERM.
            Some(libc::EACCES) => Refused::Run(message),
            // The program is there; what is not there is its loader.
            Some(libc::ENOENT) => {
                Refused::Other(format!("{message} (no such root, or no glibc loader in it)"))
            }
            _ => Refused::Other(message),
        }
    }
}

/// Why there is no process.
enum Refused {
    /// The kernel does not run the image where it is.
    Run(String),
    Late(Trouble),
    Other(String),
}

#[cfg(test)]
mod tests;
