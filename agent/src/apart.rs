//! A look in a process of its own. A read that sleeps in the kernel, half a minute in front of a dead EFA card, keeps
//! its process from ending; whoever waits for that process, or for the end of what it prints, waits as long. So the
//! process that was called starts another one, prints what that one tells, and leaves it behind.
#![allow(clippy::disallowed_methods, reason = "this starts the program itself, not one of the machine's")]

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::cli::Stop;
use crate::exit::Exit;
use crate::print;
use crate::view::Paint;

/// Beyond the deadline of the look, for starting a process and printing.
const SLACK: Duration = Duration::from_secs(2);
/// A process that has closed its output without an answer ends at once.
const ENDING: Duration = Duration::from_secs(1);
/// Bytes before the text: the exit code, and the text's length.
const HEAD: usize = 5;
/// The most bytes of text; the report of 64 EFA devices and 16 GPUs has a few hundred KiB.
const MOST: u32 = 64 << 20;

/// The most bytes of what it says instead of an answer.
const MOST_WORDS: u64 = 64 << 10;

/// That this is the process of its own, and how what it tells is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Apart {
    Plain,
    Colour,
}

impl Apart {
    pub(crate) fn paint(self) -> Paint {
        Paint(self == Self::Colour)
    }
}

/// Runs the same command line in a process of its own and prints what it tells.
pub(crate) fn ask(deadline: Duration) -> Result<Exit, Stop> {
    let colour = if Paint::stdout().0 { "colour" } else { "plain" };
    let mut program = Command::new("/proc/self/exe");
    program.args(std::env::args_os().skip(1)).args(["--apart", colour]);
    let mut child = program
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| could_not_tell(&format!("cannot start /proc/self/exe: {error}")))?;
    let (Some(output), Some(words)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(could_not_tell("it has no output"));
    };
    let (sender, answers) = channel();
    // A thread, since a pipe cannot be read with a deadline; it ends with the pipe, or with this process.
    thread::spawn(move || sender.send(read(output)));
    let (sender, last_words) = channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        let _ = words.take(MOST_WORDS).read_to_end(&mut text);
        sender.send(String::from_utf8_lossy(&text).into_owned())
    });
    match answers.recv_timeout(deadline + SLACK) {
        Ok(Ok((code, text))) => {
            print::out(text.trim_end_matches('\n'));
            Ok(Exit::of_look(code))
        }
        Ok(Err(error)) => {
            if let Ok(words) = last_words.recv_timeout(ENDING) {
                print::err(words.trim_end());
            }
            ended(child, &error)
        }
        Err(_) => {
            Err(could_not_tell(&format!("it did not answer within {} s", (deadline + SLACK).as_secs())))
        }
    }
}

/// What the process of its own tells: all at once, since its end may be long in coming.
pub(crate) fn tell(text: &str, exit: Exit) -> Result<Exit, Stop> {
    let length = u32::try_from(text.len()).ok().filter(|length| *length <= MOST);
    let length = length.ok_or_else(|| could_not_tell("the report is too long"))?;
    let mut answer = vec![exit.code()];
    answer.extend(length.to_le_bytes());
    answer.extend(text.as_bytes());
    let mut output = io::stdout().lock();
    output
        .write_all(&answer)
        .and_then(|()| output.flush())
        .map_err(|error| could_not_tell(&error.to_string()))?;
    Ok(exit)
}

fn read(mut output: ChildStdout) -> io::Result<(u8, String)> {
    let mut head = [0; HEAD];
    output.read_exact(&mut head)?;
    let [code, length @ ..] = head;
    let length = u32::from_le_bytes(length);
    if length > MOST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "an answer of an impossible length"));
    }
    let mut text = vec![0; length as usize];
    output.read_exact(&mut text)?;
    let text = String::from_utf8(text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok((code, text))
}

/// It closed its output without an answer: it has said why itself, or was ended.
fn ended(mut child: Child, error: &io::Error) -> Result<Exit, Stop> {
    let until = Instant::now() + ENDING;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                let code = status.code().and_then(|code| u8::try_from(code).ok()).filter(|code| *code != 0);
                return code.map(Exit::of_look).ok_or_else(|| could_not_tell(&format!("it ended: {status}")));
            }
            Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(5)),
            _ => return Err(could_not_tell(&error.to_string())),
        }
    }
}

fn could_not_tell(why: &str) -> Stop {
    Stop { message: format!("the process that looks at the devices: {why}"), exit: Exit::CouldNotTell }
}
