//! The desired-state engine: what must be there, what is there, and what brings the one to the other.
//!
//! It decides and does nothing: [`Run`] hands out requests as values and is told the answers, so the program that
//! talks to a cloud stays one thin loop, and every order of answers, every loss of one and every end of the process
//! can be tried in tests. There is no state to lose: a run that begins anew reads everything again.

mod call;
mod change;
mod graph;
mod plan;
mod run;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

pub use call::{Answer, Call, Outcome, Request, Task};
pub use change::{Change, Difference, diff};
pub use graph::{Graph, GraphError};
pub use plan::{Plan, Row};
pub use run::{ATTEMPTS, Run};

/// One thing that must be there, or must not.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// Its name among all; it is stable from run to run.
    pub id: String,
    /// What kind of thing, for people and for whoever makes the calls.
    pub kind: &'static str,
    /// Whether it must be there. What must not and is ours is removed; others' is not even told.
    pub wanted: bool,
    /// What has to be there first.
    pub needs: BTreeSet<String>,
    /// What has to be gone first where this one must be there: the two cannot be there at once.
    pub replaces: BTreeSet<String>,
    /// How it must be. What this does not name may be anything: services add defaults of their own.
    pub desired: Value,
    /// Names at the top of `desired` that cannot change once it is there.
    pub fixed: BTreeSet<&'static str>,
}

/// What is there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Seen {
    /// Nothing of that name.
    Absent,
    /// Something.
    Present {
        /// The value of its ownership tag.
        owner: Option<String>,
        /// How it is.
        value: Value,
    },
}
