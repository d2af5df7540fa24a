//! What the test bed's own programs measure: the demo on this machine, the installer beside the AWS CLI, and the agent in
//! a virtual machine beside a sequential shell script.

use std::path::Path;
use std::process::Command;

use super::Row;
use crate::error::Error;
use crate::place::Place;
use crate::run;

/// What the test bed's `program` prints about the agent: a name, a tab and a value on each line, and another tab and
/// the budget where there is one.
pub(super) fn rows(place: &Place, program: &str, agent: &Path) -> Result<Vec<Row>, Error> {
    read(start(place, program).arg("--").arg(agent), program)
}

/// The same about the installer, as the tests have it built.
pub(super) fn of_the_installer(place: &Place) -> Result<Vec<Row>, Error> {
    run::go(place.cargo("build").args(["--locked", "--quiet", "--package", "installer"]))?;
    let program = place.target.join("debug/installer");
    read(start(place, "bench-installer").env("GPUNODE_INSTALLER", program), "bench-installer")
}

fn start(place: &Place, program: &str) -> Command {
    let mut command = place.cargo("run");
    command.args(["--locked", "--quiet", "--package", "gpunode-tests", "--bin", program]);
    command
}

fn read(command: &mut Command, program: &str) -> Result<Vec<Row>, Error> {
    let text = run::read(command)?;
    let kind = program.trim_start_matches("bench-");
    let row = |line: &str| {
        let (what, rest) = line.split_once('\t')?;
        let (value, budget) = rest.split_once('\t').unwrap_or((rest, ""));
        Some(Row { what: format!("{kind}: {what}"), value: value.to_owned(), budget: budget.to_owned() })
    };
    Ok(text.lines().filter_map(row).collect())
}
