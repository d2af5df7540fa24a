//! A rule of EventBridge that sends events to the queue.

use aws_sdk_eventbridge::operation::describe_rule::DescribeRuleOutput;
use aws_sdk_eventbridge::types::{RuleState, Target};
use serde_json::{Value, json};

use super::{Look, tags};
use crate::aws::{Door, Failure, Meaning, failed};
use crate::desired::Seen;

#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) source: &'static str,
    pub(super) detail: &'static str,
    pub(super) queue_arn: String,
    pub(super) owner: String,
}

/// The id of the one target.
const TARGET: &str = "queue";

impl Rule {
    fn pattern(&self) -> Value {
        json!({ "source": [self.source], "detail-type": [self.detail] })
    }

    pub(super) fn desired(&self) -> Value {
        let targets = json!({ TARGET: self.queue_arn });
        json!({ "pattern": self.pattern(), "state": RuleState::Enabled.as_str(), "targets": targets, "others": [] })
    }

    pub(super) async fn look(&self, door: &Door) -> Result<Look, Failure> {
        let Some(rule) = self.found(door).await? else { return Ok(Seen::Absent.into()) };
        let arn = rule.arn().unwrap_or_default();
        let (targets, tags) =
            tokio::join!(self.targets(door), door.events.list_tags_for_resource().resource_arn(arn).send());
        let tags = tags.map_err(failed("events:ListTagsForResource"))?;
        let mut named = json!({});
        let mut others = Vec::new();
        for target in targets? {
            if target.id() == TARGET {
                named[TARGET] = target.arn().into();
            } else {
                others.push(target.id().to_owned());
            }
        }
        let pattern = rule.event_pattern().unwrap_or_default();
        let value = json!({
            "pattern": serde_json::from_str::<Value>(pattern).unwrap_or_else(|_| json!(pattern)),
            "state": rule.state().map(RuleState::as_str),
            "targets": named,
            "others": others,
        });
        Ok(Seen::Present { owner: tags::in_event(tags.tags()), value }.into())
    }

    pub(super) async fn create(&self, door: &Door) -> Result<(), Failure> {
        self.put(door, true).await?;
        self.put_target(door).await
    }

    /// Only what differs: a run that is killed here again and again still gets on.
    pub(super) async fn update(&self, door: &Door) -> Result<(), Failure> {
        let Some(rule) = self.found(door).await? else { return Ok(()) };
        let pattern = serde_json::from_str::<Value>(rule.event_pattern().unwrap_or_default()).ok();
        if pattern != Some(self.pattern()) || rule.state() != Some(&RuleState::Enabled) {
            self.put(door, false).await?;
        }
        let targets = self.targets(door).await?;
        let others = targets.iter().filter(|target| target.id() != TARGET).map(|target| target.id.clone());
        self.remove_targets(door, others.collect()).await?;
        if targets.iter().any(|target| target.id() == TARGET && target.arn() == self.queue_arn) {
            return Ok(());
        }
        self.put_target(door).await
    }

    /// A rule that has targets cannot be removed.
    pub(super) async fn delete(&self, door: &Door) -> Result<(), Failure> {
        let targets = self.targets(door).await?.into_iter().map(|target| target.id).collect();
        self.remove_targets(door, targets).await?;
        door.events.delete_rule().name(&self.name).send().await.map_err(failed("events:DeleteRule"))?;
        Ok(())
    }

    /// Tags go with a new rule only: EventBridge does not look at them afterwards.
    async fn put(&self, door: &Door, new: bool) -> Result<(), Failure> {
        let call = "events:PutRule";
        let mut request = door.events.put_rule().name(&self.name).event_pattern(self.pattern().to_string());
        if new {
            request = request.tags(tags::event(&self.owner, call)?);
        }
        request.state(RuleState::Enabled).send().await.map_err(failed(call))?;
        Ok(())
    }

    async fn put_target(&self, door: &Door) -> Result<(), Failure> {
        let call = "events:PutTargets";
        let target = Target::builder().id(TARGET).arn(&self.queue_arn).build();
        let target = target.map_err(|error| tags::unbuilt(call, &error))?;
        let answer = door.events.put_targets().rule(&self.name).targets(target).send().await;
        partly(call, answer.map_err(failed(call))?.failed_entry_count)
    }

    async fn remove_targets(&self, door: &Door, ids: Vec<String>) -> Result<(), Failure> {
        let call = "events:RemoveTargets";
        if ids.is_empty() {
            return Ok(());
        }
        let answer = door.events.remove_targets().rule(&self.name).set_ids(Some(ids)).send().await;
        partly(call, answer.map_err(failed(call))?.failed_entry_count)
    }

    async fn found(&self, door: &Door) -> Result<Option<DescribeRuleOutput>, Failure> {
        match door.events.describe_rule().name(&self.name).send().await.map_err(failed("events:DescribeRule"))
        {
            Ok(rule) => Ok(Some(rule)),
            Err(failure) if failure.meaning == Meaning::Absent => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// A rule has five at most.
    async fn targets(&self, door: &Door) -> Result<Vec<Target>, Failure> {
        let answer = door.events.list_targets_by_rule().rule(&self.name).send().await;
        match answer.map_err(failed("events:ListTargetsByRule")) {
            Ok(answer) => Ok(answer.targets.unwrap_or_default()),
            Err(failure) if failure.meaning == Meaning::Absent => Ok(Vec::new()),
            Err(failure) => Err(failure),
        }
    }
}

/// These two calls say yes and then which targets they mean no for.
fn partly(call: &'static str, failed: i32) -> Result<(), Failure> {
    if failed == 0 {
        return Ok(());
    }
    Err(Failure { call, meaning: Meaning::Later, what: format!("{failed} targets were not taken") })
}
