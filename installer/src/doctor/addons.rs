//! EKS's add-ons, whoever installed them.

use super::Finding;
use crate::aws::Door;
use crate::settings::Settings;
use crate::things;

/// What is wrong with each add-on, whoever installed it; and whether pods can get roles at all.
pub async fn addons(door: &Door, settings: &Settings) -> Vec<Finding> {
    const AGENT: &str = "eks-pod-identity-agent";
    let all = match things::addons(door, &settings.cluster_name).await {
        Ok(all) => all,
        Err(failure) => return vec![Finding::unknown("add-ons", failure)],
    };
    let mut findings = Vec::new();
    for (name, look) in &all {
        let subject = format!("add-on {name}");
        let look = match look {
            Ok(look) => look,
            Err(failure) => {
                findings.push(Finding::unknown(subject, failure));
                continue;
            }
        };
        let note = look.note.clone().unwrap_or_default();
        let advice = format!(
            "see its pods: kubectl -n kube-system get pods; then aws eks describe-addon --addon-name {name}"
        );
        findings.push(match (look.sick, &look.pending) {
            (true, _) => Finding::error(subject, note, &advice),
            (false, Some(_)) => Finding::warning(subject, note, "wait: installer verify --wait 20"),
            (false, None) => Finding::ok(subject, note),
        });
    }
    if !all.iter().any(|(name, _)| name == AGENT) {
        let what = "is not installed: no pod gets its role by Pod Identity";
        findings.push(Finding::error(format_args!("add-on {AGENT}"), what, "installer apply"));
    }
    findings
}
