//! `installer`: see the library.

use std::process::ExitCode;

use clap::Parser;
use installer::cli;

fn main() -> ExitCode {
    match cli::Args::try_parse() {
        Ok(args) => cli::run(args),
        Err(error) => cli::mistake(&error),
    }
    .into()
}
