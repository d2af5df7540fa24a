//! `cargo xtask test`: runs jobs, some side by side, starts none after one that fails, and says what was not run.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::board::{Board, Ended};
use crate::error::Error;
use crate::job::Job;
use crate::place::Place;
use crate::run;
use crate::table::{self, duration};

pub(crate) fn run(place: &Place, only: &[Job], at_once: u8) -> Result<(), Error> {
    let jobs = Job::plan(only);
    println!("target folder {}, cache {}", place.target.display(), place.cache.display());
    let started = Instant::now();
    let board = Board::new(jobs.clone());
    if at_once == 1 {
        board.work(|job| told(job, || job.run(place)));
    } else {
        std::thread::scope(|scope| {
            for _ in 0..at_once {
                scope.spawn(|| board.work(|job| told(job, || apart(job))));
            }
        });
    }
    let ended = board.ended();
    let mut rows: Vec<_> = jobs.into_iter().map(|job| row(job, &ended)).collect();
    let failure = ended.into_iter().find_map(|one| one.outcome.err().map(|error| (one.job, error)));
    let word = if failure.is_some() { "FAILED" } else { "ok" };
    rows.push(["total".to_owned(), word.to_owned(), duration(started.elapsed())]);
    println!("\n{}", table::text(["job", "result", "time"], &rows));
    failure.map_or(Ok(()), |(job, source)| Err(Error::Job { job: job.name(), source: Box::new(source) }))
}

fn row(job: Job, ended: &[Ended]) -> [String; 3] {
    let [word, took] = match ended.iter().find(|one| one.job == job) {
        None => ["not run".to_owned(), String::new()],
        Some(Ended { took, outcome: Ok(()), .. }) => ["ok".to_owned(), duration(*took)],
        Some(Ended { took, .. }) => ["FAILED".to_owned(), duration(*took)],
    };
    [job.name().to_owned(), word, took]
}

/// Says when a job begins and how it ends.
fn told(job: Job, run: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    let name = job.name();
    println!("\n== {name}");
    let begun = Instant::now();
    let outcome = run();
    let word = if outcome.is_ok() { "ok" } else { "FAILED" };
    println!("== {name}: {word}, {}", duration(begun.elapsed()));
    outcome
}

/// Runs a job as a process of its own, so that each line it prints, by whatever program, gets its name.
fn apart(job: Job) -> Result<(), Error> {
    // Ends with us, whatever ends us. Cargo may have put another program where we were started from.
    let mut command = run::program("setpriv");
    command.args(["--pdeathsig", "TERM", &format!("/proc/{}/exe", std::process::id())]);
    command.args(["job", job.name()]);
    lines(&mut command, job.name())
}

/// Runs a command whose lines are printed with a name before them.
fn lines(command: &mut Command, name: &'static str) -> Result<(), Error> {
    let line = run::line(command);
    let start = |source| Error::Start { line: line.clone(), source };
    let (reader, writer) = std::io::pipe().map_err(start)?;
    command.stderr(writer.try_clone().map_err(start)?).stdout(Stdio::from(writer));
    let mut child = command.spawn().map_err(start)?;
    // Ours are the last open ends of the pipe but the child's.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    copy(reader, name);
    let status = child.wait().map_err(start)?;
    if status.success() { Ok(()) } else { Err(Error::Failed { line, status }) }
}

fn copy(from: impl Read, name: &str) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    // What cannot be read or printed is no reason to stop the job; how it ends is told by its status.
    while from.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
        let _ =
            writeln!(std::io::stdout().lock(), "{name:<9} | {}", String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_s_lines_and_its_end_are_heard() {
        lines(run::program("sh").args(["-c", "echo said; echo complained >&2"]), "job").unwrap();
        let error =
            lines(run::program("sh").args(["-c", "printf 'no end of line'; exit 3"]), "job").unwrap_err();
        assert!(error.to_string().ends_with("exit status: 3"), "{error}");
    }

    #[test]
    fn a_job_that_was_never_started_is_told() {
        let ended = [Ended { job: Job::Fmt, took: std::time::Duration::from_secs(2), outcome: Ok(()) }];
        assert_eq!(row(Job::Fmt, &ended), ["fmt", "ok", "2.0 s"]);
        assert_eq!(row(Job::Doc, &ended), ["doc", "not run", ""]);
    }
}
