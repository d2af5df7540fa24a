//! A client of Auto Scaling's Query API, made as that of EC2 is.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_runtime::auth::SigningOptions;
use aws_smithy_runtime::client::orchestrator::operation::Operation;

use super::direct::{self, Call};
use super::ec2::{Refusal, answer, request};
use super::{Element, Failure, Form, Meaning, Recorder, endpoint, failed};

/// The client.
#[derive(Clone, Debug)]
pub struct AutoScaling {
    shared: Arc<SdkConfig>,
    recorder: Recorder,
}

impl AutoScaling {
    pub(super) fn new(shared: &Arc<SdkConfig>, recorder: Recorder) -> Self {
        Self { shared: Arc::clone(shared), recorder }
    }

    /// Makes a call with a form of [`Form::of_auto_scaling`].
    pub async fn call(&self, form: Form) -> Result<Element, Failure> {
        let call = form.call;
        let operation =
            self.operation(&form).map_err(|what| Failure { call, meaning: Meaning::Never, what })?;
        operation.invoke(form).await.map_err(failed(call))
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

    fn operation(&self, form: &Form) -> Result<Operation<Form, Element, Refusal>, String> {
        let region = self.shared.region().ok_or("no region")?.clone();
        let call = Call {
            service: "AutoScaling",
            operation: form.action(),
            endpoint: endpoint::url(&self.shared, "Auto Scaling", region.as_ref()),
            region,
            signed: SigningOptions::default(),
        };
        let builder = direct::operation::<Refusal>(&self.shared, &self.recorder, call)?;
        Ok(builder.serializer(|form: Form| request(&form)).deserializer(answer).build())
    }
}
