//! The ARNs of the command line.

use crate::cli::{Stop, err};
use crate::exit::Exit;
use crate::s3::{Grant, Grants};
use crate::settings::Settings;

/// Reads all of them, or tells every mistake. Nothing was asked yet.
pub(super) fn read(settings: &Settings, arns: &[String]) -> Result<Grants, Stop> {
    let (mut grants, mut mistakes) = (Grants::new(), Vec::new());
    for arn in arns {
        match Grant::parse(arn, settings.partition()) {
            Ok(grant) => {
                grants.insert(grant);
            }
            Err(error) => mistakes.push(error.to_string()),
        }
    }
    told(&mistakes, Exit::Usage)?;
    Ok(grants)
}

/// Ends with `exit` where there are mistakes.
pub(super) fn told(mistakes: &[String], exit: Exit) -> Result<(), Stop> {
    for mistake in mistakes {
        err(format_args!("installer: {mistake}"));
    }
    if mistakes.is_empty() { Ok(()) } else { Err(exit) }
}
