//! A Kubernetes object.

mod exact;

use serde_json::{Value, json};

use super::{Look, custom};
use crate::aws::{Door, Failure};
use crate::desired::Seen;
use crate::launch_template::OWNER_TAG;

#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) path: String,
    /// The whole object, with the owner's annotation.
    pub(super) object: Value,
}

/// Kinds whose objects can be removed and made again without harm to whoever uses them: volumes keep what their class
/// gave them, and a binding is looked up with each request. What must not change in others is an error to be told.
const REPLACEABLE: [&str; 3] = ["StorageClass", "ClusterRoleBinding", "RoleBinding"];

impl Object {
    /// `object` as `owner`'s. A label's value may not have the owner's `/`, an annotation's may.
    pub(super) fn new(path: String, mut object: Value, owner: &str) -> Self {
        object["metadata"]["annotations"][OWNER_TAG] = owner.into();
        Self { path, object }
    }

    pub(super) fn desired(&self) -> Value {
        let mut desired = self.object.clone();
        if exact::is(&desired) {
            desired[exact::ADDED] = json!([]);
        }
        desired
    }

    pub(super) async fn look(&self, door: &Door) -> Result<Look, Failure> {
        let found = door.cluster()?.get(&self.path).await?;
        let Some(found) = found else { return Ok(Seen::Absent.into()) };
        let mut look = look(&found, &self.object);
        if look.pending.is_some() && custom::is(&self.path) {
            look.pending = Some(custom::leaving(door.cluster()?, &found).await);
        }
        Ok(look)
    }

    pub(super) async fn create(&self, door: &Door) -> Result<(), Failure> {
        custom::served(door.cluster()?, &self.path, &self.object).await?;
        door.cluster()?.apply(&self.path, &self.object).await
    }

    pub(super) async fn update(&self, door: &Door) -> Result<(), Failure> {
        let cluster = door.cluster()?;
        let kind = self.object["kind"].as_str().unwrap_or_default();
        if exact::is(&self.object) {
            exact::replace(cluster, &self.path, &self.object).await?;
        }
        match cluster.apply(&self.path, &self.object).await {
            // The API server's words for a field that cannot change: 422, `Invalid`.
            Err(failure) if REPLACEABLE.contains(&kind) && failure.what.contains("422") => {
                cluster.delete(&self.path).await?;
                cluster.apply(&self.path, &self.object).await
            }
            done => done,
        }
    }

    pub(super) async fn delete(&self, door: &Door) -> Result<(), Failure> {
        door.cluster()?.delete(&self.path).await
    }
}

fn look(found: &Value, wanted: &Value) -> Look {
    let metadata = &found["metadata"];
    let owner = metadata["annotations"][OWNER_TAG].as_str().map(str::to_owned);
    let pending = metadata["deletionTimestamp"].is_string().then(|| "Terminating".to_owned());
    let (note, sick) = health(found).map_or((None, false), |(note, well)| (Some(note), !well));
    let mut value = shaped(found, wanted, "");
    if exact::is(wanted) {
        value[exact::ADDED] = exact::added(&found["spec"], &wanted["spec"], "/spec").into();
    }
    Look { seen: Seen::Present { owner, value }, pending, note, sick }
}

/// How it does, in words, and whether that is well; nothing of what only is there.
pub(super) fn health(found: &Value) -> Option<(String, bool)> {
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let status = &found["status"];
    match found["kind"].as_str()? {
        "Deployment" => {
            let (available, wanted) =
                (number(&status["availableReplicas"]), number(&found["spec"]["replicas"]));
            Some((format!("{available} of {wanted} replicas available"), available >= wanted))
        }
        // On no node is fine: there may be none of that sort.
        "DaemonSet" => {
            let (ready, wanted) = (number(&status["numberReady"]), number(&status["desiredNumberScheduled"]));
            Some((format!("{ready} of {wanted} nodes ready"), ready >= wanted))
        }
        "APIService" => {
            let mut conditions = status["conditions"].as_array().into_iter().flatten();
            let condition = conditions.find(|condition| condition["type"] == "Available")?;
            let well = condition["status"] == "True";
            let said = condition["message"].as_str().unwrap_or_default();
            Some((if well { "available".to_owned() } else { format!("not available: {said}") }, well))
        }
        "EC2NodeClass" | "NodePool" => Some(custom::ready(found)),
        _ => None,
    }
}

