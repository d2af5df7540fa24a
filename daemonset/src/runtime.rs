//! The one thread that talks: no hardware is ever touched on it.

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Stop;

/// Runs `work` on a runtime of one thread. What it has started ends with it.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| Stop::failed(format!("cannot begin: {error}")))?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(done)
}

/// Comes back when the program is asked to end: SIGTERM from the kubelet, SIGINT from a person.
pub(crate) async fn asked_to_end() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
