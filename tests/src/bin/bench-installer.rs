//! `bench-installer [ROUNDS]`: `installer plan` and an `apply` that finds nothing to do, against an emulated account with
//! everything in it, and the same look-ups by the AWS CLI, one after the other. The program is `GPUNODE_INSTALLER`.
//! Prints one line a value; times are those of the middle round, the lowest and the highest in brackets. Both speak to
//! the emulator through one proxy, which counts. The emulator answers at once: on the way to AWS, where an answer takes
//! its time, what is asked side by side gains more.
#![allow(clippy::expect_used, reason = "a bench whose account cannot be built has failed")]

use std::process::Command;
use std::time::{Duration, Instant};

use gpunode_tests::aws::{ALL, Bed, Fault, Proxy, command};
use gpunode_tests::python;

fn main() {
    let rounds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(3);
    let bed = Bed::new(1);
    assert_eq!(bed.run(&["apply", "--yes"], &ALL).code, Some(0), "the account cannot be built");
    let (mut plans, mut applies, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    let mut counts = [0; 3];
    for _ in 0..rounds {
        // In turn, so that what others do on this machine meets all three.
        let proxy = Proxy::start(|_, _| Fault::None).expect("a proxy");
        plans.push(installer(&bed, &proxy, &["plan", "--detailed-exitcode"]));
        counts[0] = proxy.calls().len();
        let looks = Proxy::start(|_, _| Fault::None).expect("a proxy");
        applies.push(installer(&bed, &looks, &["apply", "--yes"]));
        counts[1] = looks.calls().len();
        counts[2] = looks.mutating();
        lines.push(by_the_cli(&bed, &proxy));
    }
    let middle = |times: &[Duration]| times.get(times.len() / 2).copied().unwrap_or_default().as_secs_f64();
    for times in [&mut plans, &mut applies, &mut lines] {
        times.sort_unstable();
    }
    println!("plan\t{}, {} calls", shown(&plans), counts[0]);
    println!(
        "apply with nothing to do\t{}, {} calls, {} of them change something\t0",
        shown(&applies),
        counts[1],
        counts[2]
    );
    println!("the same look-ups by the AWS CLI, one after the other\t{}", shown(&lines));
    println!("a start of the AWS CLI that asks nothing\t{}", shown(&starts(&bed)));
    println!("the CLI's time over the plan's\t{:.0}", middle(&lines) / middle(&plans));
    println!("shared\tothers use the same processors; the middle of {rounds} rounds (lowest to highest)");
}

fn shown(times: &[Duration]) -> String {
    let at = |place: usize| times.get(place).copied().unwrap_or_default().as_secs_f64();
    format!("{:.2} s ({:.2} to {:.2})", at(times.len() / 2), at(0), at(times.len() - 1))
}

fn installer(bed: &Bed, proxy: &Proxy, words: &[&str]) -> Duration {
    let since = Instant::now();
    let told = bed.run_through(proxy, words, &ALL);
    let time = since.elapsed();
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(proxy.mutating(), 0, "{told:?}");
    time
}

/// `aws --version`, which loads what each command loads.
fn starts(bed: &Bed) -> Vec<Duration> {
    let start = |_| {
        let since = Instant::now();
        assert!(cli(bed).arg("--version").output().expect("the AWS CLI").status.success());
        since.elapsed()
    };
    let mut times: Vec<_> = (0..9).map(start).collect();
    times.sort_unstable();
    times
}

/// The AWS CLI for the account.
#[expect(clippy::disallowed_methods, reason = "a bench's programs are not the product's")]
fn cli(bed: &Bed) -> Command {
    let mut cli = Command::new(python::aws_cli());
    cli.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", bed.folder());
    cli.env("AWS_DEFAULT_REGION", "us-west-2").env("AWS_ACCESS_KEY_ID", bed.account());
    cli.env("AWS_SECRET_ACCESS_KEY", "none");
    cli
}

/// Makes the calls that came to `asked` again, each by the AWS CLI.
fn by_the_cli(bed: &Bed, asked: &Proxy) -> Duration {
    let all = asked.calls();
    let lines: Vec<_> = all.iter().map(|call| (call, command(call).expect(&call.operation))).collect();
    let proxy = Proxy::start(|_, _| Fault::None).expect("a proxy");
    let since = Instant::now();
    for (call, words) in &lines {
        // The place is said on the line: for SQS the CLI does not take it from the environment.
        let output = cli(bed).args(words).args(["--endpoint-url", &proxy.url()]).output();
        let output = output.expect("the AWS CLI");
        // 254: AWS said no, as it did to the installer where something is not there.
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(output.status.code(), Some(0 | 254)), "{words:?} for {call:?}: {said}");
    }
    let time = since.elapsed();
    let operations = |proxy: &Proxy| proxy.calls().into_iter().map(|call| call.operation).collect::<Vec<_>>();
    assert_eq!(operations(&proxy), operations(asked), "the CLI made other calls");
    time
}
