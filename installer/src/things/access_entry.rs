//! Lets nodes with a role join the cluster. EKS makes it by itself for managed groups only.

use serde_json::{Value, json};

use super::{Look, tags};
use crate::aws::{Door, Failure, Meaning, failed};
use crate::desired::Seen;

#[derive(Clone, Debug)]
pub(super) struct AccessEntry {
    pub(super) cluster: String,
    pub(super) role_arn: String,
    pub(super) owner: String,
}

/// For nodes that run Linux; its groups and user name are EKS's.
const TYPE: &str = "EC2_LINUX";

impl AccessEntry {
    pub(super) fn desired() -> Value {
        json!({ "type": TYPE })
    }

    pub(super) async fn look(&self, door: &Door) -> Result<Look, Failure> {
        let request =
            door.eks.describe_access_entry().cluster_name(&self.cluster).principal_arn(&self.role_arn);
        let entry = match request.send().await.map_err(failed("eks:DescribeAccessEntry")) {
            Ok(answer) => answer.access_entry,
            Err(failure) if failure.meaning == Meaning::Absent => None,
            Err(failure) => return Err(failure),
        };
        let Some(entry) = entry else { return Ok(Seen::Absent.into()) };
        let value = json!({ "type": entry.r#type });
        Ok(Seen::Present { owner: tags::in_map(entry.tags()), value }.into())
    }

    pub(super) async fn create(&self, door: &Door) -> Result<(), Failure> {
        let request =
            door.eks.create_access_entry().cluster_name(&self.cluster).principal_arn(&self.role_arn);
        let request = request.r#type(TYPE).set_tags(Some(tags::map(&self.owner)));
        let answer = request.send().await.map_err(failed("eks:CreateAccessEntry"));
        answer.map_err(|failure| role_is_new(failure, &self.role_arn))?;
        Ok(())
    }

    /// Its one value cannot change, which the engine refuses before it comes to this.
    #[expect(clippy::unused_async, reason = "as of every kind")]
    pub(super) async fn update(&self, _: &Door) -> Result<(), Failure> {
        let what = format!("the access entry of {} cannot change its type", self.role_arn);
        Err(Failure { call: "eks:UpdateAccessEntry", meaning: Meaning::Never, what })
    }

    pub(super) async fn delete(&self, door: &Door) -> Result<(), Failure> {
        let request =
            door.eks.delete_access_entry().cluster_name(&self.cluster).principal_arn(&self.role_arn);
        request.send().await.map_err(failed("eks:DeleteAccessEntry"))?;
        Ok(())
    }
}

/// IAM shows a new role to other services some seconds after it made it; until then EKS calls its ARN invalid, by a code
/// that it has for every mistake. It is asked again only where it speaks of the role.
pub(super) fn role_is_new(failure: Failure, role_arn: &str) -> Failure {
    let words = ["role", "Role", "principal", role_arn];
    let about = failure.what.starts_with("InvalidParameterException")
        && words.iter().any(|word| failure.what.contains(word));
    if about { Failure { meaning: Meaning::Later, ..failure } } else { failure }
}
