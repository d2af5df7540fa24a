//! `gpunode-daemonset`: reports the node's health to the cluster. So far it reads the boot report and shows the node
//! condition that follows from it; it does not talk to an API server yet.

mod condition;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use gpunode_host::Root;

/// Reports the health of a GPU node.
#[derive(Debug, Parser)]
#[command(name = "gpunode-daemonset", version, about)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the node condition NodeBootstrapped that the agent's last boot report stands for, as JSON
    Condition {
        /// The node's file tree
        #[arg(long, value_name = "DIR", default_value = "/")]
        root: PathBuf,
    },
}

fn main() -> ExitCode {
    let Command::Condition { root } = Args::parse().command;
    match condition::bootstrapped(&Root::new(root)) {
        Ok(condition) => {
            println!("{condition:#}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("gpunode-daemonset: {error}: {}", error.source);
            ExitCode::from(3)
        }
    }
}
