//! Ctrl-C and SIGTERM, where something has to be put back before the program ends.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Whether somebody wants the program to end. From the first of these on the signals end it no more by themselves.
#[derive(Clone, Debug)]
pub(super) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Listens from now on.
    pub(super) fn listen() -> std::io::Result<Self> {
        let (tell, told) = watch::channel(false);
        let (mut pressed, mut ended) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::spawn(async move {
            tokio::select! {
                _ = pressed.recv() => {}
                _ = ended.recv() => {}
            }
            // Nobody waits any more.
            let _ = tell.send(true);
        });
        Ok(Self(told))
    }

    /// Done once one came, also where that was before.
    pub(super) async fn came(&self) {
        let mut told = self.0.clone();
        if told.wait_for(|came| *came).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    pub(super) fn has_come(&self) -> bool {
        *self.0.borrow()
    }
}
