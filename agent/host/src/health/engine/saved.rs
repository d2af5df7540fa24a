//! The findings in a file, so that a program that is started again does not turn a sick node healthy.

use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::{Engine, Source, Subject};
use crate::forward;
use crate::health::rules;

/// What an [`Engine`] knows, to be kept for the same boot.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Saved {
    /// `/proc/sys/kernel/random/boot_id` when it was saved. Nothing of an earlier boot is true in this one.
    pub boot_id: String,
    #[serde(deserialize_with = "forward::known")]
    findings: Vec<Finding>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    pub(super) code: String,
    pub(super) subject: Subject,
    pub(super) source: Source,
    pub(super) event: bool,
    pub(super) message: String,
    pub(super) last_boot_ms: u64,
    pub(super) since_unix_ms: u64,
}

impl Engine {
    /// What stands now.
    pub fn save(&self, boot_id: &str) -> Saved {
        let findings = self.entries.values().filter(|entry| entry.open).map(Entry::saved).collect();
        Saved { boot_id: boot_id.to_owned(), findings }
    }

    /// What stood when the program ended, as far as it is of this boot and this version still knows the rule. What a
    /// look has to show is stale until one does.
    pub fn restore(saved: Saved, boot_id: &str) -> Self {
        let mut engine = Self::default();
        if saved.boot_id != boot_id {
            return engine;
        }
        for finding in saved.findings {
            let Some(rule) = rules::find(&finding.code) else { continue };
            let key = (rule.code, finding.subject.kind(), finding.subject.id().to_owned());
            engine.entries.insert(key, Entry::restored(rule, finding));
        }
        engine
    }
}
