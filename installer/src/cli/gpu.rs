//! `installer gpu`.

mod pods;
mod verify;

use clap::Subcommand;

use super::live::{ChangeArgs, Found, Live, LiveArgs};
use super::talk::{asked_in_vain, block_on, say};
use super::{Stop, apply, destroy, err, plan, status};
use crate::aws::Recorder;
use crate::carry_out::patiently;
use crate::desired::Seen;
use crate::exit::Exit;
use crate::gpu::{self, Facts, Group, Verdict};
use crate::settings::NodeGroupKind;
use crate::things::{self, GpuThings};

#[derive(Debug, Subcommand)]
pub(crate) enum GpuCommand {
    /// Check that everything is there that the nodes need, and make the node groups, or bring them to what the settings say
    Create(CreateArgs),
    /// Show each thing that the node groups are made of, and how it is
    Status(LiveArgs),
    /// Say whether the nodes have joined, offer what their type has and are healthy, and whether pods get GPUs and EFA
    /// interfaces: one pod for each on a node of each group, removed again
    Verify(verify::VerifyArgs),
    /// Remove the node groups with all that was made for them, and nothing else
    Delete(DeleteArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    change: ChangeArgs,
    /// One node group for each zone that the GPU subnets are in
    #[arg(long)]
    per_az: bool,
    /// Then wait so many minutes for the nodes, and do what gpu verify does
    #[arg(long, value_name = "MINUTES", conflicts_with = "dry_run", value_parser = clap::value_parser!(u64).range(..=120))]
    verify: Option<u64>,
    /// Check, show what would be done, and do nothing
    #[arg(long, visible_alias = "plan", conflicts_with = "yes")]
    dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    change: ChangeArgs,
}

pub(super) fn run(command: &GpuCommand) -> Result<(), Stop> {
    block_on(async {
        match command {
            GpuCommand::Create(args) => Box::pin(create(args)).await,
            GpuCommand::Status(args) => show(args).await,
            GpuCommand::Verify(args) => Box::pin(verify::run(args)).await,
            GpuCommand::Delete(args) => {
                let found = Found::find(&args.live, args.change.recorder()?).await?;
                let groups = gpu::candidates(&found.loaded.settings);
                let live = look(found, &args.live, &groups, true).await?;
                destroy::remove(&live, args.change.yes, args.live.json).await
            }
        }
    })
}

async fn create(args: &CreateArgs) -> Result<(), Stop> {
    let recorder = if args.dry_run { Recorder::looking() } else { args.change.recorder()? };
    let found = Found::find(&args.live, recorder).await?;
    if found.cluster.status != "ACTIVE" {
        let status = &found.cluster.status;
        err(format_args!("installer: the cluster is {status}; it takes node groups when it is ACTIVE"));
        return Err(Exit::Aws);
    }
    let groups = checked(&found, args.per_az, args.live.json).await?;
    let live = look(found, &args.live, &groups, false).await?;
    let done = if args.dry_run {
        plan::show(&live, args.live.json, false)
    } else {
        apply::bring(&live, args.change.yes, args.live.json).await
    };
    if args.dry_run && live.plan().refuses() {
        return Err(Exit::Refused);
    }
    done?;
    match args.verify {
        Some(wait) => {
            let pods = Some(pods::PodArgs::default());
            Box::pin(verify::verify(&args.live, args.change.recorder()?, wait, pods, true)).await
        }
        None => Ok(()),
    }
}

/// The node groups, once everything is there that they need; else all that is not, told.
async fn checked(found: &Found, per_az: bool, json: bool) -> Result<Vec<Group>, Stop> {
    let settings = &found.loaded.settings;
    let mut facts = facts(found).await?;
    let groups = gpu::groups(settings, &facts.subnets, per_az);
    let contradictions = gpu::contradictions(settings, &found.cluster);
    let mut mistakes: Vec<_> = contradictions.iter().map(ToString::to_string).collect();
    if let Ok(groups) = &groups {
        let nodes = patiently(|| gpu::nodes(&found.door, settings, groups)).await;
        facts.nodes = nodes.map_err(|failure| asked_in_vain(&failure))?;
        let there = patiently(|| gpu::there_as_other_kind(&found.door, settings, groups)).await;
        facts.other_kind = there.map_err(|failure| asked_in_vain(&failure))?;
    }
    let problems = gpu::check(settings, &facts, groups.as_deref().unwrap_or_default());
    mistakes.extend(problems.iter().map(ToString::to_string));
    // Where a subnet is not there its zone is not known.
    let known = settings.gpu_subnets().len() == facts.subnets.len();
    mistakes.extend(groups.as_ref().err().filter(|_| known).map(ToString::to_string));
    if let Ok(groups) = &groups {
        match gpu::quota(&found.door, settings, groups.len()).await {
            Verdict::Fine(what) => {
                say(json, format_args!("{what}; whether EC2 has so much to give, nobody says"));
            }
            // Also where nobody reads what is meant for people.
            Verdict::Unknown(why) => err(format_args!("installer: EC2's quota could not be checked: {why}")),
            Verdict::Small(problem) => mistakes.push(problem.to_string()),
        }
    }
    for mistake in &mistakes {
        err(format_args!("installer: {mistake}"));
    }
    match groups {
        Ok(groups) if mistakes.is_empty() => Ok(groups),
        Ok(_) | Err(_) => Err(Exit::Settings),
    }
}

async fn facts(found: &Found) -> Result<Facts, Stop> {
    let facts = patiently(|| gpu::facts(&found.door, &found.loaded.settings)).await;
    facts.map_err(|failure| asked_in_vain(&failure))
}

async fn look(found: Found, args: &LiveArgs, groups: &[Group], everything: bool) -> Result<Live, Stop> {
    let what = GpuThings { loaded: &found.loaded, cluster: &found.cluster, groups, everything };
    let things = things::gpu_things(what);
    let owner = things::gpu_owner(&found.loaded.settings);
    Box::pin(found.look(args, owner, things)).await
}

/// What must be there, and what is there of ours though it need not be.
async fn show(args: &LiveArgs) -> Result<(), Stop> {
    let found = Found::find(args, Recorder::looking()).await?;
    let settings = &found.loaded.settings;
    let Facts { subnets, .. } = facts(&found).await?;
    // As many as there are zones; what belongs to others is shown after them, where it is there.
    let mut groups = gpu::groups(settings, &subnets, true).unwrap_or_default();
    let wanted: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
    let more = gpu::candidates(settings).into_iter().filter(|group| !wanted.contains(&group.name));
    groups.extend(more.collect::<Vec<_>>());
    let (security, placement) = (settings.gpu_create_security_group, settings.gpu_create_placement_group);
    let cluster = settings.cluster_name.clone();
    let own = settings.gpu_node_group_kind == NodeGroupKind::SelfManaged;
    let live = look(found, args, &groups, true).await?;
    let asked = |id: &str| {
        let (kind, name) = id.split_once('/').unwrap_or_default();
        let group = name.strip_prefix(&format!("{cluster}-")).unwrap_or(name);
        match kind {
            "security-group" => security,
            "placement-group" => placement && wanted.iter().any(|wanted| wanted == group),
            "launch-template" => wanted.iter().any(|wanted| wanted == group),
            "eks-node-group" => !own && wanted.iter().any(|wanted| wanted == name),
            "auto-scaling-group" => own && wanted.iter().any(|wanted| wanted == group),
            "eks-access-entry" | "instance-profile" => own,
            _ => true,
        }
    };
    let ours =
        |id: &str| live.looks.get(id).is_some_and(|look| look.seen != Seen::Absent && live.owns(&look.seen));
    status::show(&live, args.json, |row| asked(&row.id) || ours(&row.id))
}
