//! `gpunode-agent reference`: documentation made from the tables the program itself works by.

mod rules;
mod schema;

use std::fmt::Write as _;

use clap::Subcommand;
use gpunode_host::{reason, spec};

use crate::step::{STEPS, StepId};

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Topic {
    /// Every setting: key, environment variables, default, what is allowed
    Config,
    /// Every step: what it does and what it waits for
    Steps,
    /// Which node labels exist, and who gives them
    Labels,
    /// Every reason a finding of `bootstrap` can have
    Findings,
    /// Every rule of `check` and `watch`: how it is seen, when it counts, what ends it, what to do
    Rules,
    /// Every XID that NVIDIA's driver reports, and what it means for the node
    Xids,
    /// The NVLink 5 codes, 144 to 150, by unit, sub-code and error status
    Nvlink5,
    /// Every SXID, the errors of NVSwitches
    Sxids,
    /// The fields of the JSON that `check`, `inventory` and `watch` print
    CheckSchema,
}

impl Topic {
    pub(super) fn markdown(self) -> String {
        match self {
            Self::Config => spec::reference_markdown(),
            Self::Steps => steps(),
            Self::Labels => crate::steps::LABELS.to_owned(),
            Self::Findings => findings(),
            Self::Rules => rules::rules(),
            Self::Xids => rules::xids(),
            Self::Nvlink5 => rules::nvlink5(),
            Self::Sxids => rules::sxids(),
            Self::CheckSchema => schema::check_schema(),
        }
    }
}

fn steps() -> String {
    let mut text =
        String::from("| step | what it sees to | needs | after | deadline |\n|---|---|---|---|---|\n");
    for step in STEPS {
        let names = |ids: &[StepId]| ids.iter().map(|id| id.name()).collect::<Vec<_>>().join(", ");
        let after = if step.after.len() > 3 { "all others".to_owned() } else { names(step.after) };
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {after} | {} s |",
            step.name,
            step.about,
            names(step.needs),
            step.deadline_s
        );
    }
    text
}

fn findings() -> String {
    let mut text = String::from("| code | severity | what it means | what to do |\n|---|---|---|---|\n");
    for row in reason::ALL {
        let severity = format!("{:?}", row.severity).to_lowercase();
        let _ = writeln!(text, "| `{}` | {severity} | {} | {} |", row.code, row.about, row.action);
    }
    text
}

/// Text in a field of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// The word that JSON has for a value of one of our lists.
fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
