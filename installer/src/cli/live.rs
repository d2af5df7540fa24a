//! What every command that talks to AWS shares.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write, stderr, stdin};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::inside::InsideArgs;
use super::{Common, Stop, err, failed, out};
use crate::aws::{Cluster, Door, Failure, Meaning, PreflightError, Recorder, preflight};
use crate::carry_out;
use crate::desired::{Graph, Plan, Seen, Task};
use crate::devices;
use crate::exit::Exit;
use crate::s3::Grants;
use crate::settings::{Loaded, Settings};
use crate::things::{self, CatalogueError, Look, S3Held, Things};

/// Times that the preflight is tried; the SDK makes three attempts at each call, with waits between them.
const PREFLIGHTS: u32 = 3;

#[derive(Debug, clap::Args)]
pub(crate) struct LiveArgs {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    pub(super) inside: InsideArgs,
    /// Profile of the shared AWS files; without it AWS_PROFILE and whatever else the AWS CLI would use
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// As JSON on standard output
    #[arg(long)]
    pub(super) json: bool,
}

/// Of commands that change something.
#[derive(Debug, clap::Args)]
pub(crate) struct ChangeArgs {
    /// Do not ask
    #[arg(long)]
    pub(super) yes: bool,
    /// Every mutating call is appended to it: a line of JSON before it is sent, and one after it was answered
    #[arg(long, value_name = "FILE", default_value = "installer-audit.jsonl")]
    audit_log: PathBuf,
}

impl ChangeArgs {
    pub(super) fn recorder(&self) -> Result<Recorder, Stop> {
        let path = &self.audit_log;
        Recorder::writing(path)
            .map_err(|error| failed(format_args!("cannot write {}: {error}", path.display())))
    }
}

/// A cluster that was found.
pub(super) struct Found {
    pub(super) loaded: Loaded,
    pub(super) cluster: Cluster,
    pub(super) door: Door,
}

/// A cluster that was found, with all that can be made for it and how that is now.
pub(super) struct Live {
    pub(super) settings: Settings,
    pub(super) cluster: Cluster,
    pub(super) door: Door,
    /// As the tag of what is ours says it.
    pub(super) owner: String,
    pub(super) things: Things,
    pub(super) graph: Graph,
    pub(super) looks: BTreeMap<String, Look>,
    /// Why nothing is known of what is inside the cluster; it is not among the things then.
    pub(super) unknown: Option<String>,
    /// ARNs of buckets that `s3-csi add` gave beside the settings, and that stay.
    pub(super) given: Vec<String>,
}

impl Found {
    /// Reads the settings and finds the cluster.
    pub(super) async fn find(args: &LiveArgs, recorder: Recorder) -> Result<Self, Stop> {
        let loaded = args.common.load()?;
        let door = Door::open(&loaded.settings.aws_region, args.profile.as_deref(), recorder).await;
        let cluster = patiently(&door, &loaded.settings).await.map_err(|error| {
            err(format_args!("installer: {error}"));
            match error {
                PreflightError::Other { .. } => Exit::Settings,
                PreflightError::Call(_) | PreflightError::Status { .. } => Exit::Aws,
            }
        })?;
        Ok(Self { loaded, cluster, door })
    }

    /// What the role of the Mountpoint for S3 driver is given.
    pub(super) async fn s3_held(&self) -> Result<S3Held, Stop> {
        let look = || things::s3_held(&self.door, &self.loaded.settings, &self.cluster.account);
        carry_out::patiently(look).await.map_err(|failure| asked_in_vain(&failure))
    }

    /// Looks at `things`, which are `owner`'s where they carry its tag. What is inside the cluster is unknown where that
    /// cannot be reached.
    pub(super) async fn look(
        self,
        args: &LiveArgs,
        owner: String,
        things: Result<(Things, Graph), CatalogueError>,
    ) -> Result<Live, Stop> {
        let Self { loaded, cluster, mut door } = self;
        let settings = loaded.settings;
        let (mut things, mut graph) = things.map_err(|error| {
            err(format_args!("installer: {error}"));
            Exit::Settings
        })?;
        let (inside, outside): (Things, Things) =
            things.clone().into_iter().partition(|(_, thing)| thing.is_inside());
        let mut looks = carry_out::look(&door, &outside).await.map_err(|failure| asked_in_vain(&failure))?;
        let mut unknown = None;
        if !inside.is_empty() {
            match look_inside(args, &settings, &cluster, &mut door, &inside).await {
                Ok(found) => looks.extend(found),
                Err(why) => {
                    unknown = Some(why);
                    things = outside;
                    graph = again(&things)?;
                }
            }
        }
        Ok(Live { settings, cluster, door, owner, things, graph, looks, unknown, given: Vec::new() })
    }
}

/// Says which call failed.
pub(super) fn asked_in_vain(failure: &Failure) -> Stop {
    err(format_args!("installer: {failure}"));
    Exit::Aws
}

impl Live {
    /// Reads the settings, finds the cluster and looks at everything.
    pub(super) async fn find(args: &LiveArgs, recorder: Recorder) -> Result<Self, Stop> {
        let found = Found::find(args, recorder).await?;
        let given = found.s3_held().await?.held().added;
        let things = things::things(&found.loaded, &found.cluster.account, given.clone());
        let owner = things::owner(&found.loaded.settings);
        Ok(found.look(args, owner, things).await?.beside(&given))
    }

    /// With what `s3-csi add` gave.
    pub(super) fn beside(mut self, given: &Grants) -> Self {
        let partition = self.settings.partition();
        self.given = given.iter().map(|grant| grant.arn(partition)).collect();
        self
    }

