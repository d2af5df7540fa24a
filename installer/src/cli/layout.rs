//! `installer layout`.

use clap::ValueEnum;
use gpunode_host::catalog;
use gpunode_host::spec::EfaLayout;

use super::{Stop, err, out};
use crate::exit::Exit;
use crate::layout;

#[derive(Debug, clap::Args)]
pub(crate) struct LayoutArgs {
    /// For example p5en.48xlarge
    instance_type: String,
    /// `combined` is the older layout, with an address on every card
    #[arg(long, value_enum, default_value = "efa-only")]
    layout: Word,
    /// How many EFA interfaces; all that the type has where not given
    #[arg(long, value_name = "COUNT")]
    efa: Option<u32>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// [`EfaLayout`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Word {
    EfaOnly,
    Combined,
}

pub(super) fn run(args: &LayoutArgs) -> Result<(), Stop> {
    let Some(kind) = catalog::find(&args.instance_type) else {
        let hint = catalog::nearest(&args.instance_type).map_or_else(
            || format!("known types: {}", catalog::names().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean {near}?"),
        );
        err(format_args!("installer: {}: not in the catalogue; {hint}", args.instance_type));
        return Err(Exit::Usage);
    };
    let layout = match args.layout {
        Word::EfaOnly => EfaLayout::EfaOnly,
        Word::Combined => EfaLayout::Combined,
    };
    let interfaces = layout::interfaces(&kind, layout, args.efa).map_err(|error| {
        err(format_args!("installer: {error}"));
        Exit::Usage
    })?;
    if args.json {
        out(serde_json::json!({ "instanceType": kind.name, "interfaces": interfaces }));
    } else {
        out(layout::table(&interfaces).trim_end());
    }
    Ok(())
}
