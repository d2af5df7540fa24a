//! A look in a process of its own. A read that sleeps in the kernel, half a minute in front of a dead EFA card, keeps
//! its process from ending; whoever waits for that process, or for the end of what it prints, waits as long. So the
//! process that was called starts another one, takes what that one tells, and leaves it behind.
#![allow(clippy::disallowed_methods, reason = "this starts the program itself, not one of the machine's")]

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::cli::Stop;
use crate::exit::Exit;
use crate::print;
use crate::step::chain;
use crate::view::Paint;

/// Beyond the deadline of the look, for starting a process and printing.
const SLACK: Duration = Duration::from_secs(2);
/// A process that has closed its output without an answer ends at once.
const ENDING: Duration = Duration::from_secs(1);
/// How long whoever waits may wish to stop waiting before it is seen.
const TURN: Duration = Duration::from_millis(50);
/// Bytes before the text: the exit code, and the text's length.
const HEAD: usize = 5;
/// The most bytes of text; the report of 64 EFA devices and 16 GPUs has a few hundred KiB.
const MOST: u32 = 64 << 20;
/// The most bytes of what it says instead of an answer: what a pipe holds, since nobody reads on while it runs.
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

/// What the process of its own told.
#[derive(Debug)]
pub(crate) struct Answer {
    /// How it says it will end.
    pub(crate) code: u8,
    pub(crate) text: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    #[error("cannot start /proc/self/exe")]
    Start(#[source] io::Error),
    #[error("it did not answer within {} s", .0.as_secs())]
    Late(Duration),
    #[error("it was ended because its step was ended")]
    Cancelled,
    #[error("it ended without an answer: {status}{}", if words.is_empty() { String::new() } else { format!(": {words}") })]
    Ended { status: ExitStatus, words: String },
    #[error("it closed its output without an answer")]
    Closed(#[source] io::Error),
}

/// Runs this program with `arguments` in a process of its own, hands it `input`, and takes its answer. `cancelled`
/// ends the wait early. A process that is not waited for any more is killed; where it sleeps in the kernel, it ends
/// when it wakes.
pub(crate) fn run(
    arguments: impl IntoIterator<Item = OsString>,
    input: Option<String>,
    deadline: Duration,
    cancelled: &dyn Fn() -> bool,
) -> Result<Answer, Unanswered> {
    let mut command = Command::new("/proc/self/exe");
    command.args(arguments).stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(Unanswered::Start)?;
    let Some(output) = child.stdout.take() else {
        return Err(Unanswered::Closed(io::ErrorKind::BrokenPipe.into()));
    };
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        // Threads, since a pipe has no deadline; they end with the pipe, or with this process.
        thread::spawn(move || stdin.write_all(input.as_bytes()));
    }
    let (sender, answers) = channel();
    thread::spawn(move || sender.send(read(output)));
    let until = Instant::now() + deadline + SLACK;
    loop {
        match answers.recv_timeout(TURN.min(until.saturating_duration_since(Instant::now()))) {
            Ok(Ok((code, text))) => return Ok(Answer { code, text }),
            Ok(Err(error)) => return Err(ended(child, error)),
            Err(RecvTimeoutError::Timeout) if Instant::now() < until && !cancelled() => {}
            Err(_) => {
                let _ = child.kill();
                let late = Unanswered::Late(deadline + SLACK);
                return Err(if cancelled() { Unanswered::Cancelled } else { late });
            }
        }
    }
}

/// Runs the same command line in a process of its own and prints what it tells.
pub(crate) fn ask(deadline: Duration) -> Result<Exit, Stop> {
    let colour = if Paint::stdout().0 { "colour" } else { "plain" };
    let arguments = std::env::args_os().skip(1).chain(["--apart".into(), colour.into()]);
    match run(arguments, None, deadline, &|| false) {
        Ok(answer) => {
            print::product(&answer.text)?;
            Ok(Exit::of_look(answer.code))
        }
        // It has said why itself.
        Err(Unanswered::Ended { status, words })
            if status.code().is_some_and(|code| code != 0) && !words.is_empty() =>
        {
            print::err(words);
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            Ok(code.map_or(Exit::CouldNotTell, Exit::of_look))
        }
        Err(error) => Err(could_not_tell(&chain(&error))),
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
fn ended(mut child: Child, error: io::Error) -> Unanswered {
    let until = Instant::now() + ENDING;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Unanswered::Ended { status, words: last_words(child.stderr) },
            Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(5)),
            _ => return Unanswered::Closed(error),
        }
    }
}

/// What the pipe holds, without waiting for its end: a thread that sleeps in the kernel keeps it open.
fn last_words(stderr: Option<ChildStderr>) -> String {
    let mut text = Vec::new();
    if let Some(stderr) = stderr
        && fcntl(&stderr, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).is_ok()
    {
        // What was read before an error stays.
        let _ = stderr.take(MOST_WORDS).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).trim_end().to_owned()
}

fn could_not_tell(why: &str) -> Stop {
    Stop { message: format!("the process that looks at the devices: {why}"), exit: Exit::CouldNotTell }
}
