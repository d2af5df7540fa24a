//! An EKS add-on.

use aws_sdk_eks::types::{Addon as Found, AddonHealth, AddonStatus, ResolveConflicts};
use serde_json::{Value, json};

use super::{Look, tags};
use crate::aws::{Door, Failure, Meaning, failed};
use crate::desired::Seen;

#[derive(Clone, Debug)]
pub(super) struct Addon {
    pub(super) cluster: String,
    pub(super) name: String,
    /// What it is told; without it anything may be there.
    pub(super) configuration: Option<Value>,
    pub(super) owner: String,
}

impl Addon {
    /// A failed installation is changed to what it is already, which makes EKS try again. The version is EKS's choice
    /// for the cluster, and stays what it was.
    pub(super) fn desired(&self) -> Value {
        let mut desired = json!({ "failed": false });
        if let Some(configuration) = &self.configuration {
            desired["configuration"] = configuration.clone();
        }
        desired
    }

    pub(super) async fn look(&self, door: &Door) -> Result<Look, Failure> {
        let request = door.eks.describe_addon().cluster_name(&self.cluster).addon_name(&self.name);
        let addon = match request.send().await.map_err(failed("eks:DescribeAddon")) {
            Ok(answer) => answer.addon,
            Err(failure) if failure.meaning == Meaning::Absent => None,
            Err(failure) => return Err(failure),
        };
        Ok(addon.map_or_else(|| Seen::Absent.into(), |addon| look(&addon)))
    }

    pub(super) async fn create(&self, door: &Door) -> Result<(), Failure> {
        let request = door.eks.create_addon().cluster_name(&self.cluster).addon_name(&self.name);
        // What a chart or `kubectl apply` left of the same driver is taken over.
        let request = request.resolve_conflicts(ResolveConflicts::Overwrite);
        let request = request.set_configuration_values(self.configuration.as_ref().map(Value::to_string));
        let answer = request.set_tags(Some(tags::map(&self.owner))).send().await;
        answer.map_err(failed("eks:CreateAddon"))?;
        Ok(())
    }

    pub(super) async fn update(&self, door: &Door) -> Result<(), Failure> {
        let request = door.eks.update_addon().cluster_name(&self.cluster).addon_name(&self.name);
        let request = request.resolve_conflicts(ResolveConflicts::Overwrite);
        let request = request.set_configuration_values(self.configuration.as_ref().map(Value::to_string));
        request.send().await.map_err(failed("eks:UpdateAddon"))?;
        Ok(())
    }

    pub(super) async fn delete(&self, door: &Door) -> Result<(), Failure> {
        let request = door.eks.delete_addon().cluster_name(&self.cluster).addon_name(&self.name);
        request.send().await.map_err(failed("eks:DeleteAddon"))?;
        Ok(())
    }
}

/// How every add-on of the cluster is, whoever installed it.
pub(crate) async fn addons(
    door: &Door,
    cluster: &str,
) -> Result<Vec<(String, Result<Look, Failure>)>, Failure> {
    let request = door.eks.list_addons().cluster_name(cluster);
    let names: Vec<String> = request
        .into_paginator()
        .items()
        .send()
        .collect::<Result<_, _>>()
        .await
        .map_err(failed("eks:ListAddons"))?;
    let mut all = Vec::new();
    for name in names {
        let addon = Addon { cluster: cluster.to_owned(), name, configuration: None, owner: String::new() };
        let look = addon.look(door).await;
        all.push((addon.name, look));
    }
    Ok(all)
}

fn look(addon: &Found) -> Look {
    let status = addon.status().map_or("UNKNOWN", AddonStatus::as_str);
    let configuration = addon.configuration_values().unwrap_or_default();
    let failed = ["CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED"].contains(&status);
    let value = json!({
        "failed": failed,
        // EKS also takes YAML; that is text here, and differs.
        "configuration": serde_json::from_str(configuration).unwrap_or_else(|_| json!(configuration)),
    });
    let issues = addon.health().map(AddonHealth::issues).unwrap_or_default();
    let mut note = format!("{} {status}", addon.addon_version().unwrap_or_default()).trim().to_owned();
    for issue in issues {
        let code = issue.code().map_or("issue", |code| code.as_str());
        note = format!("{note}; {code}: {}", issue.message().unwrap_or_default());
    }
    let pending = ["CREATING", "UPDATING", "DELETING"].contains(&status).then(|| note.clone());
    let sick = failed || status == "DEGRADED" || !issues.is_empty();
    let seen = Seen::Present { owner: tags::in_map(addon.tags()), value };
    Look { seen, pending, note: Some(note), sick }
}

#[cfg(test)]
mod tests {
    use aws_sdk_eks::types::{AddonIssue, AddonIssueCode};

    use super::*;

    fn found(status: AddonStatus, configuration: &str) -> Look {
        let issue =
            AddonIssue::builder().code(AddonIssueCode::InsufficientNumberOfReplicas).message("no node");
        let issues = if status == AddonStatus::Active { None } else { Some(vec![issue.build()]) };
        let health = AddonHealth::builder().set_issues(issues).build();
        let addon = Found::builder().status(status).configuration_values(configuration).addon_version("v1");
        look(&addon.health(health).tags(crate::launch_template::OWNER_TAG, "us").build())
    }

    fn value(look: &Look) -> (Option<&str>, &Value) {
        match &look.seen {
            Seen::Present { owner, value } => (owner.as_deref(), value),
            Seen::Absent => panic!("it is there"),
        }
    }

    #[test]
    fn what_is_under_way_is_waited_for_and_what_does_not_work_is_told() {
        let creating = found(AddonStatus::Creating, "");
        assert!(creating.pending.is_some_and(|status| status.contains("CREATING")));
        let degraded = found(AddonStatus::Degraded, "");
        assert!(degraded.sick && degraded.pending.is_none());
        assert_eq!(degraded.note.as_deref(), Some("v1 DEGRADED; InsufficientNumberOfReplicas: no node"));
        let failed = found(AddonStatus::CreateFailed, "{}");
        assert_eq!(value(&failed).1["failed"], true);
        let active = found(AddonStatus::Active, r#"{"a":1}"#);
        assert!(!active.sick);
        assert_eq!(value(&active), (Some("us"), &json!({ "failed": false, "configuration": { "a": 1 } })));
        assert_eq!(value(&found(AddonStatus::Active, "a: 1")).1["configuration"], "a: 1");
    }
}
