//! `gpunode-agent inventory`

use clap::{Args, ValueEnum};

use super::Stop;
use super::check::LookArgs;
use crate::exit::Exit;
use crate::view;

#[derive(Debug, Args)]
pub(crate) struct InventoryArgs {
    #[command(flatten)]
    look: LookArgs,
    /// The form of the output
    #[arg(long, short, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    /// Columns and a summary, for people
    Table,
    /// The report of `check --json`
    Json,
    /// Comma-separated values with a heading
    Csv,
}

/// What is there says nothing of how well it is: the code is 0 whatever the findings are.
pub(super) fn run(args: &InventoryArgs) -> Result<Exit, Stop> {
    args.look.run(|report, paint| {
        let text = match args.output {
            Output::Table => view::inventory_table(report, paint),
            Output::Json => serde_json::to_string_pretty(report).unwrap_or_default(),
            Output::Csv => view::csv(report),
        };
        (text, Exit::Ok)
    })
}
