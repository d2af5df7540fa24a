//! `gpunode-agent`: turns an EC2 GPU instance into a Kubernetes node at boot.

mod boot;
mod cli;
mod context;
mod demo;
mod environment;
mod exit;
mod facts;
mod guard;
mod journal;
mod lock;
mod log;
mod os;
mod print;
mod progress;
mod report;
mod runner;
mod settings;
mod step;
mod steps;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = cli::Args::parse();
    match cli::run(args) {
        Ok(exit) => exit.into(),
        Err(stop) => {
            print::err(format_args!("gpunode-agent: {}", stop.message));
            stop.exit.into()
        }
    }
}
