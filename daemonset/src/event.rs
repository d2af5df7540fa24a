//! One event about the node, as it is told.

use gpunode_host::Severity;
use gpunode_host::health::{Change, Present};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::names::{CONTROLLER, EVENTS_NAMESPACE};
use crate::text;

/// Bytes of a node's name that an event's name carries: names have 253, and a dot and the hash need 17.
const NAME: usize = 230;

/// Something that happened to the node's devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// The finding's code, or the code with `Cleared` behind it.
    pub reason: String,
    /// Whether it is `Warning` or `Normal`.
    pub warning: bool,
    /// What was found, where, and what to do.
    pub note: String,
    /// `Found` or `Cleared`.
    pub action: String,
    /// When, in milliseconds since 1970.
    pub at_unix_ms: u64,
}

impl Told {
    /// What a change says, at `now`; `None` where it says nothing new: other words for the same finding, or the end of
    /// something that was only worth knowing.
    pub fn of(change: &Change, now_unix_ms: u64) -> Option<Self> {
        match change {
            Change::Appeared(finding) => Some(Self::found(finding)),
            Change::Altered(_) => None,
            Change::Gone(finding) if finding.severity == Severity::Info => None,
            Change::Gone(finding) => Some(Self::gone(finding, now_unix_ms)),
        }
    }

    fn found(finding: &Present) -> Self {
        let note = format!("{}: {}. {}", finding.subject, finding.message, finding.action);
        Self {
            reason: finding.code.to_owned(),
            warning: finding.severity > Severity::Info,
            note: text::cut(&note, text::MESSAGE).to_owned(),
            action: "Found".to_owned(),
            at_unix_ms: finding.since_unix_ms,
        }
    }

    fn gone(finding: &Present, now_unix_ms: u64) -> Self {
        let note = format!("{}: over: {}", finding.subject, finding.message);
        Self {
            reason: format!("{}Cleared", finding.code),
            warning: false,
            note: text::cut(&note, text::MESSAGE).to_owned(),
            action: "Cleared".to_owned(),
            at_unix_ms: now_unix_ms,
        }
    }

    /// The event's name: the same for the same words on the same node in the same boot, so that a program that was
    /// started again goes on with the series. All that the API does not let change is in the hash.
    pub fn name(&self, node: &str, boot_id: &str) -> String {
        let mut hash = Sha256::new();
        for part in [boot_id, &self.reason, &self.action, &self.note] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let hash = hash.finalize().iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        format!("{}.{hash:016x}", text::cut(node, NAME).trim_end_matches(['.', '-']))
    }
}

/// About whom events are, and from whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct From<'a> {
    /// The node.
    pub node: &'a str,
    /// Its UID, where an answer of the API server has told it.
    pub uid: Option<&'a str>,
    /// The pod, or the node where there is none.
    pub instance: &'a str,
}

/// A new event, as the API takes it.
pub(crate) fn create(told: &Told, name: &str, first_unix_ms: u64, from: &From<'_>) -> Value {
    json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": EVENTS_NAMESPACE},
        "eventTime": text::micro_time(first_unix_ms),
        "reportingController": CONTROLLER,
        "reportingInstance": text::cut(from.instance, 128),
        "action": told.action,
        "reason": text::cut(&told.reason, 128),
        "regarding": regarding(from),
        "note": text::cut(&told.note, text::MESSAGE),
        "type": if told.warning { "Warning" } else { "Normal" },
    })
}

/// That it happened again: all that the API lets change of an event. A series of one is none.
pub(crate) fn series(count: u64, last_unix_ms: u64) -> Value {
    json!({"series": {"count": count.max(2), "lastObservedTime": text::micro_time(last_unix_ms)}})
}

fn regarding(from: &From<'_>) -> Value {
    let mut node = json!({"apiVersion": "v1", "kind": "Node", "name": from.node});
    if let Some(uid) = from.uid {
        node["uid"] = uid.into();
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpunode_host::kubernetes::qualified_name;
    use proptest::prelude::*;

    fn told(note: &str) -> Told {
        Told {
            reason: "Xid79".into(),
            warning: true,
            note: note.into(),
            action: "Found".into(),
            at_unix_ms: 1,
        }
    }

    #[test]
    fn the_same_words_in_the_same_boot_have_the_same_name() {
        let name = told("a").name("node-1", "boot");
        assert_eq!(name, told("a").name("node-1", "boot"));
        assert!(name.starts_with("node-1.") && name.len() == "node-1.".len() + 16, "{name}");
        for other in [told("b").name("node-1", "boot"), told("a").name("node-1", "next")] {
            assert_ne!(name, other);
        }
    }

    #[test]
    fn a_series_is_of_two_at_least() {
        assert_eq!(series(1, 0)["series"]["count"], 2);
    }

    proptest! {
        #[test]
        fn names_are_those_of_objects(node in "[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", note in ".{0,20}") {
            let name = told(&note).name(&node, "boot");
            prop_assert!(name.len() <= 253);
            let last = name.rsplit('.').next().unwrap_or_default();
            prop_assert_eq!(qualified_name(last), Ok(()));
        }
    }
}
