//! Asks the carried probe once for everything, and prints what came and how long it took:
//! `cargo run -p gpunode-probe-client --example ask [ROOT]`.
#![allow(clippy::disallowed_methods, reason = "an example is a program of its own")]

use std::time::{Duration, Instant};

use gpunode_probe_client::{Probe, Settings, StartError};

const DEADLINE: Duration = Duration::from_secs(10);

fn main() -> Result<(), StartError> {
    let root = std::env::args_os().nth(1).map(Into::into);
    let mut probe = Probe::start(&Settings { root, ..Settings::default() })?;
    for slow in [true, false, false] {
        let begun = Instant::now();
        let outcome = probe.gpus(DEADLINE, &[], slow);
        let took = begun.elapsed();
        if slow {
            println!("{outcome:#?}");
        }
        let cpu = outcome.value().map(|sweep| sweep.cpu_us);
        println!(
            "sweep, slow {slow}: {took:?}, of it CPU in the probe {cpu:?} us, trouble {:?}",
            outcome.trouble()
        );
    }
    println!("{:#?}\n{:?}, run from {:?}", probe.events(DEADLINE, &[]), probe.hello(), probe.origin());
    let begun = Instant::now();
    println!("{:#?}\nlibfabric: {:?}", probe.interfaces(DEADLINE), begun.elapsed());
    Ok(())
}
