//! What a rule saw.

use super::{Rule, Subject};

/// One rule's signs on one subject, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The rule.
    pub rule: &'static Rule,
    /// What it is about.
    pub subject: Subject,
    /// What was seen and what was expected. It stays the same as long as nothing changes: no times, no counts that
    /// move, since every change of a message is a write to the API server.
    pub message: String,
}

impl Sighting {
    /// `rule`'s signs on `subject`.
    pub fn new(rule: &'static Rule, subject: Subject, message: impl Into<String>) -> Self {
        Self { rule, subject, message: message.into() }
    }
}
