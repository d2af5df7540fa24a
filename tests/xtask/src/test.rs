//! `cargo xtask test`: runs jobs in order, stops at the first that fails, and says what was not run.

use std::time::Instant;

use crate::error::Error;
use crate::job::Job;
use crate::place::Place;
use crate::table::{self, duration};

pub(crate) fn run(place: &Place, only: &[Job]) -> Result<(), Error> {
    let jobs = Job::plan(only);
    println!("target folder {}, cache {}", place.target.display(), place.cache.display());
    let started = Instant::now();
    let mut rows = Vec::with_capacity(jobs.len() + 1);
    let mut failure = None;
    for job in jobs {
        let name = job.name();
        if failure.is_some() {
            rows.push([name.to_owned(), "not run".to_owned(), String::new()]);
            continue;
        }
        println!("\n== {name}");
        let begun = Instant::now();
        let outcome = job.run(place);
        let took = duration(begun.elapsed());
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("== {name}: {word}, {took}");
        rows.push([name.to_owned(), word.to_owned(), took]);
        failure = outcome.err().map(|source| Error::Job { job: name, source: Box::new(source) });
    }
    let word = if failure.is_some() { "FAILED" } else { "ok" };
    rows.push(["total".to_owned(), word.to_owned(), duration(started.elapsed())]);
    println!("\n{}", table::text(["job", "result", "time"], &rows));
    failure.map_or(Ok(()), Err)
}
