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
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
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

/// A terminal of this size: the person's end, and the program's.
fn pair(size: Size) -> (File, File) {
    // No program holds the person's end open.
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let line = OpenOptions::new().read(true).write(true).open(name).unwrap();
    tcsetwinsize(&line, winsize(size)).unwrap();
    (File::from(master), line)
}

/// `watch` on a terminal that says that it is a `term`.
fn start(machine: &Machine, line: &File, term: &str) -> Child {
    let watch = machine.command("watch", &[]);
    // Makes the terminal the one that Ctrl-C is typed on.
    let mut command = program("setsid");
    command.arg("--ctty").arg(watch.get_program()).args(watch.get_args()).env("TERM", term);
    let stream = || Stdio::from(line.try_clone().unwrap());
    let child = command.stdin(stream()).stdout(stream()).stderr(stream()).spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    // Whoever reads what a view that hangs does not write comes to the end of it then.
    thread::spawn(move || {
        thread::sleep(PATIENCE);
        let _ = kill(pid, Signal::SIGKILL);
    });
    child
}

/// Its exit code.
fn end(program: &mut Child) -> Option<i32> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Some(status) = program.try_wait().unwrap() {
            return status.code();
        }
        thread::sleep(Duration::from_millis(5));
    }
    let _ = program.kill();
    panic!("it does not end");
}

impl Terminal {
    /// A terminal of this size on which `watch` looks at `machine`.
    fn watch(machine: &Machine, size: Size) -> Self {
        let (master, line) = pair(size);
        let program = start(machine, &line, "xterm-256color");
        let mut parser = vt100::Parser::new(size.0, size.1, 0);
        parser.process(BEFORE.as_bytes());
        let screen = Arc::new(Mutex::new(parser));
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
        end(&mut self.program)
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

/// Reads from the person's end of a terminal until this stands there; what was read.
fn read_until(master: &mut File, wanted: &str) -> String {
    let (mut all, mut bytes) = (Vec::new(), [0; 4096]);
    while !String::from_utf8_lossy(&all).contains(wanted) {
        let count = master.read(&mut bytes).unwrap_or_else(|error| panic!("{error} before {wanted:?}"));
        all.extend_from_slice(&bytes[..count]);
    }
    String::from_utf8(all).unwrap()
}

/// An editor's shell window, for example: it shows lines and knows no cursor.
#[test]
fn a_dumb_terminal_gets_lines_and_no_codes() {
    let machine = Machine::new("gpu-lost");
    for term in ["dumb", ""] {
        let (mut master, line) = pair((24, 80));
        let mut watch = start(&machine, &line, term);
        drop(line);
        let text = read_until(&mut master, " unhealthy: 8 GPUs, 32 EFA, 1 finding\r\n");
        assert!(text.contains(" watching p5.48xlarge") && text.contains(" new: error GpuLost"), "{text}");
        assert!(!text.contains('\x1b'), "{text:?}");
        master.write_all(&[CTRL_C]).unwrap();
        assert_eq!(end(&mut watch), Some(0), "{term:?}");
    }
}

#[test]
fn a_terminal_that_hangs_up_ends_the_view() {
    let machine = Machine::new("healthy-p5");
    for (term, shown) in [("xterm-256color", "looking: "), ("dumb", " so far: ")] {
        let (mut master, line) = pair((24, 80));
        let mut watch = start(&machine, &line, term);
        drop(line);
        read_until(&mut master, shown);
        // As when its window is closed, or the connection to it is lost.
        drop(master);
        assert_eq!(end(&mut watch), Some(0), "{term}");
    }
}
