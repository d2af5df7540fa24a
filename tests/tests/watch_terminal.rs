//! `gpunode-agent watch` on a terminal: a real one of the kernel's (a pseudo-terminal), whose screen an emulator draws,
//! so that what is read here is what a person would see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use gpunode_tests::agent::program;
use gpunode_tests::looked::{EFAS, GPUS, Machine};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};

/// Only a view that hangs gets there: what NVML says is looked at every ten seconds.
const PATIENCE: Duration = Duration::from_secs(90);
/// What stood on the terminal before.
const BEFORE: &str = "$ gpunode-agent watch";
/// What Ctrl-C sends.
const CTRL_C: u8 = 3;

/// A terminal with a program on it.
struct Terminal {
    master: File,
    /// Held open, so that its settings can be read when the program is gone.
    line: File,
    screen: Arc<Mutex<vt100::Parser>>,
    program: Child,
}

/// Rows and columns.
type Size = (u16, u16);

fn winsize((rows, columns): Size) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

impl Terminal {
    /// A terminal of this size on which `watch` looks at `machine`.
    fn watch(machine: &Machine, size: Size) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let line = OpenOptions::new().read(true).write(true).open(name).unwrap();
        tcsetwinsize(&line, winsize(size)).unwrap();
        let watch = machine.command("watch", &[]);
        // Makes the terminal the one that Ctrl-C is typed on.
        let mut command = program("setsid");
        command.arg("--ctty").arg(watch.get_program()).args(watch.get_args()).env("TERM", "xterm-256color");
        let stream = || Stdio::from(line.try_clone().unwrap());
        let program = command.stdin(stream()).stdout(stream()).stderr(stream()).spawn().unwrap();
        let mut parser = vt100::Parser::new(size.0, size.1, 0);
        parser.process(BEFORE.as_bytes());
        let (master, screen) = (File::from(master), Arc::new(Mutex::new(parser)));
        let (mut output, drawn) = (master.try_clone().unwrap(), Arc::clone(&screen));
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Ends with the terminal.
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                drawn.lock().unwrap().process(&bytes[..count]);
            }
        });
        Self { master, line, screen, program }
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen is so.
    fn wait(&mut self, what: &str, so: impl Fn(&vt100::Screen) -> bool) {
        let started = Instant::now();
        while !so(self.screen.lock().unwrap().screen()) {
            assert_eq!(self.program.try_wait().unwrap(), None, "ended before {what}:\n{}", self.text());
            assert!(started.elapsed() < PATIENCE, "waited in vain until {what}:\n{}", self.text());
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn resize(&self, size: Size) {
        // The emulator's lock: nothing is drawn between the two.
        let mut parser = self.screen.lock().unwrap();
        tcsetwinsize(&self.line, winsize(size)).unwrap();
        parser.screen_mut().set_size(size.0, size.1);
    }

    /// Types Ctrl-C; the exit code.
    fn interrupt(&mut self) -> Option<i32> {
        self.master.write_all(&[CTRL_C]).unwrap();
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Some(status) = self.program.try_wait().unwrap() {
                return status.code();
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("Ctrl-C does not end it:\n{}", self.text());
    }

    /// The program is gone; what it wrote last may not have been drawn yet.
    fn wait_restored(&self) {
        let restored = |screen: &vt100::Screen| {
            !screen.alternate_screen() && !screen.hide_cursor() && screen.contents().contains(BEFORE)
        };
        let started = Instant::now();
        while !restored(self.screen.lock().unwrap().screen()) {
            assert!(started.elapsed() < PATIENCE, "the terminal is not as it was:\n{}", self.text());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// Whether every device of the machine has a row.
fn shows_all(machine: &Machine, screen: &vt100::Screen) -> bool {
    let text = screen.contents();
    let gpus = (0..GPUS).all(|number| text.contains(machine.tree.gpu(number).address()));
    gpus && (0..EFAS).all(|number| text.contains(machine.tree.efa(number).address()))
}

fn no_line_wraps(screen: &vt100::Screen) -> bool {
    (0..screen.size().0).all(|row| !screen.row_wrapped(row))
}

#[test]
fn a_person_sees_devices_and_findings_come_and_go() {
    let machine = Machine::new("healthy-p5");
    let mut terminal = Terminal::watch(&machine, (60, 160));
    let settings = format!("{:?}", tcgetattr(&terminal.line).unwrap());
    terminal.wait("every device is shown", |screen| shows_all(&machine, screen));
    terminal.wait("the machine is healthy", |screen| screen.contents().contains("\nhealthy"));
    {
        let parser = terminal.screen.lock().unwrap();
        assert!(parser.screen().alternate_screen() && parser.screen().hide_cursor());
        assert!(!parser.screen().contents().contains(BEFORE) && no_line_wraps(parser.screen()));
    }

    machine.play("remap-pending");
    terminal.wait("the finding is shown", |screen| screen.contents().contains("GpuRemapPending"));
    assert!(terminal.text().contains(machine.tree.gpu(2).address()));
    machine.play("healthy-p5");
    terminal.wait("the finding is gone", |screen| {
        !screen.contents().contains("GpuRemapPending") && screen.contents().contains("\nhealthy")
    });

    let small = format!("{GPUS} GPUs and {EFAS} EFA are well");
    terminal.resize((8, 50));
    terminal.wait("a small terminal shows the sum", |screen| screen.contents().contains(&small));
    assert!(no_line_wraps(terminal.screen.lock().unwrap().screen()), "{}", terminal.text());
    terminal.resize((60, 160));
    terminal.wait("a large one shows everything again", |screen| {
        shows_all(&machine, screen) && !screen.contents().contains(&small)
    });

    assert_eq!(terminal.interrupt(), Some(0));
    terminal.wait_restored();
    assert_eq!(format!("{:?}", tcgetattr(&terminal.line).unwrap()), settings);
}
