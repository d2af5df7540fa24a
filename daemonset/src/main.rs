//! `gpunode-daemonset`: reports the health of a GPU node to its cluster.

use std::process::ExitCode;

fn main() -> ExitCode {
    gpunode_daemonset::cli::main()
}
