//! `installer config`.

use clap::Subcommand;
use serde_json::json;

use super::{Common, Stop, out};
use crate::environment;
use crate::exit::Exit;
use crate::settings::{self, File};

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say every mistake at once
    Check(Output),
    /// Show every value, and where it came from
    Show(Output),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Output {
    #[command(flatten)]
    common: Common,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &ConfigCommand) -> Result<(), Stop> {
    match command {
        ConfigCommand::Check(args) if args.json => check_json(&args.common),
        ConfigCommand::Check(args) => {
            args.common.load()?;
            out("the settings can be used");
            Ok(())
        }
        ConfigCommand::Show(args) => {
            let loaded = args.common.load()?;
            if args.json {
                out(
                    json!({ "apiVersion": "gpunode.io/installer-settings/v1", "settings": loaded.provenance }),
                );
            } else {
                out(loaded.provenance.table().trim_end());
            }
            Ok(())
        }
    }
}

fn check_json(common: &Common) -> Result<(), Stop> {
    let file = common.read()?;
    let given = file.as_ref().map(|(path, text)| File { path, text });
    let (mistakes, more) = match settings::load(given, &environment::pairs()) {
        Ok(_) => (Vec::new(), 0),
        Err(errors) => (errors.mistakes, errors.more),
    };
    let usable = mistakes.is_empty();
    out(json!({
        "apiVersion": "gpunode.io/installer-check/v1",
        "usable": usable,
        "mistakes": mistakes,
        "more": more,
    }));
    if usable { Ok(()) } else { Err(Exit::Settings) }
}
