//! ministack, one for all tests of a program: each test has an account of its own.
#![expect(clippy::panic, reason = "a test without its emulator has failed")]

use std::net::TcpStream;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::kube::ready;
use crate::kube::server::Server;
use crate::{binary, python};

/// Zone and account of whoever does not say.
const REGION: &str = "us-west-2";

/// The running emulator. It is never dropped: its thread ends with the test program, and it with that.
struct Emulator {
    port: u16,
    _server: Server,
    _folder: TempDir,
}

static EMULATOR: OnceLock<Emulator> = OnceLock::new();

/// Its port on loopback; it is started by whoever asks first.
pub(super) fn port() -> u16 {
    EMULATOR.get_or_init(start).port
}

fn start() -> Emulator {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("a folder for ministack: {error}"));
    let [port] = ready::free_ports().unwrap_or_else(|error| panic!("a port for ministack: {error}"));
    let variables = [
        format!("GATEWAY_PORT={port}"),
        "BIND_HOST=127.0.0.1".to_owned(),
        format!("MINISTACK_REGION={REGION}"),
        "LOG_LEVEL=ERROR".to_owned(),
        // Nothing of another run is there, and nothing is kept.
        format!("TMPDIR={}", folder.path().display()),
    ];
    let mut words = variables.to_vec();
    let program = binary::bed().join("python/emulator.py");
    let program =
        [python::interpreter().display().to_string(), "-B".to_owned(), program.display().to_string()];
    words.extend(program);
    let server = Server::start("ministack", "env".as_ref(), &words, folder.path().join("log"))
        .unwrap_or_else(|error| panic!("{error}"));
    ready::wait(&server, || TcpStream::connect(("127.0.0.1", port)).is_ok())
        .unwrap_or_else(|error| panic!("{error}"));
    Emulator { port, _server: server, _folder: folder }
}
