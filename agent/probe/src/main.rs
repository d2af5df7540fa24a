//! `gpunode-probe [--fd N] [--nvml FILE]` loads NVML and libfabric, which the static programs cannot, and answers
//! questions about them on an inherited stream socket (descriptor 0 unless `--fd` says otherwise).
//!
//! It is meant to be killed: a library call can hang for ever or crash the process. The main thread makes no
//! library call, so it answers when a question's deadline passes, naming the call that did not come back. The
//! probe ends when its parent or the socket does. `--nvml` names the library in tests; otherwise the loader finds
//! `libnvidia-ml.so.1`.

mod arguments;
mod board;
mod events;
mod fabric;
mod lane;
mod nvml;
mod os;
mod outbox;
mod plugin;
mod server;
mod slot;
mod socket;
mod sweep;

use arguments::Arguments;
use server::Server;

fn main() {
    std::panic::set_hook(Box::new(|panic| {
        os::complain(&panic.to_string().replace('\n', " "));
        // A thread that is gone without a word would look like a call that hangs.
        std::process::abort();
    }));
    let code = match run() {
        Ok(()) => 0,
        Err(error) => {
            os::complain(&error);
            1
        }
    };
    // Exit handlers of a library whose call hangs may hang too.
    os::leave(code)
}

fn run() -> Result<(), String> {
    os::keep_memory_small();
    let arguments = Arguments::parse(std::env::args_os().skip(1))?;
    let socket =
        os::take(arguments.socket).map_err(|error| format!("descriptor {}: {error}", arguments.socket))?;
    Server::new(socket, arguments.nvml)?.run()
}
