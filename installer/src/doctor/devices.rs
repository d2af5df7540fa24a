//! What gives GPUs and EFA interfaces to pods, and what that does not do.

use super::Finding;
use crate::devices::hindered;
use crate::kube::Client;
use crate::settings::Settings;

/// Whether what is to give devices to pods can work here, and what it does not do. Nothing of device plugins.
pub async fn devices(client: &Client, settings: &Settings) -> Vec<Finding> {
    let subject = "GPU_DEVICES";
    if !settings.uses_dra() {
        return Vec::new();
    }
    let mut findings = vec![match hindered(client, settings).await {
        Ok(None) => Finding::ok(subject, "dra, and the API server serves resource.k8s.io/v1"),
        Ok(Some(why)) => Finding::error(subject, why, "update the cluster, or take device-plugin"),
        Err(failure) => Finding::unknown(subject, failure),
    }];
    // Of a group without nodes it knows no slices: `TemplateNodeInfo` of Cluster Autoscaler's AWS part says none.
    if settings.gpu_min_size == 0 {
        let what =
            "with dra Cluster Autoscaler starts no node in a group that has none, and GPU_MIN_SIZE is 0";
        findings.push(Finding::warning(
            subject,
            what,
            "set GPU_MIN_SIZE to the nodes that jobs wait for, or take device-plugin",
        ));
    }
    findings
}
