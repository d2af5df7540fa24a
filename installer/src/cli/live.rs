//! What every command that talks to AWS shares.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write, stderr, stdin};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Common, Stop, err, failed, out};
use crate::aws::{Cluster, Door, Meaning, PreflightError, Recorder, preflight};
use crate::carry_out;
use crate::desired::{Graph, Plan, Seen};
use crate::exit::Exit;
use crate::settings::Settings;
use crate::things::{self, Look, Things};

/// Times that the preflight is tried; the SDK makes three attempts at each call, with waits between them.
const PREFLIGHTS: u32 = 3;

#[derive(Debug, clap::Args)]
pub(super) struct LiveArgs {
    #[command(flatten)]
    common: Common,
    /// Profile of the shared AWS files; without it AWS_PROFILE and whatever else the AWS CLI would use
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// As JSON on standard output
    #[arg(long)]
    pub(super) json: bool,
}

/// Of commands that change something.
#[derive(Debug, clap::Args)]
pub(super) struct ChangeArgs {
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

/// A cluster that was found, with all that can be made for it and how that is now.
pub(super) struct Live {
    pub(super) settings: Settings,
    pub(super) cluster: Cluster,
    pub(super) door: Door,
    pub(super) things: Things,
    pub(super) graph: Graph,
    pub(super) looks: BTreeMap<String, Look>,
}

impl Live {
    /// Reads the settings, finds the cluster and looks at everything.
    pub(super) async fn find(args: &LiveArgs, recorder: Recorder) -> Result<Self, Stop> {
        let settings = args.common.load()?.settings;
        let door = Door::open(&settings.aws_region, args.profile.as_deref(), recorder).await;
        let cluster = patiently(&door, &settings).await.map_err(|error| {
            err(format_args!("installer: {error}"));
            match error {
                PreflightError::Other { .. } => Exit::Settings,
                PreflightError::Call(_) | PreflightError::Status { .. } => Exit::Aws,
            }
        })?;
        let (things, graph) = things::things(&settings, &cluster.account).map_err(|error| {
            err(format_args!("installer: {error}"));
            Exit::Settings
        })?;
        let looks = carry_out::look(&door, &things).await.map_err(|failure| {
            err(format_args!("installer: {failure}"));
            Exit::Aws
        })?;
        Ok(Self { settings, cluster, door, things, graph, looks })
    }

    /// As the tag of what is ours says it.
    pub(super) fn owner(&self) -> String {
        things::owner(&self.settings)
    }

    fn name(&self) -> &str {
        &self.settings.cluster_name
    }

    /// Whether it is there and ours.
    pub(super) fn owns(&self, seen: &Seen) -> bool {
        matches!(seen, Seen::Present { owner, .. } if *owner == Some(self.owner()))
    }

    pub(super) fn seen(&self) -> BTreeMap<String, Seen> {
        self.looks.iter().map(|(id, look)| (id.clone(), look.seen.clone())).collect()
    }

    pub(super) fn plan(&self) -> Plan {
        Plan::new(&self.graph, &self.seen(), &self.owner())
    }

    /// `cluster research (1.34) in us-west-2, account 012345678901`.
    pub(super) fn title(&self) -> String {
        let Cluster { account, version } = &self.cluster;
        format!("cluster {} ({version}) in {}, account {account}", self.name(), self.settings.aws_region)
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
        if let (Value::Object(document), Value::Object(more)) = (&mut document, more) {
            document.extend(more);
        }
        document
    }
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