    /// The same for a command that changes something: it has to know everything before it begins.
    pub(super) async fn find_all(args: &LiveArgs, recorder: Recorder, task: Task) -> Result<Self, Stop> {
        let mut live = Self::find(args, recorder).await?;
        if let Some(why) = &live.unknown {
            err(format_args!("installer: {UNKNOWN}: {why}"));
            err("installer: nothing was done; INSTALL_KUBERNETES=false leaves the inside of the cluster out");
            return Err(Exit::Aws);
        }
        if task == Task::Destroy {
            live.things.retain(|_, thing| thing.is_removable());
            live.graph = again(&live.things)?;
        }
        Ok(live)
    }

    /// Refuses settings that the API server cannot work with.
    pub(super) async fn usable(&self) -> Result<(), Stop> {
        let Some(client) = &self.door.kubernetes else { return Ok(()) };
        match devices::hindered(client, &self.settings).await {
            Ok(None) => Ok(()),
            Ok(Some(why)) => {
                err(format_args!("installer: {why}"));
                Err(Exit::Settings)
            }
            Err(failure) => Err(asked_in_vain(&failure)),
        }
    }

    /// Leaves a thing out that nothing needs.
    pub(super) fn leave(&mut self, id: &str) -> Result<(), Stop> {
        self.things.remove(id);
        self.looks.remove(id);
        self.graph = again(&self.things)?;
        Ok(())
    }

    fn name(&self) -> &str {
        &self.settings.cluster_name
    }

    /// Whether it is there and ours.
    pub(super) fn owns(&self, seen: &Seen) -> bool {
        matches!(seen, Seen::Present { owner, .. } if owner.as_ref() == Some(&self.owner))
    }

    pub(super) fn seen(&self) -> BTreeMap<String, Seen> {
        self.looks.iter().map(|(id, look)| (id.clone(), look.seen.clone())).collect()
    }

    pub(super) fn plan(&self) -> Plan {
        Plan::new(&self.graph, &self.seen(), &self.owner)
    }

    /// `cluster research (1.34) in us-west-2, account 012345678901`.
    pub(super) fn title(&self) -> String {
        let Cluster { account, version, .. } = &self.cluster;
        let inside = match &self.door.kubernetes {
            Some(client) => format!("; API server {} by {}", client.access().server, client.access().origin),
            None => String::new(),
        };
        format!(
            "cluster {} ({version}) in {}, account {account}{inside}",
            self.name(),
            self.settings.aws_region
        )
    }

    /// A JSON document of this kind about this cluster.
    pub(super) fn document(&self, kind: &str, more: Value) -> Value {
        let (reads, writes) = self.door.recorder().calls();
        let mut document = json!({
            "apiVersion": format!("gpunode.io/installer-{kind}/v1"),
            "cluster": self.name(),
            "region": self.settings.aws_region,
            "account": self.cluster.account,
            "calls": { "reading": reads, "mutating": writes },
        });
        if self.settings.install_kubernetes {
            document["inside"] = json!({ "known": self.unknown.is_none(), "why": self.unknown });
        }
        if let (Value::Object(document), Value::Object(more)) = (&mut document, more) {
            document.extend(more);
        }
        document
    }
}

/// Before the reason.
pub(super) const UNKNOWN: &str = "what is inside the cluster is not known";

/// Looks at `things` inside the cluster, whose API server `door` has from then on.
async fn look_inside(
    args: &LiveArgs,
    settings: &Settings,
    cluster: &Cluster,
    door: &mut Door,
    things: &Things,
) -> Result<BTreeMap<String, Look>, String> {
    door.kubernetes = Some(args.inside.client(settings, cluster, door).await?);
    carry_out::look(door, things).await.map_err(|failure| failure.to_string())
}

/// The graph of a part of the things; parts are chosen so that nothing needs what is left out.
fn again(things: &Things) -> Result<Graph, Stop> {
    things::graph(things)
        .map_err(|error| failed(format_args!("what is to be made does not fit together: {error}")))
}

/// The preflight, tried again where AWS is only in trouble: not often, as somebody waits who may have no network at all.
async fn patiently(door: &Door, settings: &Settings) -> Result<Cluster, PreflightError> {
    for _ in 1..PREFLIGHTS {
        match preflight(door, settings).await {
            Err(PreflightError::Call(failure)) if failure.meaning == Meaning::Later => {}
            done => return done,
        }
    }
    preflight(door, settings).await
}

/// Whether the removal of what has this id ends nodes, and the pods on them.
pub(super) fn ends_nodes(id: &str) -> bool {
    id.starts_with("kubernetes/NodePool/")
}

/// Before the question.
pub(super) const NODES_END: &str = "the nodes that Karpenter started for these pools end with them";

/// Runs `work` to its end on this thread.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed(format_args!("cannot start the runtime: {error}")))?;
    runtime.block_on(work)
}

/// Asks a person; where none is there, says how to go without.
pub(super) fn confirm(question: &str, yes: bool) -> Result<(), Stop> {
    if yes {
        return Ok(());
    }
    if !stdin().is_terminal() {
        err(format_args!("installer: {question} There is nobody to ask: --yes says it, nothing was done"));
        return Err(Exit::Unconfirmed);
    }
    let _ = write!(stderr(), "{question} Only `yes` will be taken: ");
    let _ = stderr().flush();
    let mut answer = String::new();
    if stdin().read_line(&mut answer).is_ok() && answer.trim() == "yes" {
        return Ok(());
    }
    err("installer: nothing was done");
    Err(Exit::Unconfirmed)
}

/// A line for people; programs that asked for JSON do not get it.
pub(super) fn say(json: bool, line: impl std::fmt::Display) {
    if !json {
        out(line);
    }
}
