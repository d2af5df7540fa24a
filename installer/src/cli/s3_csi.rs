//! `installer s3-csi`: the buckets that pods may use, of a cluster that is there already.

mod checks;
mod list;
mod names;

use clap::Subcommand;

use super::live::{ChangeArgs, Found, Live, LiveArgs};
use super::talk::{block_on, say};
use super::{Stop, apply, err, plan};
use crate::aws::Recorder;
use crate::desired::Seen;
use crate::exit::Exit;
use crate::s3::Grants;
use crate::things::{self, POD_IDENTITY_AGENT, S3Change, S3Held};

#[derive(Debug, Subcommand)]
pub(crate) enum S3CsiCommand {
    /// Give pods more buckets, or prefixes of buckets; the driver and its role are installed where they are not there
    Add(AddArgs),
    /// Take buckets away that were added
    Remove(RemoveArgs),
    /// Show what pods may use, and whether it is there
    List(LiveArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddArgs {
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    change: ChangeArgs,
    /// `arn:aws:s3:::BUCKET`, or `arn:aws:s3:::BUCKET/PREFIX` for what is under that prefix
    #[arg(required = true, value_name = "ARN")]
    arns: Vec<String>,
    /// The buckets are of this account, not of the cluster's; their policies must allow the driver's role, too
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    other_account: Option<String>,
    /// The buckets may be in another region than the cluster
    #[arg(long)]
    other_region: bool,
    /// Do not ask S3 for the buckets, where these credentials may not look at them
    #[arg(long, conflicts_with_all = ["other_account", "other_region"])]
    unchecked: bool,
    /// Check, show what would be done, and do nothing
    #[arg(long, visible_alias = "plan", conflicts_with = "yes")]
    dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RemoveArgs {
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    change: ChangeArgs,
    /// As `s3-csi list` shows them
    #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "ARN")]
    arns: Vec<String>,
    /// Everything that was added, and the role and the driver with it where the settings do not ask for them
    #[arg(long)]
    all: bool,
    /// Show what would be done, and do nothing
    #[arg(long, visible_alias = "plan", conflicts_with = "yes")]
    dry_run: bool,
}

/// 12 digits.
fn account(text: &str) -> Result<String, &'static str> {
    let digits = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { Ok(text.to_owned()) } else { Err("an account has 12 digits") }
}

pub(super) fn run(command: &S3CsiCommand) -> Result<(), Stop> {
    block_on(async {
        match command {
            S3CsiCommand::Add(args) => Box::pin(add(args)).await,
            S3CsiCommand::Remove(args) => Box::pin(remove(args)).await,
            S3CsiCommand::List(args) => Box::pin(list::show(args)).await,
        }
    })
}

async fn add(args: &AddArgs) -> Result<(), Stop> {
    let (wanted, mut found) = find(&args.live, &args.change, &args.arns, args.dry_run).await?;
    let partition = found.loaded.settings.partition();
    let there = found.s3_held().await?;
    let (mut give, mut said) = (Grants::new(), Vec::new());
    let now = there.clone().held();
    for grant in wanted {
        if let Some((by, named)) = now.covering(&grant) {
            let whose = if named { "the settings give" } else { "given before:" };
            said.push(format!("{}: {whose} {}", grant.arn(partition), by.arn(partition)));
        } else {
            said.push(format!("{}: to be given", grant.arn(partition)));
            give.insert(grant);
        }
    }
    if args.unchecked {
        said.extend(give.iter().map(|grant| format!("not checked: {}", grant.arn(partition))));
    } else {
        checks::checked(&found, &give, args).await?;
    }
    let change = S3Change { give, ..kept(&found, there, &Grants::new()) };
    checks::fits(&change.outcome(), partition)?;
    for line in said {
        say(args.live.json, line);
    }
    let mut live = look(found, &args.live, &change, true).await?.beside(&now.added);
    // Whoever installed the agent keeps it as it is.
    if !matches!(live.looks.get(POD_IDENTITY_AGENT).map(|look| &look.seen), Some(Seen::Absent)) {
        live.leave(POD_IDENTITY_AGENT)?;
    }
    bring(&live, &args.live, &args.change, args.dry_run).await
}

async fn remove(args: &RemoveArgs) -> Result<(), Stop> {
    let (wanted, mut found) = find(&args.live, &args.change, &args.arns, args.dry_run).await?;
    let partition = found.loaded.settings.partition();
    let there = found.s3_held().await?;
    let now = there.clone().held();
    let (mut take, mut said) = (Grants::new(), Vec::new());
    let mut mistakes = Vec::new();
    for grant in if args.all { &now.added } else { &wanted } {
        if now.added.contains(grant) {
            said.push(format!("{}: to be taken away", grant.arn(partition)));
            take.insert(grant.clone());
        } else {
            match now.covering(grant) {
                Some((_, true)) => mistakes.push(format!(
                    "{} is of the settings: take it out of S3_CSI_BUCKETS and apply them",
                    grant.arn(partition)
                )),
                Some((by, false)) => {
                    mistakes.push(format!("{} is within {}", grant.arn(partition), by.arn(partition)));
                }
                None => said.push(format!("{}: not given", grant.arn(partition))),
            }
        }
    }
    names::told(&mistakes, Exit::Settings)?;
    let change = S3Change { take: take.clone(), ..kept(&found, there, &take) };
    let (rest, driver) = (change.outcome(), found.loaded.settings.install_s3_csi);
    if rest.is_empty() && !take.is_empty() && !args.all {
        let more = if driver { "" } else { " and the driver itself" };
        err(format_args!(
            "installer: pods would have no bucket any more, so the driver's role{more} would go, too: --all says that \
             this is meant; nothing was done"
        ));
        return Err(Exit::Unconfirmed);
    }
    for line in said {
        say(args.live.json, line);
    }
    let live = look(found, &args.live, &change, driver || !rest.is_empty()).await?;
    let mut live = live.beside(&now.added);
    live.leave(POD_IDENTITY_AGENT)?;
    bring(&live, &args.live, &args.change, args.dry_run).await
}

/// What the command line names, and the cluster.
async fn find(
    live: &LiveArgs,
    change: &ChangeArgs,
    arns: &[String],
    dry_run: bool,
) -> Result<(Grants, Found), Stop> {
    let loaded = live.common.load()?;
    let named = names::read(&loaded.settings, arns)?;
    let recorder = if dry_run { Recorder::looking() } else { change.recorder()? };
    Ok((named, Box::pin(Found::of(loaded, live, recorder)).await?))
}

/// Everything stays but what is taken. What the policy has of the settings counts, not what they say here: only `apply`
/// changes that.
fn kept(found: &Found, there: S3Held, take: &Grants) -> S3Change {
    let new = there == S3Held::None;
    let held = there.held();
    let change = S3Change::none(&found.loaded.settings, held.added.difference(take).cloned().collect());
    if new { change } else { S3Change { named: held.named, ..change } }
}

async fn look(found: Found, args: &LiveArgs, change: &S3Change, driver: bool) -> Result<Live, Stop> {
    let things = things::s3_things(&found.loaded.settings, &found.cluster.account, change, driver);
    let owner = things::owner(&found.loaded.settings);
    Box::pin(found.look(args, owner, things)).await
}

async fn bring(live: &Live, args: &LiveArgs, change: &ChangeArgs, dry_run: bool) -> Result<(), Stop> {
    if !dry_run {
        return apply::bring(live, change.yes, args.json).await;
    }
    plan::show(live, args.json, false)?;
    if live.plan().refuses() { Err(Exit::Refused) } else { Ok(()) }
}
