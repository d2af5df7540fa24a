//! Lets pods of a service account take a role, by EKS Pod Identity.

use aws_sdk_eks::types::PodIdentityAssociation;
use serde_json::{Value, json};

use super::{Look, tags};
use crate::aws::{Door, Failure, Meaning, failed};
use crate::desired::Seen;

#[derive(Clone, Debug)]
pub(super) struct Association {
    pub(super) cluster: String,
    pub(super) namespace: String,
    pub(super) service_account: String,
    pub(super) role_arn: String,
    pub(super) owner: String,
}

impl Association {
    pub(super) fn desired(&self) -> Value {
        json!({ "roleArn": self.role_arn })
    }

    pub(super) async fn look(&self, door: &Door) -> Result<Look, Failure> {
        let Some(found) = self.found(door).await? else { return Ok(Seen::Absent.into()) };
        let value = json!({ "roleArn": found.role_arn });
        Ok(Seen::Present { owner: tags::in_map(found.tags()), value }.into())
    }

    pub(super) async fn create(&self, door: &Door) -> Result<(), Failure> {
        let request = door.eks.create_pod_identity_association().cluster_name(&self.cluster);
        let request = request.namespace(&self.namespace).service_account(&self.service_account);
        let request = request.role_arn(&self.role_arn).set_tags(Some(tags::map(&self.owner)));
        let answer = request.send().await.map_err(failed("eks:CreatePodIdentityAssociation"));
        answer.map_err(|failure| super::access_entry::role_is_new(failure, &self.role_arn))?;
        Ok(())
    }

    pub(super) async fn update(&self, door: &Door) -> Result<(), Failure> {
        let Some(id) = self.id(door).await? else { return Ok(()) };
        let request =
            door.eks.update_pod_identity_association().cluster_name(&self.cluster).association_id(id);
        let answer = request.role_arn(&self.role_arn).send().await;
        answer.map_err(failed("eks:UpdatePodIdentityAssociation"))?;
        Ok(())
    }

    pub(super) async fn delete(&self, door: &Door) -> Result<(), Failure> {
        let Some(id) = self.id(door).await? else { return Ok(()) };
        let request =
            door.eks.delete_pod_identity_association().cluster_name(&self.cluster).association_id(id);
        request.send().await.map_err(failed("eks:DeletePodIdentityAssociation"))?;
        Ok(())
    }

    /// A cluster has at most one for each service account.
    async fn id(&self, door: &Door) -> Result<Option<String>, Failure> {
        let request = door.eks.list_pod_identity_associations().cluster_name(&self.cluster);
        let request = request.namespace(&self.namespace).service_account(&self.service_account);
        let answer = request.send().await.map_err(failed("eks:ListPodIdentityAssociations"))?;
        Ok(answer.associations.unwrap_or_default().into_iter().next().and_then(|found| found.association_id))
    }

    async fn found(&self, door: &Door) -> Result<Option<PodIdentityAssociation>, Failure> {
        let Some(id) = self.id(door).await? else { return Ok(None) };
        let request =
            door.eks.describe_pod_identity_association().cluster_name(&self.cluster).association_id(id);
        match request.send().await.map_err(failed("eks:DescribePodIdentityAssociation")) {
            Ok(answer) => Ok(answer.association),
            Err(failure) if failure.meaning == Meaning::Absent => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}
