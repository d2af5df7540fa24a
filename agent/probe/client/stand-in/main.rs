//! Plays a probe that misbehaves: `probe-stand-in MODE [FILE]`. The modes are named in [`main`].
#![allow(unsafe_code, reason = "it stops, crashes and traces itself")]
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, reason = "only tests run it")]
#![allow(clippy::disallowed_methods, reason = "a crash must not run anything more")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::FromRawFd as _;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use gpunode_probe_protocol::VERSION;
use gpunode_probe_protocol::fabric::Interfaces;
use gpunode_probe_protocol::frame;
use gpunode_probe_protocol::gpu::{Entry, Gpu, GpuEvent, Stuck, Sweep};
use gpunode_probe_protocol::library::Unusable;
use gpunode_probe_protocol::message::{Hello, Message, Registered, Request, Say, Want};

const GPUS: [&str; 3] = ["0000:53:00.0", "0000:64:00.0", "0000:75:00.0"];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next().unwrap_or_default();
    let file = arguments.next().unwrap_or_default();
    match mode.as_str() {
        "mute" => sleep(Duration::from_secs(600)),
        "exit" => std::process::exit(7),
        "unkillable" => trace_me(&file),
        _ => {}
    }
    // SAFETY: descriptor 0 is the socket, and nothing else uses it.
    let mut socket = unsafe { File::from_raw_fd(0) };
    let protocol = if mode == "version" { VERSION + 1 } else { VERSION };
    say(&mut socket, 0, Say::Hello(Hello { protocol, version: "stand-in".into(), libc: "none".into() }));
    let mut unread = Vec::new();
    loop {
        let request = next(&mut socket, &mut unread);
        misbehave(&mode, &mut socket, &request);
        let answer = answer(&mode, &file, &request.want);
        say(&mut socket, request.id, answer);
        if let ("storm", Want::Events { .. }) = (mode.as_str(), &request.want) {
            (0..100_000).for_each(|_| event(&mut socket));
        } else if let Want::Events { .. } = request.want {
            event(&mut socket);
            if mode == "short" {
                std::process::exit(9);
            }
        }
    }
}

/// What happens instead of, or before, the answer.
fn misbehave(mode: &str, socket: &mut File, request: &Request) {
    match mode {
        "busy" => {
            let spent = || {
                let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
                // SAFETY: the kernel fills the structure.
                unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
                time.tv_sec * 1000 + time.tv_nsec / 1_000_000
            };
            let end = spent() + 200;
            while spent() < end {}
        }
        "frozen" => {
            // SAFETY: stops this process.
            unsafe { libc::raise(libc::SIGSTOP) };
        }
        "abort" => {
            eprintln!("libnvidia-ml: assertion failed");
            std::process::abort();
        }
        "end" => std::process::exit(3),
        "garbage" => socket.write_all(&[0xff; 100]).unwrap(),
        "nonsense" => socket.write_all(&[3, 0, 0, 0, 0xff, 0xff, 0xff]).unwrap(),
        "close" => {
            // SAFETY: closes the socket and nothing else.
            unsafe { libc::close(0) };
            sleep(Duration::from_secs(600));
        }
        "late" => sleep(Duration::from_millis(u64::from(request.deadline_ms) + 2000)),
        "flood" => loop {
            event(socket);
        },
        "loud" => (0..100_000).for_each(|_| {
            let _ = writeln!(std::io::stderr(), "a line that nobody wants to read");
        }),
        "other" => say(socket, request.id, Say::Goodbye),
        "stale" => say(socket, request.id + 1, Say::Goodbye),
        _ => {}
    }
}

fn answer(mode: &str, file: &str, want: &Want) -> Say {
    match want {
        Want::Gpus { skip, .. } => match mode {
            "missing" => {
                Say::Gpus(Err(Unusable::NotInstalled { message: "libnvidia-ml.so.1: not found".into() }))
            }
            "wrong" => Say::Gpus(Err(Unusable::WrongLibrary { message: "no nvmlInit_v2".into() })),
            "mismatch" => Say::Gpus(Err(Unusable::Start { code: 18, message: "version mismatch".into() })),
            _ => {
                // The second GPU hangs until the file is gone.
                let hangs = matches!(mode, "stuck" | "unkillable") && Path::new(file).exists();
                Say::Gpus(Ok(Box::new(sweep(skip, hangs))))
            }
        },
        Want::Events { skip } => {
            let on = GPUS.iter().filter(|gpu| !skip.iter().any(|other| other == *gpu));
            Say::Events(Ok(on.map(|gpu| Registered { pci: (*gpu).into(), types: Ok(8) }).collect()))
        }
        Want::Interfaces => Say::Interfaces(Ok(Interfaces::default())),
        Want::Plugin { path } => Say::Plugin(Err(Unusable::NotInstalled { message: path.clone() })),
        Want::Goodbye => Say::Goodbye,
    }
}

fn sweep(skip: &[String], hangs: bool) -> Sweep {
    let mut sweep = Sweep::default();
    for (index, pci) in (0..).zip(GPUS) {
        if skip.iter().any(|other| other == pci) {
            sweep.gpus.push(Entry::Skipped { index, pci: Some(pci.into()) });
        } else if hangs && index == 1 {
            let call = "nvmlDeviceGetFieldValues".into();
            sweep.stuck = Some(Stuck { call, pci: Some(pci.into()), index: Some(index), for_ms: 900 });
        } else {
            sweep.gpus.push(Entry::Read(Box::new(Gpu { index, pci: pci.into(), ..Gpu::default() })));
        }
    }
    sweep
}

/// A process that is traced by another one stays a child that has not ended until its tracer lets go, as one that is
/// stuck in the kernel does.
fn trace_me(file: &str) {
    // SAFETY: one thread so far; the child only makes system calls and looks for a file.
    unsafe {
        let parent = libc::getpid();
        let (mut pipe, mut byte) = ([0; 2], [0_u8; 1]);
        assert_eq!(libc::pipe(pipe.as_mut_ptr()), 0);
        let tracer = libc::fork();
        if tracer == 0 {
            libc::close(0);
            libc::ptrace(libc::PTRACE_SEIZE, parent, 0, 0);
            libc::write(pipe[1], byte.as_ptr().cast(), 1);
            for _ in 0..6000 {
                if !Path::new(file).exists() {
                    break;
                }
                sleep(Duration::from_millis(10));
            }
            libc::_exit(0);
        }
        libc::prctl(libc::PR_SET_PTRACER, tracer);
        libc::read(pipe[0], byte.as_mut_ptr().cast(), 1);
    }
}

fn event(socket: &mut File) {
    let event = GpuEvent { pci: Some(GPUS[0].into()), kind: 8, data: 79, mig: None };
    say(socket, 0, Say::Event(event));
}

fn say(socket: &mut File, id: u32, say: Say) {
    let frame = frame::encode(&Message { id, say }).unwrap();
    if socket.write_all(&frame).is_err() {
        std::process::exit(0);
    }
}

fn next(socket: &mut File, unread: &mut Vec<u8>) -> Request {
    let mut piece = [0; 4096];
    loop {
        if let Some((request, length)) = frame::decode::<Request>(unread).unwrap() {
            unread.drain(..length);
            return request;
        }
        match socket.read(&mut piece) {
            Ok(0) | Err(_) => std::process::exit(0),
            Ok(length) => unread.extend_from_slice(&piece[..length]),
        }
    }
}
