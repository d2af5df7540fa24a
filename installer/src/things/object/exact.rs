//! Objects that narrow what others may do: of those also what somebody has added counts, as one condition more, or a
//! selector, makes a policy match nothing. Server-side apply leaves such additions alone, so they are replaced as a whole.

use serde_json::{Map, Value};

use crate::aws::Failure;
use crate::kube::Client;

const KINDS: [&str; 2] = ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"];

/// Where a look names what was added.
pub(super) const ADDED: &str = "added by others";

/// Whether `object` is such a one.
pub(super) fn is(object: &Value) -> bool {
    KINDS.iter().any(|kind| object["kind"] == *kind)
}

/// Makes the `spec` of what is at `path` that of `wanted`, and nothing more.
pub(super) async fn replace(client: &Client, path: &str, wanted: &Value) -> Result<(), Failure> {
    // Without its version the API server would not know what is replaced.
    let Some(mut whole) = client.get(path).await? else { return Ok(()) };
    whole["spec"] = wanted["spec"].clone();
    client.replace(path, &whole).await
}

/// The place of each thing in `found` that `wanted` does not name and that the API server did not fill in by itself.
pub(super) fn added(found: &Value, wanted: &Value, place: &str) -> Vec<String> {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            let inner = |(name, found): (&String, &Value)| {
                let place = format!("{place}/{name}");
                match wanted.get(name) {
                    Some(wanted) => added(found, wanted, &place),
                    None if filled_in(name, found) => Vec::new(),
                    None => vec![place],
                }
            };
            found.iter().flat_map(inner).collect()
        }
        // Items are found by their names; where they have none, a list of another length differs anyway.
        (Value::Array(found), Value::Array(wanted)) => {
            let inner = |(at, found): (usize, &Value)| match found["name"].as_str() {
                Some(name) => {
                    let (same, place) =
                        (wanted.iter().find(|item| item["name"] == name), format!("{place}/{name}"));
                    same.map_or_else(|| vec![place.clone()], |wanted| added(found, wanted, &place))
                }
                None => wanted
                    .get(at)
                    .map_or_else(Vec::new, |wanted| added(found, wanted, &format!("{place}/{at}"))),
            };
            found.iter().enumerate().flat_map(inner).collect()
        }
        _ => Vec::new(),
    }
}

/// Source: defaults of `admissionregistration.k8s.io/v1` (Kubernetes, `pkg/apis/admissionregistration/v1/defaults.go`).
fn filled_in(name: &str, value: &Value) -> bool {
    match name {
        "matchPolicy" => value == "Equivalent",
        "scope" => value == "*",
        "namespaceSelector" | "objectSelector" => value.as_object().is_some_and(Map::is_empty),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_api_server_fills_in_does_not_count_and_what_somebody_adds_does() {
        let wanted = json!({
            "matchConditions": [{ "name": "ours", "expression": "true" }],
            "matchConstraints": { "resourceRules": [{ "resources": ["nodes"] }] },
        });
        let mut found = wanted.clone();
        found["matchConstraints"]["matchPolicy"] = "Equivalent".into();
        found["matchConstraints"]["objectSelector"] = json!({});
        found["matchConstraints"]["namespaceSelector"] = json!({});
        found["matchConstraints"]["resourceRules"][0]["scope"] = "*".into();
        assert_eq!(added(&found, &wanted, ""), Vec::<String>::new());
        let never = json!({ "name": "never", "expression": "false" });
        for (place, said, value) in [
            ("/matchConditions/-", "/matchConditions/never", never),
            (
                "/matchConstraints/excludeResourceRules",
                "/matchConstraints/excludeResourceRules",
                json!([{ "resources": ["nodes"] }]),
            ),
            (
                "/matchConstraints/objectSelector",
                "/matchConstraints/objectSelector",
                json!({ "matchLabels": { "a": "b" } }),
            ),
            (
                "/matchConstraints/resourceRules/0/scope",
                "/matchConstraints/resourceRules/0/scope",
                json!("Namespaced"),
            ),
            ("/paramKind", "/paramKind", json!({ "kind": "ConfigMap" })),
        ] {
            let mut weaker = found.clone();
            let (above, name) = place.rsplit_once('/').unwrap();
            match weaker.pointer_mut(above).unwrap() {
                Value::Array(items) => items.push(value),
                above => above[name] = value,
            }
            assert_eq!(added(&weaker, &wanted, ""), [said], "{place}");
        }
    }
}
