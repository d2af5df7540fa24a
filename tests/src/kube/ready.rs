//! Waiting for a server to be ready.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::Error;
use super::server::Server;

/// A machine with every core in use by other builds takes its time.
const PATIENCE: Duration = Duration::from_secs(180);

/// Waits until `ready`; fails when `server` ends, or after three minutes.
pub(crate) fn wait(server: &Server, mut ready: impl FnMut() -> bool) -> Result<(), Error> {
    let started = Instant::now();
    while !ready() {
        server.check()?;
        if started.elapsed() > PATIENCE {
            return Err(server.failed("not ready in time"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Ports of loopback that nobody listens on. They are free again when this returns, so the caller must be ready to
/// lose one to somebody else and ask again.
pub(crate) fn free_ports<const N: usize>() -> std::io::Result<[u16; N]> {
    // All are held until the last is found, so that no two are the same.
    let mut listeners = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        *port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(ports)
}
