//! Nodes that Karpenter starts and that do not come up.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::{Finding, condition};
use crate::kube::Client;

const CLAIMS: &str = "/apis/karpenter.sh/v1/nodeclaims";
/// What a claim becomes, one after the other, and where to look when it does not. Source: Karpenter, "NodeClaims".
const STEPS: [(&str, &str); 3] = [
    (
        "Launched",
        "see kubectl describe nodeclaim: EC2's quotas and capacity, the class's subnets, groups and image",
    ),
    (
        "Registered",
        "the instance runs and did not join: see its console output, its user data, and the access entry of its role",
    ),
    ("Initialized", "it joined and is not complete: see its device plugins' pods and its startup taints"),
];
/// For a step. Karpenter itself gives up on a node that has not joined after 15 minutes.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// Asks for the claims; where Karpenter is not installed there are none.
pub async fn claims(client: &Client) -> Vec<Finding> {
    let subject = "Karpenter's nodes";
    let claims = match client.list(CLAIMS).await {
        Ok(claims) => claims,
        Err(failure) => return vec![Finding::unknown(subject, failure)],
    };
    let now = SystemTime::now();
    let mut findings: Vec<_> = claims.iter().filter_map(|claim| judge(claim, now)).collect();
    if !claims.is_empty() {
        let well = claims.len() - findings.len();
        findings.push(Finding::ok(
            subject,
            format_args!("{well} of {} are up, or still have time", claims.len()),
        ));
    }
    findings
}

/// The first step that a claim has not made, where that is wrong.
fn judge(claim: &Value, now: SystemTime) -> Option<Finding> {
    let metadata = &claim["metadata"];
    // It is being ended, which has its own time.
    if metadata["deletionTimestamp"].is_string() {
        return None;
    }
    let made = |kind: &str| condition(claim, kind).is_some_and(|found| found["status"] == "True");
    let (step, advice) = STEPS.iter().find(|(step, _)| !made(step))?;
    let subject = format!("node claim {}", metadata["name"].as_str().unwrap_or_default());
    let found = condition(claim, step);
    let text = |name: &str| found.and_then(|found| found[name].as_str()).unwrap_or_default();
    let said = [text("reason"), text("message")].into_iter().filter(|said| !said.is_empty());
    let said = said.fold(String::new(), |all, said| format!("{all}: {said}"));
    let born =
        metadata["creationTimestamp"].as_str().and_then(|time| humantime::parse_rfc3339_weak(time).ok());
    let Some(age) = born.map(|born| now.duration_since(born).unwrap_or_default()) else {
        return Some(Finding::unknown(subject, "it does not say since when it is there"));
    };
    let late = age > PATIENCE;
    (late || text("status") == "False").then(|| {
        let minutes = age.as_secs() / 60;
        Finding::error(subject, format_args!("is not {step} after {minutes} minutes{said}"), advice)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Level;
    use super::*;

    fn told(conditions: &Value, minutes: u64) -> Option<(Level, String)> {
        let claim = json!({ "metadata": { "name": "a", "creationTimestamp": "2026-01-01T00:00:00Z" },
            "status": { "conditions": conditions } });
        let born = humantime::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
        judge(&claim, born + Duration::from_secs(60 * minutes)).map(|finding| (finding.level, finding.what))
    }

    #[test]
    fn a_claim_has_its_time_and_what_it_lacks_is_told() {
        let up: Value = STEPS.iter().map(|(step, _)| json!({ "type": step, "status": "True" })).collect();
        assert_eq!(told(&up, 600), None);
        let launched = json!([{ "type": "Launched", "status": "True" },
            { "type": "Registered", "status": "Unknown", "reason": "NodeNotFound", "message": "Node not registered" }]);
        assert_eq!(told(&launched, 5), None);
        let what = "is not Registered after 11 minutes: NodeNotFound: Node not registered".to_owned();
        assert_eq!(told(&launched, 11), Some((Level::Error, what)));
        let failed = json!([{ "type": "Launched", "status": "False", "reason": "LaunchFailed" }]);
        assert_eq!(
            told(&failed, 1),
            Some((Level::Error, "is not Launched after 1 minutes: LaunchFailed".to_owned()))
        );
        assert_eq!(told(&json!([]), 1), None);
        assert!(told(&json!([]), 20).is_some());
    }

    #[test]
    fn garbage_is_not_well_and_an_end_is_no_fault() {
        let now = SystemTime::now();
        assert_eq!(judge(&json!({}), now).unwrap().level, Level::Unknown);
        let ending = json!({ "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" } });
        assert_eq!(judge(&ending, now), None);
    }
}
