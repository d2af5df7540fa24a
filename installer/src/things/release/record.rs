//! What helm keeps of each revision.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::launch_template::OWNER_TAG;

/// An operation that is not over after so long was killed: twice what helm gives itself, and more.
const STUCK: Duration = Duration::from_secs(15 * 60);

/// What helm writes on each revision's secret. Source: Helm, `pkg/storage/driver/secrets.go`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) path: String,
    pub(super) revision: u64,
    pub(super) owner: Option<String>,
    status: String,
    /// Seconds since 1970.
    changed: Option<u64>,
}

impl Record {
    pub(super) fn of(list: &str, secret: &Value) -> Self {
        let labels = &secret["metadata"]["labels"];
        let text = |name: &str| labels[name].as_str().map(str::to_owned);
        let number = |name: &str| labels[name].as_str().and_then(|text| text.parse().ok());
        Self {
            path: format!("{list}/{}", secret["metadata"]["name"].as_str().unwrap_or_default()),
            revision: number("version").unwrap_or(0),
            owner: text(OWNER_TAG),
            status: text("status").unwrap_or_default(),
            changed: number("modifiedAt").or_else(|| number("createdAt")),
        }
    }

    /// The status, and whether somebody is at work on it.
    pub(super) fn status(&self, now: SystemTime) -> (String, bool) {
        let at_work = self.status.starts_with("pending-") || self.status == "uninstalling";
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let old = self.changed.is_none_or(|changed| now.saturating_sub(changed) > STUCK.as_secs());
        if at_work && old { ("stuck".to_owned(), false) } else { (self.status.clone(), at_work) }
    }
}

/// The owner as a label's value, which takes no `/` and has 63 characters at most: beyond that clusters of one region
/// whose names begin alike look the same, and those are not in one Kubernetes cluster.
pub(super) fn label(owner: &str) -> String {
    let value: String = owner.replace('/', ".").chars().take(63).collect();
    value.trim_end_matches(['.', '-', '_']).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_operation_that_never_ends_is_given_up() {
        let secret = |status: &str, changed: &str| {
            json!({ "metadata": { "name": "sh.helm.release.v1.a.v3", "labels": {
                "version": "3", "status": status, "modifiedAt": changed, OWNER_TAG: "us-west-2.research" } } })
        };
        let now = UNIX_EPOCH + Duration::from_secs(10_000);
        let status = |status, changed| Record::of("/s", &secret(status, changed)).status(now);
        assert_eq!(status("deployed", "1"), ("deployed".to_owned(), false));
        assert_eq!(status("pending-upgrade", "9900"), ("pending-upgrade".to_owned(), true));
        assert_eq!(status("pending-upgrade", "9000"), ("stuck".to_owned(), false));
        assert_eq!(status("pending-install", ""), ("stuck".to_owned(), false));
        let record = Record::of("/s", &secret("failed", "1"));
        assert_eq!((record.path.as_str(), record.revision), ("/s/sh.helm.release.v1.a.v3", 3));
        assert_eq!(record.owner, Some(label("us-west-2/research")));
        assert_eq!(Record::of("/s", &json!({})).revision, 0);
    }

    #[test]
    fn labels_are_what_kubernetes_takes() {
        let long = label(&format!("us-west-2/{}-x", "a".repeat(52)));
        assert_eq!(long.len(), 62, "{long}");
        assert!(long.ends_with('a'));
    }
}
