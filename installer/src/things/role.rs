//! A role of IAM with its policies. It has those it must have and no others: one that somebody attached by hand, or
//! wrote into it, is drift.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Look, document, tags};
use crate::aws::{Door, Failure, Meaning, failed};
use crate::desired::Seen;

#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) name: String,
    pub(super) trust: Value,
    /// ARNs of managed policies.
    pub(super) attached: BTreeSet<String>,
    pub(super) owner: String,
}

/// What a role has.
struct Found {
    owner: Option<String>,
    trust: Value,
    attached: BTreeSet<String>,
    inline: Vec<String>,
}

impl Role {
    pub(super) fn desired(&self) -> Value {
        json!({ "trust": document::canonical(self.trust.clone()), "attached": self.attached, "inline": [] })
    }

    pub(super) async fn look(&self, door: &Door) -> Result<Look, Failure> {
        let Some(Found { owner, trust, attached, inline }) = self.found(door).await? else {
            return Ok(Seen::Absent.into());
        };
        let value = json!({ "trust": trust, "attached": attached, "inline": inline });
        Ok(Seen::Present { owner, value }.into())
    }

    pub(super) async fn create(&self, door: &Door) -> Result<(), Failure> {
        let call = "iam:CreateRole";
        let request = door.iam.create_role().role_name(&self.name).tags(tags::iam(&self.owner, call)?);
        request.assume_role_policy_document(self.trust.to_string()).send().await.map_err(failed(call))?;
        for arn in &self.attached {
            self.attach(door, arn).await?;
        }
        Ok(())
    }

    pub(super) async fn update(&self, door: &Door) -> Result<(), Failure> {
        let Some(found) = self.found(door).await? else { return Ok(()) };
        if found.trust != document::canonical(self.trust.clone()) {
            let request = door.iam.update_assume_role_policy().role_name(&self.name);
            let answer = request.policy_document(self.trust.to_string()).send().await;
            answer.map_err(failed("iam:UpdateAssumeRolePolicy"))?;
        }
        for arn in self.attached.difference(&found.attached) {
            self.attach(door, arn).await?;
        }
        for arn in found.attached.difference(&self.attached) {
            self.detach(door, arn).await?;
        }
        self.remove_inline(door, &found.inline).await
    }

    pub(super) async fn delete(&self, door: &Door) -> Result<(), Failure> {
        let Some(found) = self.found(door).await? else { return Ok(()) };
        for arn in &found.attached {
            self.detach(door, arn).await?;
        }
        self.remove_inline(door, &found.inline).await?;
        let answer = door.iam.delete_role().role_name(&self.name).send().await;
        answer.map_err(failed("iam:DeleteRole"))?;
        Ok(())
    }

    async fn found(&self, door: &Door) -> Result<Option<Found>, Failure> {
        let answer = door.iam.get_role().role_name(&self.name).send().await.map_err(failed("iam:GetRole"));
        let role = match answer {
            Ok(answer) => answer.role,
            Err(failure) if failure.meaning == Meaning::Absent => None,
            Err(failure) => return Err(failure),
        };
        let Some(role) = role else { return Ok(None) };
        let attached = door.iam.list_attached_role_policies().role_name(&self.name).into_paginator().items();
        let inline = door.iam.list_role_policies().role_name(&self.name).into_paginator().items();
        let (attached, inline) = tokio::join!(
            attached.send().collect::<Result<Vec<_>, _>>(),
            inline.send().collect::<Result<Vec<_>, _>>()
        );
        let attached = attached.map_err(failed("iam:ListAttachedRolePolicies"))?;
        Ok(Some(Found {
            owner: tags::in_iam(role.tags()),
            trust: document::decoded(role.assume_role_policy_document().unwrap_or_default()),
            attached: attached.into_iter().filter_map(|policy| policy.policy_arn).collect(),
            inline: inline.map_err(failed("iam:ListRolePolicies"))?,
        }))
    }

    async fn attach(&self, door: &Door, arn: &str) -> Result<(), Failure> {
        let request = door.iam.attach_role_policy().role_name(&self.name).policy_arn(arn);
        request.send().await.map_err(failed("iam:AttachRolePolicy"))?;
        Ok(())
    }

    async fn detach(&self, door: &Door, arn: &str) -> Result<(), Failure> {
        let request = door.iam.detach_role_policy().role_name(&self.name).policy_arn(arn);
        request.send().await.map_err(failed("iam:DetachRolePolicy"))?;
        Ok(())
    }

    async fn remove_inline(&self, door: &Door, names: &[String]) -> Result<(), Failure> {
        for name in names {
            let request = door.iam.delete_role_policy().role_name(&self.name).policy_name(name);
            request.send().await.map_err(failed("iam:DeleteRolePolicy"))?;
        }
        Ok(())
    }
}
