//! What an installation makes, in AWS and inside the cluster: how each kind of thing is looked at, made, changed and removed.

mod access_entry;
mod addon;
mod association;
mod catalogue;
mod charts;
mod custom;
mod default_class;
mod definitions;
mod document;
mod gpu;
mod inside;
mod instance_profile;
mod node_group;
mod object;
mod placement_group;
mod policy;
mod queue;
mod release;
mod role;
mod rule;
mod s3_policy;
mod scaling_group;
mod security_group;
mod tags;
mod template;

use std::collections::BTreeMap;

use crate::aws::{Door, Failure};
use crate::desired::{Change, Resource, Seen};

pub(crate) use addon::addons;
pub use catalogue::{CatalogueError, POD_IDENTITY_AGENT, graph, s3_ids, s3_things, take_s3, things};
pub(crate) use default_class::{CLASSES, defaults};
pub(crate) use document::canonical;
pub use gpu::{GpuThings, gpu_things};
pub(crate) use release::NAMESPACE;
pub use s3_policy::{S3Change, S3Held, s3_held};
pub use tags::{gpu_owner, owner};

use access_entry::AccessEntry;
use addon::Addon;
use association::Association;
use default_class::DefaultClass;
use instance_profile::InstanceProfile;
use node_group::NodeGroup;
use object::Object;
use placement_group::PlacementGroup;
use policy::Policy;
use queue::Queue;
use release::Release;
use role::Role;
use rule::Rule;
use s3_policy::S3Policy;
use scaling_group::ScalingGroup;
use security_group::SecurityGroup;
use template::Template;

/// What is made, by the id of each.
pub type Things = BTreeMap<String, Thing>;

/// One thing, and its place among the others.
#[derive(Clone, Debug)]
pub struct Thing {
    /// For the engine.
    pub resource: Resource,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    AccessEntry(AccessEntry),
    Addon(Addon),
    Association(Association),
    DefaultClass(DefaultClass),
    InstanceProfile(InstanceProfile),
    Object(Box<Object>),
    NodeGroup(Box<NodeGroup>),
    PlacementGroup(PlacementGroup),
    Policy(Policy),
    Queue(Queue),
    Release(Box<Release>),
    Role(Role),
    Rule(Rule),
    S3Policy(Box<S3Policy>),
    ScalingGroup(Box<ScalingGroup>),
    SecurityGroup(SecurityGroup),
    Template(Box<Template>),
}

/// What a look at a thing found.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// For the engine.
    pub seen: Seen,
    /// The status of something that is becoming or ceasing to be.
    pub pending: Option<String>,
    /// What else people want to know: a version, a health issue.
    pub note: Option<String>,
    /// Whether it is there as it must be and does not work.
    pub sick: bool,
}

/// One word for how a thing is that must become so.
pub fn word(change: &Change, look: Option<&Look>) -> &'static str {
    match change {
        Change::Nothing if look.is_some_and(|look| look.pending.is_some()) => "changing",
        Change::Nothing if look.is_some_and(|look| look.sick) => "sick",
        Change::Nothing => "ok",
        Change::Create => "missing",
        Change::Update { .. } => "differs",
        Change::Delete => "unwanted",
        Change::Refuse { .. } => "refused",
    }
}

impl From<Seen> for Look {
    fn from(seen: Seen) -> Self {
        Self { seen, pending: None, note: None, sick: false }
    }
}

macro_rules! each {
    ($self:ident, $thing:ident => $what:expr) => {
        match &$self.kind {
            Kind::AccessEntry($thing) => $what,
            Kind::Addon($thing) => $what,
            Kind::Association($thing) => $what,
            Kind::DefaultClass($thing) => $what,
            Kind::InstanceProfile($thing) => $what,
            Kind::Object($thing) => $what,
            Kind::NodeGroup($thing) => $what,
            Kind::PlacementGroup($thing) => $what,
            Kind::Policy($thing) => $what,
            Kind::Queue($thing) => $what,
            Kind::Release($thing) => $what,
            Kind::Role($thing) => $what,
            Kind::Rule($thing) => $what,
            Kind::S3Policy($thing) => $what,
            Kind::ScalingGroup($thing) => $what,
            Kind::SecurityGroup($thing) => $what,
            Kind::Template($thing) => $what,
        }
    };
}

impl Thing {
    /// Whether it is inside the cluster, where only its API server knows of it.
    pub fn is_inside(&self) -> bool {
        matches!(self.kind, Kind::DefaultClass(_) | Kind::Object(_) | Kind::Release(_))
    }

    /// Whether it is something that can be removed, and not how others' things are.
    pub fn is_removable(&self) -> bool {
        !matches!(self.kind, Kind::DefaultClass(_))
    }

    /// Its path in the API, where it is an object.
    pub fn path(&self) -> Option<&str> {
        match &self.kind {
            Kind::Object(object) => Some(&object.path),
            _ => None,
        }
    }

    /// Looks at it.
    pub async fn look(&self, door: &Door) -> Result<Look, Failure> {
        // The futures of the SDK are large.
        each!(self, thing => Box::pin(thing.look(door)).await)
    }

    /// Makes it, with the owner's tag.
    pub async fn create(&self, door: &Door) -> Result<(), Failure> {
        each!(self, thing => Box::pin(thing.create(door)).await)
    }

    /// Makes it what it must be.
    pub async fn update(&self, door: &Door) -> Result<(), Failure> {
        each!(self, thing => Box::pin(thing.update(door)).await)
    }

    /// Removes it.
    pub async fn delete(&self, door: &Door) -> Result<(), Failure> {
        each!(self, thing => Box::pin(thing.delete(door)).await)
    }
}
