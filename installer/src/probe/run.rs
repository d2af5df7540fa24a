//! Runs a pod to its end, and removes it in any case.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::claim::{self, claim};
use super::{NAME, OWNER, Options, Probe, State, Way, finding, object, path, state};
use crate::aws::{Failure, Meaning, with_resource};
use crate::carry_out::patiently;
use crate::devices::API;
use crate::doctor::Finding;
use crate::kube::Client;

/// Between looks.
const BETWEEN: Duration = Duration::from_secs(2);
/// Beyond the deadline of a pod that runs, for its kubelet to say that it ended.
const BEYOND: Duration = Duration::from_secs(10);
/// For a pod to be removed: somebody who pressed Ctrl-C waits.
const REMOVAL: Duration = Duration::from_secs(45);

const CLAIM: &str = "ResourceClaim";

/// How far a run came that did not make everything.
enum Made {
    Nothing,
    Something,
}

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
        let made = self.make(probe).await;
        let place = path(&self.options.namespace, &probe.name);
        let mut findings = vec![match &made {
            Ok(()) => {
                tokio::select! {
                    told = self.wait(probe, &place) => told,
                    () = stop => unknown(probe, "interrupted"),
                }
            }
            // It says why, for example that a policy of the cluster refuses it.
            Err((failure, _)) => unknown(probe, failure),
        }];
        // Also where the answer says that it was not made: answers are lost.
        let left = match tokio::time::timeout(REMOVAL, self.remove(probe)).await {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure.to_string()),
            Err(_) => Some(format!("no answer within {} s", REMOVAL.as_secs())),
        };
        // Who may not make one may not remove one.
        let something = !matches!(made, Err((_, Made::Nothing)));
        if let Some(why) = left.filter(|_| something) {
            let what = format!("{} could not be removed: {why}", probe.name);
            let kinds = if probe.way == Way::Claim { "pod,resourceclaim" } else { "pod" };
            let advice = format!("kubectl -n {} delete {kinds} {}", self.options.namespace, probe.name);
            findings.push(Finding::warning(format_args!("pod on {}", probe.node), what, &advice));
        }
        findings
    }

    /// The pod, then its claim.
    async fn make(&self, probe: &Probe) -> Result<(), (Failure, Made)> {
        let namespace = &self.options.namespace;
        let pod = object(probe, self.options);
        let made = self.put("Pod", &probe.name, &path(namespace, &probe.name), &pod).await;
        made.map_err(|failure| (failure, Made::Nothing))?;
        let Some(claim) = claim(probe, self.options) else { return Ok(()) };
        let made = self.put(CLAIM, &probe.name, &claim::path(namespace, &probe.name), &claim).await;
        made.map_err(|failure| (failure, Made::Something))
    }

    async fn put(&self, kind: &str, name: &str, place: &str, object: &Value) -> Result<(), Failure> {
        let resource = format!("kubernetes/{kind}/{}/{name}", self.options.namespace);
        with_resource(&resource, patiently(|| self.client.apply(place, object))).await
    }

    /// The pod with its claim, which the pod's kubelet needs until the pod has ended.
    async fn remove(&self, probe: &Probe) -> Result<(), Failure> {
        let Options { namespace, .. } = self.options;
        delete(self.client, ("Pod", namespace), &probe.name, &path(namespace, &probe.name)).await?;
        match probe.way {
            Way::Limits => Ok(()),
            Way::Claim => {
                let place = claim::path(namespace, &probe.name);
                delete(self.client, (CLAIM, namespace), &probe.name, &place).await
            }
        }
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

async fn delete(
    client: &Client,
    (kind, namespace): (&str, &str),
    name: &str,
    place: &str,
) -> Result<(), Failure> {
    with_resource(&format!("kubernetes/{kind}/{namespace}/{name}"), patiently(|| client.delete(place))).await
}

/// Removes pods of ours that ended and whose run was killed before it could; and where claims are used, those whose pod
/// is not there any more.
pub async fn sweep(client: &Client, options: &Options, way: Way) -> Result<(), Failure> {
    let namespace = &options.namespace;
    // Claims first: a pod that is made meanwhile is there before its claim is.
    let claims = match way {
        Way::Limits => Vec::new(),
        Way::Claim => ours(client, &format!("{API}/namespaces/{namespace}/resourceclaims"), options).await?,
    };
    let mut there = Vec::new();
    for pod in ours(client, &format!("/api/v1/namespaces/{namespace}/pods"), options).await? {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        if ended(&pod) {
            delete(client, ("Pod", namespace), name, &path(namespace, name)).await?;
        } else {
            there.push(name.to_owned());
        }
    }
    for claim in claims {
        let name = claim["metadata"]["name"].as_str().unwrap_or_default();
        if !there.iter().any(|pod| pod == name) {
            delete(client, (CLAIM, namespace), name, &claim::path(namespace, name)).await?;
        }
    }
    Ok(())
}

/// What carries our mark of the list at `place`.
async fn ours(client: &Client, place: &str, options: &Options) -> Result<Vec<Value>, Failure> {
    let list = format!("{place}?labelSelector=app.kubernetes.io%2Fname%3D{NAME}");
    let mut all = patiently(|| client.list(&list)).await?;
    all.retain(|found| {
        let metadata = &found["metadata"];
        let named = metadata["name"].as_str().is_some_and(|name| !name.is_empty());
        named && metadata["annotations"][OWNER] == options.owner.as_str()
    });
    Ok(all)
}
