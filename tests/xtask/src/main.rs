//! `cargo xtask`: the one entry for checking, measuring and packaging this repository.
//!
//! CI runs the same commands as a person does; whatever a job needs on the machine, the job installs or names.

mod aarch64;
mod bench;
mod board;
mod chroot;
mod cli;
mod error;
mod fuzz;
mod image;
mod job;
mod metadata;
mod mirror;
mod package;
mod place;
mod prerequisites;
mod run;
mod stale;
mod table;
mod test;
mod tested;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::error::Error;
use crate::place::Place;

fn main() -> ExitCode {
    match dispatch(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {}", error::chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> Result<(), Error> {
    // A process of its own: it must not have had other children (see `bench::sample`).
    if let Command::Measure { runs, program } = command {
        return bench::sample::print(runs, &program);
    }
    let place = Place::find()?;
    // Its caller holds the lock.
    if let Command::Job { job } = command {
        return job.run(&place);
    }
    let _lock = place.lock()?;
    match command {
        Command::Test { only, at_once } => test::run(&place, &only, at_once),
        Command::Package { target } => package::run(&place, target),
        Command::Bench { runs, no_vm } => bench::run(&place, runs, !no_vm),
        Command::Image(args) => image::run(&place, &args),
        Command::Fuzz { seconds, target } => fuzz::run(&place, seconds, target.as_deref()),
        Command::Manifests => package::manifests(&place),
        Command::Readme => package::readme(&place),
        Command::Job { .. } | Command::Measure { .. } => Ok(()),
    }
}
