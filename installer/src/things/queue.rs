//! The queue that tells Karpenter of interruptions.

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName as Name;
use serde_json::{Value, json};

use super::{Look, document, tags};
use crate::aws::{Door, Failure, Meaning, failed};
use crate::desired::Seen;

#[derive(Clone, Debug)]
pub(super) struct Queue {
    pub(super) name: String,
    /// Who may send to it; null where it is not wanted.
    pub(super) policy: Value,
    pub(super) owner: String,
}

/// Seconds that a message is kept: an interruption is over by then. Source: Karpenter's getting-started template.
const RETENTION: &str = "300";

impl Queue {
    pub(super) fn desired(&self) -> Value {
        let policy = document::canonical(self.policy.clone());
        json!({ "retentionSeconds": RETENTION, "encrypted": "true", "policy": policy })
    }

    pub(super) async fn look(&self, door: &Door) -> Result<Look, Failure> {
        let Some(url) = self.url(door).await? else { return Ok(Seen::Absent.into()) };
        let attributes = door.sqs.get_queue_attributes().queue_url(&url).attribute_names(Name::All).send();
        let (attributes, tags) = tokio::join!(attributes, door.sqs.list_queue_tags().queue_url(&url).send());
        let attributes = match attributes.map_err(failed("sqs:GetQueueAttributes")) {
            Ok(answer) => answer.attributes.unwrap_or_default(),
            Err(failure) if failure.meaning == Meaning::Absent => return Ok(Seen::Absent.into()),
            Err(failure) => return Err(failure),
        };
        let tags = tags.map_err(failed("sqs:ListQueueTags"))?;
        let text = |name: &Name| attributes.get(name).cloned();
        let value = json!({
            "retentionSeconds": text(&Name::MessageRetentionPeriod),
            "encrypted": text(&Name::SqsManagedSseEnabled).map(|word| word.to_lowercase()),
            "policy": text(&Name::Policy).map(|policy| document::parsed(&policy)),
        });
        Ok(Seen::Present { owner: tags::in_map(tags.tags()), value }.into())
    }

    pub(super) async fn create(&self, door: &Door) -> Result<(), Failure> {
        let request = door.sqs.create_queue().queue_name(&self.name).set_attributes(Some(self.attributes()));
        let answer = request.set_tags(Some(tags::map(&self.owner))).send().await;
        answer.map_err(failed("sqs:CreateQueue"))?;
        Ok(())
    }

    pub(super) async fn update(&self, door: &Door) -> Result<(), Failure> {
        let Some(url) = self.url(door).await? else { return Ok(()) };
        let request = door.sqs.set_queue_attributes().queue_url(url).set_attributes(Some(self.attributes()));
        request.send().await.map_err(failed("sqs:SetQueueAttributes"))?;
        Ok(())
    }

    pub(super) async fn delete(&self, door: &Door) -> Result<(), Failure> {
        let Some(url) = self.url(door).await? else { return Ok(()) };
        door.sqs.delete_queue().queue_url(url).send().await.map_err(failed("sqs:DeleteQueue"))?;
        Ok(())
    }

    fn attributes(&self) -> HashMap<Name, String> {
        HashMap::from([
            (Name::MessageRetentionPeriod, RETENTION.to_owned()),
            (Name::SqsManagedSseEnabled, "true".to_owned()),
            (Name::Policy, self.policy.to_string()),
        ])
    }

    async fn url(&self, door: &Door) -> Result<Option<String>, Failure> {
        match door.sqs.get_queue_url().queue_name(&self.name).send().await.map_err(failed("sqs:GetQueueUrl"))
        {
            Ok(answer) => Ok(answer.queue_url),
            Err(failure) if failure.meaning == Meaning::Absent => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}
