//! The ownership tag, in the form of each service.

use std::collections::HashMap;

use aws_sdk_eventbridge::types::Tag as EventTag;
use aws_sdk_iam::types::Tag as IamTag;

use crate::aws::Failure;
use crate::launch_template::OWNER_TAG;
use crate::settings::Settings;

/// The tag's value: `us-west-2/research`. Roles and policies belong to no region, so that two clusters of one name in two
/// regions would take each other's for their own without it.
pub fn owner(settings: &Settings) -> String {
    format!("{}/{}", settings.aws_region, settings.cluster_name)
}

/// The same for what belongs to the GPU node groups of one settings file: another one of the same cluster has its own.
pub fn gpu_owner(settings: &Settings) -> String {
    format!("{}/{}", owner(settings), settings.gpu_node_group_name)
}

/// For EKS and SQS.
pub(super) fn map(owner: &str) -> HashMap<String, String> {
    HashMap::from([(OWNER_TAG.to_owned(), owner.to_owned())])
}

/// The owner by tags of EKS and SQS.
pub(super) fn in_map(tags: Option<&HashMap<String, String>>) -> Option<String> {
    tags.and_then(|tags| tags.get(OWNER_TAG).cloned())
}

/// For IAM.
pub(super) fn iam(owner: &str, call: &'static str) -> Result<IamTag, Failure> {
    IamTag::builder().key(OWNER_TAG).value(owner).build().map_err(|error| unbuilt(call, &error))
}

/// The owner by tags of IAM.
pub(super) fn in_iam(tags: &[IamTag]) -> Option<String> {
    tags.iter().find(|tag| tag.key() == OWNER_TAG).map(|tag| tag.value().to_owned())
}

/// For EventBridge.
pub(super) fn event(owner: &str, call: &'static str) -> Result<EventTag, Failure> {
    EventTag::builder().key(OWNER_TAG).value(owner).build().map_err(|error| unbuilt(call, &error))
}

/// The owner by tags of EventBridge.
pub(super) fn in_event(tags: &[EventTag]) -> Option<String> {
    tags.iter().find(|tag| tag.key() == OWNER_TAG).map(|tag| tag.value().to_owned())
}

/// A request that lacks a field: a fault of ours, told as such.
pub(super) fn unbuilt(call: &'static str, error: &dyn std::error::Error) -> Failure {
    Failure { call, meaning: crate::aws::Meaning::Never, what: format!("cannot be asked: {error}") }
}
