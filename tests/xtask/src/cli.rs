//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::image::ImageArgs;
use crate::job::Job;
use crate::package::Arch;

/// Check, measure and package gpunode.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run every job, or only the named ones and what they need; starts none after one that fails.
    Test {
        /// Jobs to run, comma separated or repeated.
        #[arg(long, value_enum, value_delimiter = ',')]
        only: Vec<Job>,
        /// How many run side by side, each line with its job's name; 1: one after the other.
        #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
        at_once: u8,
    },
    /// Build the static release binaries and print their path, size and SHA-256.
    Package {
        /// The processor to build for; default: this machine's.
        #[arg(long, value_enum)]
        target: Option<Arch>,
    },
    /// Make a container image of a static binary, without a container engine; the same input gives the same digest.
    Image(ImageArgs),
    /// Measure the release binary: size, start-up time, CPU, memory.
    Bench {
        /// How many times each program is started.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        runs: u32,
        /// Leave out the comparison in a virtual machine, which takes some minutes and root.
        #[arg(long)]
        no_vm: bool,
    },
    /// Run fuzz targets of `tests/fuzz`; what they learn is kept for the next run.
    Fuzz {
        /// How long each target runs.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=86_400))]
        seconds: u32,
        /// The only target to run; default: every one.
        target: Option<String>,
    },
    /// Make the README's reference parts anew from the agent's own tables.
    Readme,
    /// Make anew what of `manifests` is made from the programs' own tables and rendered from the chart.
    Manifests,
    /// One job, for `test`.
    #[command(hide = true)]
    Job {
        #[arg(value_enum)]
        job: Job,
    },
    /// One process's measurements, for `bench`.
    #[command(hide = true)]
    Measure {
        #[arg(long)]
        runs: u32,
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        program: Vec<PathBuf>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn only_takes_a_list() {
        let cli = Cli::parse_from(["cargo xtask", "test", "--only", "fmt,clippy", "--only", "doc"]);
        let expected = [Job::Fmt, Job::Clippy, Job::Doc];
        assert!(matches!(cli.command, Command::Test { only, .. } if only == expected));
    }
}
