//! Start-up cost of a short command: wall time, CPU time and largest memory over many runs.
//!
//! The kernel keeps one sum and one maximum for all children of a process, so the runs are counted in a process
//! that has no others: the hidden command `measure`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use super::{Row, mebibytes};
use crate::error::Error;
use crate::run;

/// `gpunode-agent --version`.
pub(super) fn startup(agent: &Path, runs: u32) -> Result<Vec<Row>, Error> {
    let this = std::env::current_exe().map_err(Error::file("find", "this program"))?;
    let mut command = run::program(this);
    command.args(["measure", "--runs", &runs.to_string(), "--"]).arg(agent).arg("--version");
    let text = run::read(&mut command)?;
    let wrong = || Error::Output { line: run::line(&command), what: text.clone() };
    let numbers: Option<Vec<u64>> = text.split_whitespace().map(|word| word.parse().ok()).collect();
    let [wall, cpu, memory, floor] = numbers.ok_or_else(wrong)?[..] else {
        return Err(wrong());
    };
    let name = |what: &str| format!("--version: {what}, {runs} runs");
    // A child begins as a copy of its parent, and the kernel's maximum remembers that.
    let at_most = if memory <= floor { "at most " } else { "" };
    Ok(vec![
        Row { what: name("median wall time"), value: milliseconds(wall), budget: String::new() },
        Row { what: name("median user + system CPU"), value: milliseconds(cpu), budget: String::new() },
        Row {
            what: name("largest RSS"),
            value: format!("{at_most}{}", mebibytes(memory)),
            budget: String::new(),
        },
    ])
}

/// Runs the program and prints four numbers: median wall time in µs, median CPU time in µs, largest resident
/// memory of any run in bytes, and our own, below which that number cannot be.
pub(crate) fn print(runs: u32, program: &[PathBuf]) -> Result<(), Error> {
    let [name, arguments @ ..] = program else {
        return Err(Error::Advice("measure: no program given".to_owned()));
    };
    let mut wall = Vec::new();
    let mut cpu = Vec::new();
    let mut before = children()?.0;
    for _ in 0..runs {
        let started = Instant::now();
        let mut command = run::program(name);
        let status = command.args(arguments).stdout(Stdio::null()).status();
        let elapsed = started.elapsed();
        let line = run::line(&command);
        let status = status.map_err(|source| Error::Start { line: line.clone(), source })?;
        if !status.success() {
            return Err(Error::Failed { line, status });
        }
        wall.push(elapsed);
        let after = children()?.0;
        cpu.push(after.saturating_sub(before));
        before = after;
    }
    let own = getrusage(UsageWho::RUSAGE_SELF).map_err(Error::Usage)?;
    let [wall, cpu] = [wall, cpu].map(|times| median(times).as_micros());
    println!("{wall} {cpu} {} {}", children()?.1, kibibytes(own.max_rss()));
    Ok(())
}

/// CPU time of all ended children so far, and the largest resident memory of any in bytes.
fn children() -> Result<(Duration, u64), Error> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(Error::Usage)?;
    let time = (usage.user_time() + usage.system_time()).num_microseconds();
    Ok((Duration::from_micros(time.unsigned_abs()), kibibytes(usage.max_rss())))
}

/// The kernel counts resident memory in KiB.
fn kibibytes(count: i64) -> u64 {
    count.unsigned_abs() * 1024
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(micros: u64) -> String {
    format!("{}.{:03} ms", micros / 1000, micros % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_ignores_an_outlier() {
        let times = [3, 900, 1].map(Duration::from_millis).to_vec();
        assert_eq!(median(times), Duration::from_millis(3));
        assert_eq!(median(Vec::new()), Duration::ZERO);
    }

    #[test]
    fn microseconds_are_shown_as_milliseconds() {
        assert_eq!(milliseconds(12_034), "12.034 ms");
    }
}
