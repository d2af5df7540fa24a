//! What the test bed's own programs measure: the demo on this machine, and the agent in a virtual machine beside a
//! sequential shell script.

use std::path::Path;

use super::Row;
use crate::error::Error;
use crate::place::Place;
use crate::run;

/// What the test bed's `program` prints about the agent: a name, a tab and a value on each line, and another tab and
/// the budget where there is one.
pub(super) fn rows(place: &Place, program: &str, agent: &Path) -> Result<Vec<Row>, Error> {
    let mut command = place.cargo("run");
    command.args(["--locked", "--quiet", "--package", "gpunode-tests", "--bin", program, "--"]).arg(agent);
    let text = run::read(&mut command)?;
    let kind = program.trim_start_matches("bench-");
    let row = |line: &str| {
        let (what, rest) = line.split_once('\t')?;
        let (value, budget) = rest.split_once('\t').unwrap_or((rest, ""));
        Some(Row { what: format!("{kind}: {what}"), value: value.to_owned(), budget: budget.to_owned() })
    };
    Ok(text.lines().filter_map(row).collect())
}
