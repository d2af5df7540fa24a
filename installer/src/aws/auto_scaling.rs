//! A client of Auto Scaling's Query API.

use std::sync::Arc;

use aws_config::SdkConfig;

use super::query::{Query, Service};
use super::{Element, Failure, Form, Recorder};

/// The client.
#[derive(Clone, Debug)]
pub struct AutoScaling(Query);

impl AutoScaling {
    pub(super) fn new(shared: &Arc<SdkConfig>, recorder: Recorder) -> Self {
        Self(Query::new(Service { name: "AutoScaling", endpoint: "Auto Scaling" }, shared, recorder))
    }

    /// Makes a call with a form of [`Form::of_auto_scaling`].
    pub async fn call(&self, form: Form) -> Result<Element, Failure> {
        self.0.call(form).await
    }

    /// The group of this name, as Auto Scaling describes it.
    pub async fn group(&self, name: &str) -> Result<Option<Element>, Failure> {
        let form = Form::of_auto_scaling("autoscaling:DescribeAutoScalingGroups");
        let answer = self.call(form.list("AutoScalingGroupNames.member", [name])).await?;
        let result = answer.find("DescribeAutoScalingGroupsResult").cloned().unwrap_or_default();
        let found = result
            .members("AutoScalingGroups")
            .find(|group| group.text("AutoScalingGroupName") == name)
            .cloned();
        Ok(found)
    }

    /// Why the newest activity of the group did not end well; none where it did.
    pub async fn trouble(&self, name: &str) -> Result<Option<String>, Failure> {
        let form = Form::of_auto_scaling("autoscaling:DescribeScalingActivities");
        let form = form.with("AutoScalingGroupName", name).with("MaxRecords", "1");
        let answer = self.call(form).await?;
        let result = answer.find("DescribeScalingActivitiesResult").cloned().unwrap_or_default();
        let newest =
            result.members("Activities").next().map(|activity| activity.text("StatusMessage").to_owned());
        Ok(newest.filter(|said| !said.is_empty()))
    }
}
