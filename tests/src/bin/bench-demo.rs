//! `bench-demo AGENT [RUNS]`: first and second boots of the demo machine (p5.48xlarge: 8 disks, 32 EFA) on this machine's own
//! processor. Its commands are played and take next to no time, so what is left is what the agent adds to the commands
//! of a boot. Prints one line a value; values are those of the middle run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use gpunode_tests::agent::{finish, folder, program, text};
use gpunode_tests::chain::Chain;
use serde_json::Value;

/// One first run. Times in ms, memory in KiB.
struct Run {
    chain: Chain,
    /// Processor time, the making of the machine, the metadata service and the played programs left out.
    own_cpu: u64,
    rss_kib: u64,
    disks: String,
    /// A second run, which changes nothing: wall and processor time.
    again: [u64; 2],
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(agent) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: bench-demo AGENT [RUNS]");
        return ExitCode::from(2);
    };
    let count = arguments.next().and_then(|text| text.to_str()?.parse().ok()).unwrap_or(15);
    let runs: Option<Vec<_>> = (0..count).map(|_| run(&agent)).collect();
    if let Some(runs) = runs.filter(|runs| !runs.is_empty()) {
        print(runs);
        ExitCode::SUCCESS
    } else {
        eprintln!("bench-demo: a run did not say what it took");
        ExitCode::FAILURE
    }
}

/// On a disk-backed or memory-backed folder, as the tests have it.
fn run(agent: &Path) -> Option<Run> {
    let dir = folder();
    let first = once(agent, dir.path())?;
    let second = once(agent, dir.path())?;
    Some(Run { again: [second.chain.wall / 1000, second.own_cpu], ..first })
}

fn once(agent: &Path, dir: &Path) -> Option<Run> {
    let mut command = program(agent);
    command.args(["demo", "--json", "--dir", text(dir)]);
    let run = finish(&mut command);
    let report = run.report().0;
    let lines = run.stdout.lines().filter_map(|line| serde_json::from_str(line).ok());
    let event = |name| lines.clone().find(|line: &Value| line["event"] == name);
    let others = |name| event(name)?["cpuMs"].as_u64();
    let (made, others) = (event("machine")?, others("metadata-service")? + others("played-programs")?);
    let cpu = |of: &Value| of["own"]["cpuMs"].as_u64();
    Some(Run {
        chain: Chain::of(&report)?,
        own_cpu: cpu(&report)?.saturating_sub(cpu(&made)? + others),
        rss_kib: report["own"]["peakRssKib"].as_u64()?,
        disks: made["disks"].as_str()?.to_owned(),
        again: [0; 2],
    })
}

fn print(mut runs: Vec<Run>) {
    let middle = |value: fn(&Run) -> u64| {
        let mut values: Vec<_> = runs.iter().map(value).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or(0)
    };
    let added = |run: &Run| (run.chain.wall - run.chain.chain.min(run.chain.wall)) / 1000;
    let (added, own_cpu, rss_kib) = (middle(added), middle(|run| run.own_cpu), middle(|run| run.rss_kib));
    let [again, again_cpu] = [middle(|run| run.again[0]), middle(|run| run.again[1])];
    runs.sort_unstable_by_key(|run| run.chain.wall);
    let Some(run) = runs.get(runs.len() / 2) else {
        return;
    };
    println!("disks\t{}", run.disks);
    println!("wall time beside commands, ms\t{added}\t5 % of the longest chain");
    println!("within the budget for chains from, ms\t{}", added * 20);
    let [.., (what, value)] = run.chain.rows();
    println!("{what}\t{value}");
    let cpu = || runs.iter().map(|run| run.own_cpu);
    let (least, most) = (cpu().min().unwrap_or(0), cpu().max().unwrap_or(0));
    println!("own CPU, ms\t{own_cpu}\t50");
    println!("the same, least to most of {} runs\t{least} to {most}", runs.len());
    println!("a second run, wall and own CPU, ms\t{again}, {again_cpu}\t1000");
    println!("peak RSS, KiB\t{rss_kib}");
}