/// What is there, in the shape of what is wanted, so that the two compare: the API server adds defaults also to what is
/// inside lists. Items with names are found by them, and those of others beside ours are not ours to judge; except for
/// subjects, as whoever else is bound has rights.
fn shaped(found: &Value, wanted: &Value, name: &str) -> Value {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            let inner = |(name, wanted): (&String, &Value)| {
                Some((name.clone(), shaped(found.get(name)?, wanted, name)))
            };
            Value::Object(wanted.iter().filter_map(inner).collect())
        }
        (Value::Array(found), Value::Array(wanted)) => {
            let named = !wanted.is_empty() && wanted.iter().all(|item| item["name"].is_string());
            if named && name != "subjects" {
                let inner = |wanted: &Value| {
                    let found = found.iter().find(|found| found["name"] == wanted["name"])?;
                    Some(shaped(found, wanted, ""))
                };
                return wanted.iter().filter_map(inner).collect();
            }
            if found.len() != wanted.len() {
                return json!(found);
            }
            found.iter().zip(wanted).map(|(found, wanted)| shaped(found, wanted, "")).collect()
        }
        (found, _) => found.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_do_not_count_and_what_is_wanted_does() {
        let wanted = json!({ "spec": {
            "containers": [{ "name": "a", "args": ["x"], "ports": [{ "name": "p", "containerPort": 1 }] }],
            "tolerations": [{ "key": "k", "operator": "Exists" }],
        } });
        let mut found = json!({ "status": {}, "spec": { "restartPolicy": "Always",
            "containers": [
                { "name": "injected" },
                { "name": "a", "args": ["x"], "ports": [{ "name": "p", "containerPort": 1, "protocol": "TCP" }] },
            ],
            "tolerations": [{ "key": "k", "operator": "Exists", "effect": "" }],
        } });
        assert_eq!(shaped(&found, &wanted, ""), wanted);
        found["spec"]["containers"][1]["args"] = json!(["x", "y"]);
        assert_eq!(shaped(&found, &wanted, "")["spec"]["containers"][0]["args"], json!(["x", "y"]));
        found["spec"]["containers"] = json!([{ "name": "injected" }]);
        assert_eq!(shaped(&found, &wanted, "")["spec"]["containers"], json!([]));
        found["spec"]["tolerations"] = json!([{ "key": "k" }, { "key": "other" }]);
        assert_ne!(shaped(&found, &wanted, "")["spec"]["tolerations"], wanted["spec"]["tolerations"]);
    }

    #[test]
    fn a_subject_that_somebody_added_is_seen() {
        let wanted = json!({ "subjects": [{ "kind": "ServiceAccount", "name": "a" }] });
        let mut found = wanted.clone();
        found["subjects"] =
            json!([{ "kind": "ServiceAccount", "name": "a" }, { "kind": "User", "name": "eve" }]);
        assert_ne!(shaped(&found, &wanted, ""), wanted);
    }

    #[test]
    fn what_does_not_run_is_told() {
        let object = |kind: &str, status: Value| {
            let found = json!({ "kind": kind, "spec": { "replicas": 2 }, "status": status, "metadata": {
                "annotations": { OWNER_TAG: "us" }, "deletionTimestamp": null } });
            let look = look(&found, &json!({}));
            assert!(matches!(&look.seen, Seen::Present { owner: Some(owner), .. } if owner == "us"));
            (look.sick, look.note.unwrap_or_default())
        };
        assert_eq!(object("Deployment", json!({})), (true, "0 of 2 replicas available".to_owned()));
        assert!(!object("Deployment", json!({ "availableReplicas": 2 })).0);
        assert!(!object("DaemonSet", json!({})).0);
        assert!(object("DaemonSet", json!({ "desiredNumberScheduled": 3, "numberReady": 2 })).0);
        let condition = |status: &str| json!({ "conditions": [{ "type": "Available", "status": status, "message": "no endpoints" }] });
        assert_eq!(
            object("APIService", condition("False")),
            (true, "not available: no endpoints".to_owned())
        );
        assert!(!object("APIService", condition("True")).0);
        assert!(!object("StorageClass", Value::Null).0);
    }
}
