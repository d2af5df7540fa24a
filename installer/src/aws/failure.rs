//! What a failed call means for whoever made it.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// A call that failed, told whole in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {what}")]
pub struct Failure {
    /// Service and operation, as IAM policies name them.
    pub call: &'static str,
    /// What is to be done about it.
    pub meaning: Meaning,
    /// AWS's code and message, or the chain of what broke.
    pub what: String,
}

/// What a failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// There is nothing of that name.
    Absent,
    /// Not now: throttled, a server's error, a conflict with a change under way, a connection that broke.
    Later,
    /// No, whoever asks again.
    Never,
}

/// AWS's codes for what is not there: IAM, EKS and EventBridge, SQS, Service Quotas, EC2.
const ABSENT: [&str; 15] = [
    "NoSuchEntity",
    "ResourceNotFoundException",
    "QueueDoesNotExist",
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchResourceException",
    "InvalidAMIID.NotFound",
    "InvalidAMIID.Unavailable",
    "InvalidCapacityReservationId.NotFound",
    "InvalidGroup.NotFound",
    "InvalidLaunchTemplateId.NotFound",
    "InvalidLaunchTemplateId.NotFoundException",
    "InvalidLaunchTemplateId.VersionNotFound",
    "InvalidLaunchTemplateName.NotFoundException",
    "InvalidPermission.NotFound",
    "InvalidPlacementGroup.Unknown",
];
/// AWS's codes for a conflict with another change, of the service's own or of a second installer, that passes; it is
/// looked at again before the next attempt. `DeleteConflict`: IAM forgets an attachment a moment after its removal;
/// `DependencyViolation` and `InUse`: EC2 an interface or an instance.
const CONFLICT: [&str; 18] = [
    "AlreadyExists",
    "ConcurrentModification",
    "ConcurrentModificationException",
    "DeleteConflict",
    "DependencyViolation",
    "EntityAlreadyExists",
    "InvalidGroup.Duplicate",
    "InvalidLaunchTemplateName.AlreadyExistsException",
    "InvalidPermission.Duplicate",
    "InvalidPlacementGroup.Duplicate",
    "InvalidPlacementGroup.InUse",
    "LimitExceeded",
    "QueueDeletedRecently",
    "QueueNameExists",
    "ResourceInUse",
    "ResourceInUseException",
    "ScalingActivityInProgress",
    "AWS.SimpleQueueService.QueueDeletedRecently",
];
/// AWS's codes for too many calls and for trouble of its own; anything with a status from 500 on is one, too.
const TROUBLE: [&str; 8] = [
    "InternalFailure",
    "RequestLimitExceeded",
    "ServerException",
    "ServiceFailure",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "SlowDown",
    "TooManyRequestsException",
];

fn meaning(code: &str, status: Option<u16>) -> Meaning {
    let later = CONFLICT.contains(&code) || TROUBLE.contains(&code) || code.contains("Throttl");
    if ABSENT.contains(&code) {
        Meaning::Absent
    } else if later || status.is_some_and(|status| status >= 500 || status == 429) {
        Meaning::Later
    } else {
        Meaning::Never
    }
}

/// Makes a failure of the SDK's error for `call`.
pub fn failed<E>(call: &'static str) -> impl FnOnce(SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    move |error| {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let (meaning, what) = match &error {
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or_default();
                let message = service.err().message().unwrap_or("no message");
                let shown =
                    if code.is_empty() { format!("status {}", status.unwrap_or(0)) } else { code.to_owned() };
                (self::meaning(code, status), format!("{shown}: {message}"))
            }
            // Nothing was sent: no credentials, no region, a request that cannot be made.
            SdkError::ConstructionFailure(_) => (Meaning::Never, chain(&error)),
            SdkError::DispatchFailure(failure)
                if failure.is_user() || (failure.is_other() && failure.as_other().is_none()) =>
            {
                (Meaning::Never, chain(&error))
            }
            _ => (Meaning::Later, chain(&error)),
        };
        Failure { call, meaning, what }
    }
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_mean_what_aws_says_of_them() {
        assert_eq!(meaning("NoSuchEntity", Some(404)), Meaning::Absent);
        for (code, status) in
            [("Throttling", 400), ("ThrottlingException", 400), ("", 503), ("Anything", 500)]
        {
            assert_eq!(meaning(code, Some(status)), Meaning::Later, "{code}");
        }
        assert_eq!(meaning("EntityAlreadyExists", Some(409)), Meaning::Later);
        assert_eq!(meaning("AccessDenied", Some(403)), Meaning::Never);
        assert_eq!(meaning("ValidationError", Some(400)), Meaning::Never);
    }
}
