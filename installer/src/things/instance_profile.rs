//! What brings a role to the instances of a self-managed group; EKS makes its own for managed ones.

use aws_sdk_iam::types::InstanceProfile as Found;
use serde_json::{Value, json};

use super::{Look, tags};
use crate::aws::{Door, Failure, Meaning, failed};
use crate::desired::Seen;

#[derive(Clone, Debug)]
pub(super) struct InstanceProfile {
    pub(super) name: String,
    pub(super) role: String,
    pub(super) owner: String,
}

impl InstanceProfile {
    pub(super) fn desired(&self) -> Value {
        json!({ "roles": [self.role] })
    }

    pub(super) async fn look(&self, door: &Door) -> Result<Look, Failure> {
        let Some(found) = self.found(door).await? else { return Ok(Seen::Absent.into()) };
        let value = json!({ "roles": roles(&found) });
        Ok(Seen::Present { owner: tags::in_iam(found.tags()), value }.into())
    }

    pub(super) async fn create(&self, door: &Door) -> Result<(), Failure> {
        let call = "iam:CreateInstanceProfile";
        let request = door.iam.create_instance_profile().instance_profile_name(&self.name);
        request.tags(tags::iam(&self.owner, call)?).send().await.map_err(failed(call))?;
        self.add(door).await
    }

    /// It holds one role at most.
    pub(super) async fn update(&self, door: &Door) -> Result<(), Failure> {
        let Some(found) = self.found(door).await? else { return Ok(()) };
        self.empty(door, roles(&found).iter().filter(|role| **role != self.role)).await?;
        if roles(&found).contains(&self.role) { Ok(()) } else { self.add(door).await }
    }

    pub(super) async fn delete(&self, door: &Door) -> Result<(), Failure> {
        let Some(found) = self.found(door).await? else { return Ok(()) };
        self.empty(door, roles(&found).iter()).await?;
        let request = door.iam.delete_instance_profile().instance_profile_name(&self.name);
        request.send().await.map_err(failed("iam:DeleteInstanceProfile"))?;
        Ok(())
    }

    async fn add(&self, door: &Door) -> Result<(), Failure> {
        let request = door.iam.add_role_to_instance_profile().instance_profile_name(&self.name);
        request.role_name(&self.role).send().await.map_err(failed("iam:AddRoleToInstanceProfile"))?;
        Ok(())
    }

    async fn empty(&self, door: &Door, roles: impl Iterator<Item = &String>) -> Result<(), Failure> {
        for role in roles {
            let request = door.iam.remove_role_from_instance_profile().instance_profile_name(&self.name);
            let answer = request.role_name(role).send().await;
            answer.map_err(failed("iam:RemoveRoleFromInstanceProfile"))?;
        }
        Ok(())
    }

    async fn found(&self, door: &Door) -> Result<Option<Found>, Failure> {
        let request = door.iam.get_instance_profile().instance_profile_name(&self.name);
        match request.send().await.map_err(failed("iam:GetInstanceProfile")) {
            Ok(answer) => Ok(answer.instance_profile),
            Err(failure) if failure.meaning == Meaning::Absent => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

fn roles(found: &Found) -> Vec<String> {
    found.roles().iter().map(|role| role.role_name().to_owned()).collect()
}
