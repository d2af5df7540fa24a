//! `installer gpu verify`.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use super::super::interrupt::Interrupt;
use super::super::live::{ChangeArgs, Found, LiveArgs};
use super::super::talk::{asked_in_vain, confirm, say};
use super::super::{Stop, err, failed, out};
use super::pods::PodArgs;
use crate::aws::{Failure, Recorder};
use crate::devices::Offers;
use crate::doctor::{self, Finding, Level};
use crate::exit::Exit;
use crate::gpu::{self, Joined};
use crate::kube::Client;
use crate::probe::{self, Options, Runner, Way};
use crate::things;

/// Between looks at nodes.
const BETWEEN: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    change: ChangeArgs,
    /// Look at the nodes again for so many minutes, until all have joined and are as they must be
    #[arg(long, value_name = "MINUTES", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=120))]
    wait: u64,
    /// Look at the nodes only
    #[arg(long)]
    no_pods: bool,
    #[command(flatten)]
    pods: PodArgs,
}

pub(super) async fn run(args: &VerifyArgs) -> Result<(), Stop> {
    let (wait, pods) = (args.wait, (!args.no_pods).then(|| args.pods.clone()));
    let recorder = if pods.is_some() { args.change.recorder()? } else { Recorder::looking() };
    Box::pin(verify(&args.live, recorder, wait, pods, args.change.yes)).await
}

/// Looks at the nodes, for so many minutes at most, and runs pods on them.
pub(super) async fn verify(
    args: &LiveArgs,
    recorder: Recorder,
    wait: u64,
    pods: Option<PodArgs>,
    yes: bool,
) -> Result<(), Stop> {
    let found = Found::find(args, recorder).await?;
    let client =
        args.inside.client(&found.loaded.settings, &found.cluster, &found.door).await.map_err(|why| {
            err(format_args!("installer: the cluster cannot be asked: {why}"));
            Exit::Aws
        })?;
    if pods.is_some() {
        confirm(
            "Run a pod for the free GPUs and one for the free EFA interfaces of a node of each node group?",
            yes,
        )?;
    }
    let stop =
        Interrupt::listen().map_err(|error| failed(format_args!("cannot listen to signals: {error}")))?;
    let end = Instant::now() + Duration::from_secs(wait * 60);
    let (mut joined, mut findings) = nodes(&found, &client).await?;
    while wrong(&findings) && Instant::now() < end && !stop.has_come() {
        tokio::select! {
            () = stop.came() => {}
            () = tokio::time::sleep(BETWEEN.min(end.saturating_duration_since(Instant::now()))) => {}
        }
        (joined, findings) = nodes(&found, &client).await?;
    }
    if let Some(pods) = pods.filter(|_| !stop.has_come()) {
        findings.extend(run_pods(&found, &client, &joined, &pods, &stop).await);
    } else if stop.has_come() {
        findings.push(Finding::unknown("pods", "interrupted"));
    }
    tell(&found, args.json, &findings)
}

fn wrong(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.level >= Level::Unknown)
}

/// The nodes of the groups, and what is to be said of them.
async fn nodes(found: &Found, client: &Client) -> Result<(Vec<Joined>, Vec<Finding>), Stop> {
    let settings = &found.loaded.settings;
    let joined =
        gpu::joined(&found.door, client, settings).await.map_err(|failure| asked_in_vain(&failure))?;
    let mut findings = Vec::new();
    for group in &joined {
        let (subject, has) = (format!("node group {}", group.name), group.nodes.len() as u64);
        let what = format!("{has} of {} nodes have joined", group.wanted);
        let advice = "installer gpu status says how the group is; see the log of an instance that does not join: aws ec2 \
                      get-console-output";
        findings.push(if has < group.wanted {
            Finding::error(subject, what, advice)
        } else {
            Finding::ok(subject, what)
        });
        if has > 0 {
            findings.extend(doctor::these_nodes(client, settings, &group.nodes).await);
        }
    }
    if joined.iter().all(|group| group.nodes.is_empty() && group.wanted == 0) {
        let what = "no node group of these settings wants a node, so nothing can be told of their hardware";
        findings.push(Finding::unknown("GPU nodes", what));
    }
    Ok((joined, findings))
}

async fn run_pods(
    found: &Found,
    client: &Client,
    joined: &[Joined],
    args: &PodArgs,
    stop: &Interrupt,
) -> Vec<Finding> {
    let options = Options {
        namespace: args.namespace.clone(),
        gpu_image: args.gpu_image.clone(),
        efa_image: args.efa_image.clone(),
        deadline: Duration::from_secs(args.pod_timeout),
        owner: things::gpu_owner(&found.loaded.settings),
    };
    let mut findings = Vec::new();
    let given = async {
        let offers = Offers::ask(client, &found.loaded.settings).await?;
        let claims = offers.claims(client).await?;
        Ok((offers, claims))
    };
    let (offers, claims) = match given.await {
        Ok(given) => given,
        Err(failure) => return vec![unasked(&failure)],
    };
    if let Err(failure) = probe::sweep(client, &options, Way::of(&offers)).await {
        findings.push(Finding::warning("pods", format_args!("of earlier runs may be left: {failure}"), ""));
    }
    let mut probes = Vec::new();
    for group in joined.iter().filter(|group| !group.nodes.is_empty()) {
        let (some, told) = probe::probes(client, &group.name, &group.nodes, (&offers, &claims)).await;
        probes.extend(some);
        findings.extend(told);
    }
    for probe in &probes {
        err(format_args!("running {} in the pod {} on {}", probe.hardware.tool(), probe.name, probe.node));
    }
    let runner = Runner { client, options: &options };
    let all = probes.iter().map(|probe| runner.run(probe, stop.came()));
    findings.extend(join_all(all).await.into_iter().flatten());
    findings
}

fn unasked(failure: &Failure) -> Finding {
    Finding::unknown("pods", format_args!("nobody knows which devices are free: {failure}"))
}

fn tell(found: &Found, json: bool, findings: &[Finding]) -> Result<(), Stop> {
    let count = |level: Level| findings.iter().filter(|finding| finding.level == level).count();
    let (errors, warnings, unknown) = (count(Level::Error), count(Level::Warning), count(Level::Unknown));
    if json {
        let (reads, writes) = found.door.recorder().calls();
        out(json!({
            "apiVersion": "gpunode.io/installer-gpu-verify/v1",
            "cluster": found.loaded.settings.cluster_name,
            "region": found.loaded.settings.aws_region,
            "fine": errors == 0 && unknown == 0,
            "counts": { "error": errors, "warning": warnings, "unknown": unknown, "ok": count(Level::Ok) },
            "findings": findings,
            "calls": { "reading": reads, "mutating": writes },
        }));
    }
    say(json, doctor::table(findings).trim_end());
    say(json, format_args!("{errors} errors, {warnings} warnings, {unknown} could not be told"));
    match (errors, unknown) {
        (0, 0) => Ok(()),
        (0, _) => Err(Exit::Aws),
        _ => Err(Exit::Differs),
    }
}
