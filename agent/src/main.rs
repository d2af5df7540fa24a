//! `gpunode-agent`: turns an EC2 GPU instance into a Kubernetes node at boot, and tells how its devices are.

mod apart;
mod boot;
mod cli;
mod context;
mod demo;
mod downloads;
mod environment;
mod exit;
mod facts;
mod generalise;
mod guard;
mod journal;
mod lock;
mod log;
mod look;
mod os;
mod packages;
mod print;
mod progress;
mod report;
mod runner;
mod settings;
mod step;
mod steps;
mod unpack;
mod view;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    gpunode_monitor::one_heap();
    let args = match cli::Args::try_parse() {
        Ok(args) => args,
        Err(error) => return cli::mistake(&error, std::env::args_os().nth(1).as_deref()).into(),
    };
    match cli::run(args) {
        Ok(exit) => exit.into(),
        Err(stop) => {
            print::err(format_args!("gpunode-agent: {}", stop.message));
            stop.exit.into()
        }
    }
}
