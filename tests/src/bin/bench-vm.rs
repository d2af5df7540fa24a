//! `bench-vm AGENT [ROUNDS [REPORT]]`: the agent beside a plain shell script that runs the same commands one after the
//! other, in turn, in one boot of one virtual machine, and beside the longest chain of its own commands. Prints one
//! line a value; the report of the middle round, with the times of all commands, goes to the file REPORT.

use std::path::PathBuf;
use std::process::ExitCode;

use gpunode_tests::chain::Chain;
use gpunode_tests::node::{CONFIG, LONG, user_data};
use gpunode_tests::vm::{Disk, Error, Vm};
use serde_json::Value;

/// What the agent does on this machine, written as one would write it by hand. Wall time in ms on standard output.
const SCRIPT: &str = include_str!("../bench/plain.sh");
/// Back to blank disks and a machine that was never prepared.
const RESET: &str = include_str!("../bench/reset.sh");

/// Times of one round, in ms.
struct Round {
    agent: u64,
    script: u64,
    again: u64,
    again_cpu: u64,
    own_cpu: u64,
    rss_kib: u64,
    chain: Chain,
    report: Value,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(agent) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: bench-vm AGENT [ROUNDS]");
        return ExitCode::from(2);
    };
    let rounds = arguments.next().and_then(|text| text.to_str()?.parse().ok()).unwrap_or(5);
    match measure(agent, rounds) {
        Ok(mut rounds) => {
            print(&rounds);
            rounds.sort_unstable_by_key(|round| round.chain.per_mille());
            let middle = rounds.get(rounds.len() / 2);
            middle.map_or(ExitCode::FAILURE, |round| explain(round, arguments.next().map(PathBuf::from)))
        }
        Err(error) => {
            eprintln!("bench-vm: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(agent: PathBuf, rounds: usize) -> Result<Vec<Round>, Error> {
    let builder = Vm::builder().processors(2).file("gpunode-agent", agent).user_data(user_data(CONFIG));
    let disks =
        ["AWSBENCH000000000001", "AWSBENCH000000000002", "AWSBENCH000000000003", "AWSBENCH000000000004"];
    let vm =
        disks.iter().fold(builder, |builder, serial| builder.disk(Disk::instance_store(serial, 1))).boot()?;
    // The first of each warms the caches and is not counted.
    (0..=rounds).map(|_| round(&vm)).skip(1).collect()
}

fn round(vm: &Vm) -> Result<Round, Error> {
    let first = bootstrap(vm)?;
    let second = bootstrap(vm)?;
    vm.run(RESET, LONG)?.ok()?;
    let script = vm.run(SCRIPT, LONG)?.ok()?;
    vm.run(RESET, LONG)?.ok()?;
    let number =
        |report: &Value, path: &str| report.pointer(path).and_then(Value::as_u64).unwrap_or(u64::MAX);
    let chain =
        Chain::of(&first).ok_or_else(|| Error::Description(format!("no times in the report: {first}")))?;
    Ok(Round {
        chain,
        agent: number(&first, "/elapsedMs"),
        script: script.lines().last().and_then(|line| line.parse().ok()).unwrap_or(u64::MAX),
        again: number(&second, "/elapsedMs"),
        again_cpu: number(&second, "/own/cpuMs"),
        own_cpu: number(&first, "/own/cpuMs"),
        rss_kib: number(&first, "/own/peakRssKib"),
        report: first,
    })
}

fn bootstrap(vm: &Vm) -> Result<Value, Error> {
    let text = vm.run("/run/bed/files/gpunode-agent bootstrap --json", LONG)?.ok()?;
    let last = text.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok());
    Ok(last.map(|mut line| line["report"].take()).unwrap_or_default())
}

fn print(rounds: &[Round]) {
    let middle = |value: fn(&Round) -> u64| {
        let mut values: Vec<_> = rounds.iter().map(value).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or(0)
    };
    let ratio = |round: &Round| round.agent * 100 / round.script.max(1);
    println!("agent, first run, wall, ms\t{}", middle(|round| round.agent));
    println!("sequential script, wall, ms\t{}", middle(|round| round.script));
    println!("agent over script, percent, round by round\t{}", middle(ratio));
    println!("agent, second run, wall, ms\t{}", middle(|round| round.again));
    println!("agent, second run, own CPU under emulation, ms\t{}", middle(|round| round.again_cpu));
    println!("agent, first run, own CPU under emulation, ms\t{}", middle(|round| round.own_cpu));
    println!("agent, first run, peak RSS, KiB\t{}", middle(|round| round.rss_kib));
}

/// Where the time of a round went that is not in the longest chain of commands.
fn explain(round: &Round, report: Option<PathBuf>) -> ExitCode {
    for (what, value) in round.chain.rows() {
        println!("{what}\t{value}");
    }
    let written = report.map_or(Ok(()), |path| std::fs::write(path, format!("{:#}\n", round.report)));
    if let Err(error) = &written {
        eprintln!("bench-vm: the report was not written: {error}");
    }
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
