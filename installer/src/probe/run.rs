//! Runs a pod to its end, and removes it in any case.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{NAME, OWNER, Options, Probe, State, finding, object, path, state};
use crate::aws::{Failure, Meaning, with_resource};
use crate::carry_out::patiently;
use crate::doctor::Finding;
use crate::kube::Client;

/// Between looks.
const BETWEEN: Duration = Duration::from_secs(2);
/// Beyond the deadline of a pod that runs, for its kubelet to say that it ended.
const BEYOND: Duration = Duration::from_secs(10);
/// For a pod to be removed: somebody who pressed Ctrl-C waits.
const REMOVAL: Duration = Duration::from_secs(45);

/// Runs pods in one cluster.
#[derive(Clone, Debug)]
pub struct Runner<'a> {
    /// The cluster.
    pub client: &'a Client,
    /// How.
    pub options: &'a Options,
}

impl Runner<'_> {
    /// What came of `probe`. Once `stop` is done nothing is waited for any more; the pod is removed then, too.
    pub async fn run(&self, probe: &Probe, stop: impl Future<Output = ()>) -> Vec<Finding> {
        let place = path(&self.options.namespace, &probe.name);
        let resource = format!("kubernetes/Pod/{}/{}", self.options.namespace, probe.name);
        let pod = object(probe, self.options);
        let made = with_resource(&resource, patiently(|| self.client.apply(&place, &pod))).await;
        let mut findings = vec![match &made {
            Ok(()) => {
                tokio::select! {
                    told = self.wait(probe, &place) => told,
                    () = stop => unknown(probe, "interrupted"),
                }
            }
            // It says why, for example that a policy of the cluster refuses it.
            Err(failure) => unknown(probe, failure),
        }];
        // Also where the answer says that it was not made: answers are lost.
        let removal = with_resource(&resource, patiently(|| self.client.delete(&place)));
        let left = match tokio::time::timeout(REMOVAL, removal).await {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure.to_string()),
            Err(_) => Some(format!("no answer within {} s", REMOVAL.as_secs())),
        };
        // Who may not make one may not remove one.
        if let Some(why) = left.filter(|_| made.is_ok()) {
            let what = format!("{} could not be removed: {why}", probe.name);
            let advice = format!("kubectl -n {} delete pod {}", self.options.namespace, probe.name);
            findings.push(Finding::warning(format_args!("pod on {}", probe.node), what, &advice));
        }
        findings
    }

    async fn wait(&self, probe: &Probe, place: &str) -> Finding {
        let (since, deadline) = (Instant::now(), self.options.deadline);
        let last = loop {
            let last = match self.client.get(place).await {
                Ok(Some(pod)) if ended(&pod) => return finding(probe, &state(&pod), None),
                Ok(Some(pod)) => Ok(state(&pod)),
                Ok(None) => {
                    return finding(probe, &State::Ended("somebody removed it".to_owned()), None);
                }
                Err(failure) if failure.meaning == Meaning::Never => return unknown(probe, failure),
                Err(failure) => Err(failure),
            };
            let end = deadline + if last == Ok(State::Running) { BEYOND } else { Duration::ZERO };
            match end.saturating_sub(since.elapsed()) {
                Duration::ZERO => break last,
                left => tokio::time::sleep(BETWEEN.min(left)).await,
            }
        };
        match last {
            Ok(state) => finding(probe, &state, Some(since.elapsed())),
            Err(failure) => unknown(probe, failure),
        }
    }
}

fn unknown(probe: &Probe, why: impl std::fmt::Display) -> Finding {
    Finding::unknown(format_args!("pod on {}", probe.node), format_args!("{}: {why}", probe.hardware.tool()))
}

fn ended(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

/// Removes pods of ours that ended and whose run was killed before it could.
pub async fn sweep(client: &Client, options: &Options) -> Result<(), Failure> {
    let list = format!(
        "/api/v1/namespaces/{}/pods?labelSelector=app.kubernetes.io%2Fname%3D{NAME}",
        options.namespace
    );
    for pod in patiently(|| client.list(&list)).await? {
        let ours = pod["metadata"]["annotations"][OWNER] == options.owner.as_str();
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        if ours && ended(&pod) && !name.is_empty() {
            let (place, resource) =
                (path(&options.namespace, name), format!("kubernetes/Pod/{}/{name}", options.namespace));
            with_resource(&resource, patiently(|| client.delete(&place))).await?;
        }
    }
    Ok(())
}
