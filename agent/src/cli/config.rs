//! `gpunode-agent config check | show`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use gpunode_host::spec::{NodeSpec, Provenance, contradictions};
use gpunode_host::user_data;

use super::{Common, Stop, inputs};
use crate::exit::Exit;
use crate::print;
use crate::step::chain;

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check every source of the configuration; all mistakes are told at once
    Check(Source),
    /// Show the merged configuration, and where each value came from
    Show(ShowArgs),
}

#[derive(Debug, Args)]
pub(crate) struct Source {
    #[command(flatten)]
    common: Common,
    /// User data to merge in, as it stands in the launch template (MIME or not, gzip or not)
    #[arg(long, value_name = "FILE")]
    user_data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    source: Source,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &ConfigCommand) -> Result<Exit, Stop> {
    match command {
        ConfigCommand::Check(source) => {
            source.checked()?;
            print::product("The configuration is good.")?;
        }
        ConfigCommand::Show(args) => {
            let provenance = args.source.merged()?;
            if args.json {
                print::product(&serde_json::to_string_pretty(&provenance).unwrap_or_default())?;
            } else {
                print::product(&provenance.table())?;
            }
        }
    }
    Ok(Exit::Ok)
}

impl Source {
    /// What was merged, where nothing in it contradicts itself.
    fn checked(&self) -> Result<(), Stop> {
        let (spec, provenance) = self.both()?;
        let errors = contradictions(&spec, &provenance);
        if errors.is_empty() { Ok(()) } else { Err(Stop::usage(errors.to_string())) }
    }

    fn merged(&self) -> Result<Provenance, Stop> {
        self.both().map(|(_, provenance)| provenance)
    }

    /// All sources together, so that the mistakes of each are told beside those of the others.
    fn both(&self) -> Result<(NodeSpec, Provenance), Stop> {
        let parts = match &self.user_data {
            Some(path) => {
                let raw = inputs::read_named(path)?;
                user_data::parse(&raw).map_err(|error| Stop::usage(chain(&error)))?
            }
            None => Vec::new(),
        };
        let merged = self.common.inputs()?.merge(&parts);
        merged.map_err(|errors| Stop::usage(errors.to_string()))
    }
}
