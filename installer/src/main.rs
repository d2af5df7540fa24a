//! `installer`: the cluster side. So far it shows the network layout that a launch template must have for a type; it
//! does not talk to AWS yet.

mod layout;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use gpunode_host::catalog;

/// Brings GPU node groups to an existing EKS cluster.
#[derive(Debug, Parser)]
#[command(name = "installer", version, about)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the network interfaces that a launch template for this instance type must list
    Layout {
        /// For example p5en.48xlarge
        instance_type: String,
    },
}

fn main() -> ExitCode {
    let Command::Layout { instance_type } = Args::parse().command;
    let Some(kind) = catalog::find(&instance_type) else {
        let known: Vec<_> = catalog::names().collect();
        eprintln!("installer: {instance_type}: not in the catalogue; known types: {}", known.join(", "));
        return ExitCode::from(2);
    };
    print!("{}", layout::table(&kind));
    ExitCode::SUCCESS
}
