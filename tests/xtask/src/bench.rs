//! `cargo xtask bench`: numbers about the release agent, each beside its budget, and about the installer.

mod bed;
pub(crate) mod sample;

use std::fs;
use std::path::Path;

use crate::error::Error;
use crate::package::{self, Arch};
use crate::place::Place;
use crate::table;

/// One measured value.
pub(crate) struct Row {
    what: String,
    value: String,
    /// What it must stay under, or empty.
    budget: String,
}

/// A group of measurements of the program at the path, started as often as told.
type Measure = fn(&Path, u32) -> Result<Vec<Row>, Error>;

/// Every group, in the order printed.
const GROUPS: [Measure; 2] = [size, sample::startup];

pub(crate) fn run(place: &Place, runs: u32, vm: bool) -> Result<(), Error> {
    package::native(place)?;
    let agent = package::agent(place, Arch::native()?.gnu());
    let mut rows = Vec::new();
    for group in GROUPS {
        rows.extend(group(&agent, runs)?);
    }
    rows.extend(bed::rows(place, "bench-demo", &agent)?);
    rows.extend(bed::of_the_installer(place)?);
    if vm {
        rows.extend(bed::rows(place, "bench-vm", &agent)?);
    }
    let rows: Vec<_> = rows.into_iter().map(|row| [row.what, row.value, row.budget]).collect();
    println!("\n{}", table::text(["what", "value", "budget"], &rows));
    Ok(())
}

fn size(agent: &Path, _runs: u32) -> Result<Vec<Row>, Error> {
    let bytes = fs::metadata(agent).map_err(Error::file("read", agent))?.len();
    Ok(vec![Row { what: "binary size".to_owned(), value: mebibytes(bytes), budget: "8.00 MiB".to_owned() }])
}

/// Bytes as MiB with two decimals.
fn mebibytes(bytes: u64) -> String {
    let hundredths = bytes * 100 / (1 << 20);
    format!("{}.{:02} MiB", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_two_decimals() {
        assert_eq!(mebibytes(8 << 20), "8.00 MiB");
        assert_eq!(mebibytes((1 << 20) + (1 << 19)), "1.50 MiB");
    }
}
