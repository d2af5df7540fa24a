//! Waits for a change in the folder of the scenario, as the driver's own events are waited for: without a look in between.

use std::ffi::CString;
use std::os::unix::ffi::OsStringExt as _;
use std::sync::OnceLock;
use std::time::Duration;

use crate::machine::folder;

/// Where the kernel gives no watch, and where another thread has heard the bell, the scenario is looked at so often.
const LOOK: Duration = Duration::from_millis(5);
const LOOK_BESIDE_THE_BELL: Duration = Duration::from_millis(200);

/// One for the process: it lives as long as the library.
static WATCH: OnceLock<Option<i32>> = OnceLock::new();

/// Waits until the folder has changed since the last call, or so long.
pub(crate) fn wait(left: Duration) {
    let watched_before = WATCH.get().is_some();
    let Some(watch) = *WATCH.get_or_init(watch) else {
        std::thread::sleep(left.min(LOOK));
        return;
    };
    if !watched_before {
        // What changed before the watch began has rung no bell.
        return;
    }
    let milliseconds = left.min(LOOK_BESIDE_THE_BELL).as_micros().div_ceil(1000);
    let mut asked = libc::pollfd { fd: watch, events: libc::POLLIN, revents: 0 };
    // SAFETY: one descriptor to ask for, which is never closed.
    unsafe { libc::poll(&raw mut asked, 1, milliseconds as i32) };
    let mut said = [0_u8; 4096];
    // SAFETY: the buffer is as long as it is said to be. Without an event the call ends at once.
    unsafe { libc::read(watch, said.as_mut_ptr().cast(), said.len()) };
}

fn watch() -> Option<i32> {
    let path = CString::new(folder().into_os_string().into_vec()).ok()?;
    // SAFETY: no memory is handed over.
    let watch = unsafe { libc::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC) };
    let changes = libc::IN_CLOSE_WRITE | libc::IN_MOVED_TO | libc::IN_MODIFY;
    // SAFETY: a text that ends with a zero.
    (watch >= 0 && unsafe { libc::inotify_add_watch(watch, path.as_ptr(), changes) } >= 0).then_some(watch)
}
