//! The agent beside a sequential shell script, in one boot of one virtual machine.

use std::path::Path;

use super::Row;
use crate::error::Error;
use crate::place::Place;
use crate::run;

/// What the test bed's `bench-vm` prints: a name, a tab and a value on each line.
pub(super) fn rows(place: &Place, agent: &Path) -> Result<Vec<Row>, Error> {
    let mut command = place.cargo("run");
    command.args(["--locked", "--quiet", "--package", "gpunode-tests", "--bin", "bench-vm", "--"]).arg(agent);
    let text = run::read(&mut command)?;
    let rows = text.lines().filter_map(|line| line.split_once('\t'));
    Ok(rows
        .map(|(what, value)| Row { what: format!("VM: {what}"), value: value.to_owned(), budget: "" })
        .collect())
}
