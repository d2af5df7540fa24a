//! `installer apply` on a terminal: a real one of the kernel's (a pseudo-terminal), whose screen an emulator draws. It asks,
//! and shows a bar while it works.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gpunode_tests::aws::{Bed, Fault, Proxy};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// A generous bound, against hanging.
const PATIENCE: Duration = Duration::from_secs(90);
/// Rows and columns; the plan is longer than that.
const SIZE: (u16, u16) = (50, 120);

/// A terminal with a program on it.
struct Terminal {
    master: File,
    screen: Arc<Mutex<vt100::Parser>>,
    program: Child,
}

impl Terminal {
    fn run(mut command: Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let line = OpenOptions::new().read(true).write(true).open(name).unwrap();
        let size = Winsize { ws_row: SIZE.0, ws_col: SIZE.1, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&line, size).unwrap();
        let stream = || Stdio::from(line.try_clone().unwrap());
        let program = command.stdin(stream()).stdout(stream()).stderr(stream()).spawn().unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(SIZE.0, SIZE.1, 0)));
        let (master, drawn) = (File::from(master), Arc::clone(&screen));
        let mut output = master.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Ends with the terminal.
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                drawn.lock().unwrap().process(&bytes[..count]);
            }
        });
        Self { master, screen, program }
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    fn wait(&self, what: &str, so: impl Fn(&str) -> bool) {
        let started = Instant::now();
        while !so(&self.text()) {
            assert!(started.elapsed() < PATIENCE, "waited in vain until {what}:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// How many of how many things are done, as the bar says it.
fn bar(text: &str) -> Option<(usize, usize)> {
    let count = |word: &str| {
        let (done, all) = word.split_once('/')?;
        Some((done.parse().ok()?, all.parse().ok()?))
    };
    text.lines().filter(|line| line.contains('█')).find_map(|line| line.split_whitespace().find_map(count))
}

#[test]
fn a_person_is_asked_and_sees_how_far_it_is() {
    let bed = Bed::new(721);
    // One of its calls is held until the bar was seen.
    let held = Arc::new(AtomicBool::new(true));
    let waits = Arc::clone(&held);
    let proxy = Proxy::start(move |_, call| {
        let since = Instant::now();
        while call.operation == "CreateAddon" && waits.load(Ordering::SeqCst) && since.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
        Fault::None
    })
    .unwrap();
    let apply = |answer: &str| {
        let mut terminal = Terminal::run(bed.on_terminal(&proxy, &["apply"], &[]));
        terminal.wait("it asks", |text| text.contains("Do this? Only `yes` will be taken:"));
        assert_eq!(proxy.mutating(), 0);
        terminal.master.write_all(answer.as_bytes()).unwrap();
        terminal
    };
    let mut terminal = apply("y\n");
    terminal.wait("it is told", |text| text.contains("installer: nothing was done"));
    assert_eq!((terminal.program.wait().unwrap().code(), proxy.mutating()), (Some(6), 0));
    drop(terminal);

    let mut terminal = apply("yes\n");
    terminal.wait("there is a bar", |text| bar(text).is_some_and(|(done, all)| 0 < done && done < all));
    held.store(false, Ordering::SeqCst);
    assert_eq!(terminal.program.wait().unwrap().code(), Some(0), "{}", terminal.text());
    terminal
        .wait("the bar is gone", |text| bar(text).is_none() && text.contains("eks-addon/aws-ebs-csi-driver"));
}
