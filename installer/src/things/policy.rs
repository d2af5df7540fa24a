//! A managed policy of IAM.

use std::cmp::Reverse;

use aws_sdk_iam::types::PolicyVersion;
use serde_json::{Value, json};

use super::{Look, document, tags};
use crate::aws::{Door, Failure, Meaning, failed};
use crate::desired::Seen;

/// Versions of a policy that IAM keeps. Source: IAM User Guide, "IAM and AWS STS quotas".
const VERSIONS: usize = 5;

#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) name: String,
    pub(super) arn: String,
    /// As it is sent; null where it is not wanted.
    pub(super) document: Value,
    pub(super) owner: String,
}

impl Policy {
    pub(super) fn desired(&self) -> Value {
        json!({ "document": document::canonical(self.document.clone()) })
    }

    pub(super) async fn look(&self, door: &Door) -> Result<Look, Failure> {
        let answer =
            door.iam.get_policy().policy_arn(&self.arn).send().await.map_err(failed("iam:GetPolicy"));
        let policy = match answer {
            Ok(answer) => answer.policy,
            Err(failure) if failure.meaning == Meaning::Absent => None,
            Err(failure) => return Err(failure),
        };
        let Some(policy) = policy else { return Ok(Seen::Absent.into()) };
        let text = self.text(door, policy.default_version_id().unwrap_or_default()).await?;
        let value = json!({ "document": document::decoded(&text) });
        Ok(Seen::Present { owner: tags::in_iam(policy.tags()), value }.into())
    }

    /// What a version says; nothing where somebody removed it in between.
    async fn text(&self, door: &Door, version: &str) -> Result<String, Failure> {
        let answer = door.iam.get_policy_version().policy_arn(&self.arn).version_id(version).send().await;
        match answer.map_err(failed("iam:GetPolicyVersion")) {
            Ok(answer) => Ok(answer.policy_version.and_then(|version| version.document).unwrap_or_default()),
            Err(failure) if failure.meaning == Meaning::Absent => Ok(String::new()),
            Err(failure) => Err(failure),
        }
    }

    /// What each version says: the one in force, then the others, the newest first. Nothing where there is no policy.
    pub(super) async fn documents(&self, door: &Door) -> Result<Vec<Value>, Failure> {
        let mut versions = match self.versions(door).await {
            Ok(versions) => versions,
            Err(failure) if failure.meaning == Meaning::Absent => return Ok(Vec::new()),
            Err(failure) => return Err(failure),
        };
        versions.sort_by_key(|version| (!version.is_default_version, Reverse(number(version))));
        let mut documents = Vec::new();
        for version in versions {
            let text = self.text(door, version.version_id().unwrap_or_default()).await?;
            documents.push(document::decoded(&text));
        }
        Ok(documents)
    }

    pub(super) async fn create(&self, door: &Door) -> Result<(), Failure> {
        let call = "iam:CreatePolicy";
        let request =
            door.iam.create_policy().policy_name(&self.name).policy_document(self.document.to_string());
        request.tags(tags::iam(&self.owner, call)?).send().await.map_err(failed(call))?;
        Ok(())
    }

    pub(super) async fn update(&self, door: &Door) -> Result<(), Failure> {
        let mut old = self.old_versions(door).await?;
        // The version now in force is kept beside them, and the new one needs a place.
        while old.len() + 2 > VERSIONS {
            self.remove_version(door, &old.remove(0)).await?;
        }
        let request = door.iam.create_policy_version().policy_arn(&self.arn);
        let request = request.policy_document(self.document.to_string()).set_as_default(true);
        request.send().await.map_err(failed("iam:CreatePolicyVersion"))?;
        Ok(())
    }

    pub(super) async fn delete(&self, door: &Door) -> Result<(), Failure> {
        for version in self.old_versions(door).await? {
            self.remove_version(door, &version).await?;
        }
        let answer = door.iam.delete_policy().policy_arn(&self.arn).send().await;
        answer.map_err(failed("iam:DeletePolicy"))?;
        Ok(())
    }

    /// Those not in force, the oldest first.
    async fn old_versions(&self, door: &Door) -> Result<Vec<String>, Failure> {
        let mut old = self.versions(door).await?;
        old.retain(|version| !version.is_default_version);
        old.sort_by_key(number);
        Ok(old.into_iter().filter_map(|version| version.version_id).collect())
    }

    /// There are never more than a page of them.
    async fn versions(&self, door: &Door) -> Result<Vec<PolicyVersion>, Failure> {
        let answer = door.iam.list_policy_versions().policy_arn(&self.arn).send().await;
        Ok(answer.map_err(failed("iam:ListPolicyVersions"))?.versions.unwrap_or_default())
    }

    async fn remove_version(&self, door: &Door, version: &str) -> Result<(), Failure> {
        let request = door.iam.delete_policy_version().policy_arn(&self.arn).version_id(version);
        request.send().await.map_err(failed("iam:DeletePolicyVersion"))?;
        Ok(())
    }
}

/// `v12` as 12.
fn number(version: &PolicyVersion) -> u64 {
    let id = version.version_id().unwrap_or_default();
    id.trim_start_matches('v').parse().unwrap_or_default()
}
