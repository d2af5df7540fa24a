//! Karpenter's objects: their kinds come with its chart, and their removal ends nodes.

use serde_json::Value;

use crate::aws::{Failure, Meaning};
use crate::kube::Client;

/// Groups whose kinds are brought by the chart.
const GROUPS: [&str; 2] = ["karpenter.k8s.aws", "karpenter.sh"];
const CLAIMS: &str = "/apis/karpenter.sh/v1/nodeclaims";
/// Nodes that a message names.
const NAMED: usize = 5;

/// Group, version and plural of the kind of what is at `path`, where a chart brings that.
fn place(path: &str) -> Option<(&str, &str, &str)> {
    let mut parts = path.strip_prefix("/apis/")?.split('/');
    let place = (parts.next()?, parts.next()?, parts.next()?);
    GROUPS.contains(&place.0).then_some(place)
}

/// Whether a chart brings the kind of what is at `path`.
pub(super) fn is(path: &str) -> bool {
    place(path).is_some()
}

/// Whether the API server serves the kind of `object`, which is to be at `path`. A definition takes a moment from when
/// it was applied, so it is asked for again, as often as all else that fails.
pub(super) async fn served(client: &Client, path: &str, object: &Value) -> Result<(), Failure> {
    let Some((group, version, plural)) = place(path) else { return Ok(()) };
    let list = client.get(&format!("/apis/{group}/{version}")).await?.unwrap_or_default();
    let mut kinds = list["resources"].as_array().into_iter().flatten();
    if kinds.any(|kind| kind["name"] == plural) {
        return Ok(());
    }
    let name = format!("{plural}.{group}");
    let found = client.get(&format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")).await;
    let why = match found {
        Ok(None) => "is not there, and Karpenter's chart should have brought it: helm show crds tells whether it has it".to_owned(),
        Ok(Some(found)) => unserved(&found, version),
        Err(failure) => format!("cannot be looked at: {failure}"),
    };
    let kind = object["kind"].as_str().unwrap_or_default();
    let what =
        format!("the API server does not serve {kind} {version}: the CustomResourceDefinition {name} {why}");
    Err(Failure { call: "kubernetes apply", meaning: Meaning::Later, what })
}

/// Why a definition that is there does not serve `version`.
fn unserved(definition: &Value, version: &str) -> String {
    let mut versions = definition["spec"]["versions"].as_array().into_iter().flatten();
    if !versions.any(|row| row["name"] == version && row["served"] == true) {
        return format!("has no {version}: it is of another Karpenter");
    }
    let conditions = definition["status"]["conditions"].as_array().into_iter().flatten();
    let refused = conditions.filter(|row| row["status"] == "False");
    let said: Vec<_> = refused.filter_map(|row| row["message"].as_str()).collect();
    format!("is there and not served yet{}{}", if said.is_empty() { "" } else { ": " }, said.join("; "))
}

/// What the removal of `found` waits for: nodes first, then whoever has its finalizers.
pub(super) async fn leaving(client: &Client, found: &Value) -> String {
    let claims = match client.get(CLAIMS).await {
        Ok(claims) => claims.unwrap_or_default(),
        Err(failure) => return format!("Terminating; its nodes cannot be asked for: {failure}"),
    };
    let nodes: Vec<String> = claims["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|claim| of(claim, found))
        .map(named)
        .collect();
    if nodes.is_empty() {
        let finalizers: Vec<_> = found["metadata"]["finalizers"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        return format!("Terminating: Karpenter has to take {} from it", finalizers.join(", "));
    }
    let more = nodes.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let shown = nodes[..nodes.len().min(NAMED)].join(", ");
    format!(
        "Terminating: instances of it run, and Karpenter moves their pods before it ends them: {shown}{more}"
    )
}

fn of(claim: &Value, owner: &Value) -> bool {
    let name = &owner["metadata"]["name"];
    if owner["kind"] == "NodePool" {
        return claim["metadata"]["labels"]["karpenter.sh/nodepool"] == *name;
    }
    let class = &claim["spec"]["nodeClassRef"];
    class["kind"] == owner["kind"] && class["name"] == *name
}

/// `gpu-spot-x7k2p (i-0123456789abcdef0)`
fn named(claim: &Value) -> String {
    let name = claim["metadata"]["name"].as_str().unwrap_or_default();
    let instance = claim["status"]["providerID"].as_str().and_then(|id| id.rsplit('/').next());
    instance.map_or_else(|| name.to_owned(), |instance| format!("{name} ({instance})"))
}

/// What Karpenter says of an object of its, and whether that is well.
pub(super) fn ready(found: &Value) -> (String, bool) {
    let mut conditions = found["status"]["conditions"].as_array().into_iter().flatten();
    match conditions.find(|condition| condition["type"] == "Ready") {
        Some(condition) if condition["status"] == "True" => ("ready".to_owned(), true),
        Some(condition) => {
            let said = condition["message"].as_str().unwrap_or_default();
            (format!("not ready: {said}"), false)
        }
        None => ("Karpenter has not said whether it is ready".to_owned(), false),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_karpenter_s_kinds_are_waited_for() {
        let pool = place("/apis/karpenter.sh/v1/nodepools/amd64");
        assert_eq!(pool, Some(("karpenter.sh", "v1", "nodepools")));
        assert_eq!(place("/apis/apps/v1/namespaces/kube-system/deployments/a"), None);
        assert_eq!(place("/api/v1/namespaces/kube-system/services/a"), None);
    }

    #[test]
    fn a_definition_says_why_it_is_not_served() {
        let old = json!({ "spec": { "versions": [{ "name": "v1beta1", "served": true }] } });
        assert_eq!(unserved(&old, "v1"), "has no v1: it is of another Karpenter");
        let mut new = json!({ "spec": { "versions": [{ "name": "v1", "served": true }] } });
        assert_eq!(unserved(&new, "v1"), "is there and not served yet");
        new["status"] = json!({ "conditions": [{ "status": "False", "message": "names conflict" }] });
        assert_eq!(unserved(&new, "v1"), "is there and not served yet: names conflict");
    }

    #[test]
    fn a_claim_is_its_pool_s_and_its_class_s() {
        let claim = json!({
            "metadata": { "name": "gpu-spot-x", "labels": { "karpenter.sh/nodepool": "gpu-spot" } },
            "spec": { "nodeClassRef": { "group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu" } },
            "status": { "providerID": "aws:///us-west-2a/i-0123" },
        });
        let object = |kind: &str, name: &str| json!({ "kind": kind, "metadata": { "name": name } });
        for (kind, name, its) in [
            ("NodePool", "gpu-spot", true),
            ("NodePool", "gpu", false),
            ("EC2NodeClass", "gpu", true),
            ("EC2NodeClass", "gpu-spot", false),
        ] {
            assert_eq!(of(&claim, &object(kind, name)), its, "{kind} {name}");
        }
        assert_eq!(named(&claim), "gpu-spot-x (i-0123)");
        assert_eq!(named(&json!({ "metadata": { "name": "a" } })), "a");
    }

    #[test]
    fn what_karpenter_has_not_looked_at_is_not_well() {
        let object = |condition: Value| ready(&json!({ "status": { "conditions": [condition] } }));
        assert_eq!(object(json!({ "type": "Ready", "status": "True" })), ("ready".to_owned(), true));
        let said = json!({ "type": "Ready", "status": "False", "message": "no subnets" });
        assert_eq!(object(said), ("not ready: no subnets".to_owned(), false));
        assert!(!ready(&json!({})).1);
    }
}
