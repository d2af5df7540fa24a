//! Finding the cluster, and looking at what is there.

use std::collections::BTreeMap;

use super::{Live, LiveArgs};
use crate::aws::{Cluster, Door, Meaning, PreflightError, Recorder, preflight};
use crate::carry_out;
use crate::cli::talk::asked_in_vain;
use crate::cli::{Stop, err, failed};
use crate::desired::Graph;
use crate::exit::Exit;
use crate::settings::{Loaded, Settings};
use crate::things::{self, CatalogueError, Look, S3Held, Things};

/// Times that the preflight is tried; the SDK makes three attempts at each call, with waits between them.
const PREFLIGHTS: u32 = 3;

/// A cluster that was found.
pub(in crate::cli) struct Found {
    pub(in crate::cli) loaded: Loaded,
    pub(in crate::cli) cluster: Cluster,
    pub(in crate::cli) door: Door,
    /// The policy of the Mountpoint for S3 driver, once it was looked at.
    s3: Option<Look>,
}

impl Found {
    /// Reads the settings and finds the cluster.
    pub(in crate::cli) async fn find(args: &LiveArgs, recorder: Recorder) -> Result<Self, Stop> {
        Box::pin(Self::of(args.common.load()?, args, recorder)).await
    }

    /// The same with settings that were read already.
    pub(in crate::cli) async fn of(
        loaded: Loaded,
        args: &LiveArgs,
        recorder: Recorder,
    ) -> Result<Self, Stop> {
        let door = Door::open(&loaded.settings.aws_region, args.profile.as_deref(), recorder).await;
        let cluster = patiently(&door, &loaded.settings).await.map_err(|error| {
            err(format_args!("installer: {error}"));
            match error {
                PreflightError::Other { .. } => Exit::Settings,
                PreflightError::Call(_) | PreflightError::Status { .. } => Exit::Aws,
            }
        })?;
        Ok(Self { loaded, cluster, door, s3: None })
    }

    /// What the role of the Mountpoint for S3 driver is given.
    pub(in crate::cli) async fn s3_held(&mut self) -> Result<S3Held, Stop> {
        let look = || things::s3_held(&self.door, &self.loaded.settings, &self.cluster.account);
        let (held, look) = carry_out::patiently(look).await.map_err(|failure| asked_in_vain(&failure))?;
        self.s3 = Some(look);
        Ok(held)
    }

    /// Looks at `things`, which are `owner`'s where they carry its tag. What is inside the cluster is unknown where that
    /// cannot be reached.
    pub(in crate::cli) async fn look(
        self,
        args: &LiveArgs,
        owner: String,
        things: Result<(Things, Graph), CatalogueError>,
    ) -> Result<Live, Stop> {
        let Self { loaded, cluster, mut door, s3 } = self;
        let settings = loaded.settings;
        let (mut things, mut graph) = things.map_err(|error| {
            err(format_args!("installer: {error}"));
            Exit::Settings
        })?;
        let (inside, outside): (Things, Things) =
            things.clone().into_iter().partition(|(_, thing)| thing.is_inside());
        let mut asked = outside.clone();
        let known = s3.and_then(|look| things::take_s3(&mut asked, &look));
        let mut looks = carry_out::look(&door, &asked).await.map_err(|failure| asked_in_vain(&failure))?;
        if let Some((id, look)) = known {
            looks.insert(id, look.map_err(|failure| asked_in_vain(&failure))?);
        }
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
pub(super) fn again(things: &Things) -> Result<Graph, Stop> {
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
