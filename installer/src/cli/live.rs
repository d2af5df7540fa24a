//! What every command that talks to AWS shares.

mod found;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::inside::InsideArgs;
use super::talk::{UNKNOWN, asked_in_vain};
use super::{Common, Stop, err, failed};
use crate::aws::{Cluster, Door, Recorder};
use crate::carry_out::patiently;
use crate::desired::{Graph, Plan, Seen, Task};
use crate::devices;
use crate::exit::Exit;
use crate::gpu;
use crate::s3::Grants;
use crate::settings::Settings;
use crate::things::{self, Look, Things};

pub(super) use found::Found;
use found::again;

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

impl Live {
    /// Reads the settings, finds the cluster and looks at everything.
    pub(super) async fn find(args: &LiveArgs, recorder: Recorder) -> Result<Self, Stop> {
        let mut found = Found::find(args, recorder).await?;
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

    /// Refuses settings that AWS or the API server cannot work with.
    pub(super) async fn usable(&self) -> Result<(), Stop> {
        let wrong = patiently(|| gpu::karpenter(&self.door, &self.settings)).await;
        let wrong = wrong.map_err(|failure| asked_in_vain(&failure))?;
        for problem in &wrong {
            err(format_args!("installer: {problem}"));
        }
        if !wrong.is_empty() {
            return Err(Exit::Settings);
        }
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
