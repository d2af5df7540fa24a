//! What has to be done about one resource.

use serde::Serialize;
use serde_json::Value;

use super::{Resource, Seen};

/// What has to be done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "change")]
pub enum Change {
    /// It is as it must be.
    Nothing,
    /// It is not there.
    Create,
    /// It is ours and differs.
    Update {
        /// In what.
        differences: Vec<Difference>,
    },
    /// It is ours and must not be there any more.
    Delete,
    /// It cannot be brought about without harm.
    Refuse {
        /// Why, and what somebody could do.
        reason: String,
    },
}

/// One value that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// JSON pointer.
    pub path: String,
    /// What is there; null where nothing is.
    pub from: Value,
    /// What must be there.
    pub to: Value,
}

/// What has to be done about `resource`, which is `seen`, on behalf of `owner`. What carries another owner's tag or
/// none is never touched, also where it is as it must be: its owner may change or remove it.
pub fn diff(resource: &Resource, seen: &Seen, owner: &str) -> Change {
    let Seen::Present { owner: theirs, value } = seen else {
        return if resource.wanted { Change::Create } else { Change::Nothing };
    };
    if !resource.wanted {
        return if theirs.as_deref() == Some(owner) { Change::Delete } else { Change::Nothing };
    }
    if theirs.as_deref() != Some(owner) {
        let whose = theirs.as_ref().map_or("nobody's by its tags".to_owned(), |theirs| format!("{theirs}'s"));
        let reason = format!("{} exists and is {whose}, not {owner}'s", resource.id);
        return Change::Refuse { reason };
    }
    let mut differences = Vec::new();
    compare(String::new(), value, &resource.desired, &mut differences);
    let top = |path: &str| path.trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
    if let Some(fixed) = differences.iter().find(|found| resource.fixed.contains(top(&found.path).as_str())) {
        let reason = format!(
            "{}: {} is {} and cannot become {}; destroy it first",
            resource.id, fixed.path, fixed.from, fixed.to
        );
        return Change::Refuse { reason };
    }
    if differences.is_empty() { Change::Nothing } else { Change::Update { differences } }
}

/// Names that are wanted are compared; lists and everything else as a whole.
fn compare(path: String, from: &Value, to: &Value, found: &mut Vec<Difference>) {
    if let (Value::Object(from), Value::Object(to)) = (from, to) {
        for (name, to) in to {
            let escaped = name.replace('~', "~0").replace('/', "~1");
            compare(format!("{path}/{escaped}"), from.get(name).unwrap_or(&Value::Null), to, found);
        }
    } else if from != to {
        found.push(Difference { path, from: from.clone(), to: to.clone() });
    }
}
