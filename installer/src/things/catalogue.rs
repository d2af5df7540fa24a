//! Everything that an installation can make, and what of it the settings ask for.

mod addons;
mod karpenter;
mod s3;

use std::collections::BTreeSet;
use std::error::Error as _;

use serde_json::Value;

use super::S3Change;
use super::{Association, Kind, Role, Thing, Things, tags};
use crate::aws::Failure;
use crate::desired::{Graph, GraphError, Resource};
use crate::launch_template::MakeError;
use crate::policies::{self, Places, PolicyError, ROLES, policy_name};
use crate::render::RenderError;
use crate::s3::Grants;
use crate::settings::{Loaded, Settings};

pub use s3::{s3_ids, s3_things, take_s3};

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A policy lacks a setting.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The same of the buckets' policy.
    #[error(transparent)]
    Buckets(Failure),
    /// There can be no launch template.
    #[error("launch template: {0}")]
    Template(#[from] MakeError),
    /// There can be no node pools.
    #[error("{0}, for Karpenter's nodes{cause}", cause = .0.source().map(|cause| format!(": {cause}")).unwrap_or_default())]
    Karpenter(#[source] RenderError),
    /// A fault of ours.
    #[error("what is to be made does not fit together: {0}")]
    Graph(#[from] GraphError),
    /// Another one.
    #[error("{file}: {why}")]
    Manifest {
        /// The file that `render` would write.
        file: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// Everything, in `account`: what the settings do not ask for is there as unwanted, so that it is removed where an
/// earlier run made it. `given` are the buckets that `s3-csi add` gave: as long as there are some, the driver is wanted.
pub fn things(loaded: &Loaded, account: &str, given: Grants) -> Result<(Things, Graph), CatalogueError> {
    let settings = Settings { aws_account_id: Some(account.to_owned()), ..loaded.settings.clone() };
    let mut maker = Maker::new(&settings, account);
    maker.s3.kept = given;
    maker.pod_roles()?;
    maker.addons();
    maker.karpenter()?;
    if settings.install_kubernetes {
        super::inside::add(&mut maker, loaded)?;
    }
    let graph = graph(&maker.things)?;
    Ok((maker.things, graph))
}

/// The add-on that gives pods their roles.
pub const POD_IDENTITY_AGENT: &str = "eks-addon/eks-pod-identity-agent";

/// The graph of `things`.
pub fn graph(things: &Things) -> Result<Graph, GraphError> {
    Graph::new(things.values().map(|thing| thing.resource.clone()))
}

pub(super) struct Maker<'a> {
    settings: &'a Settings,
    account: &'a str,
    places: Places,
    /// What becomes of the buckets of the Mountpoint for S3 driver.
    s3: S3Change,
    pub(super) things: Things,
}

impl<'a> Maker<'a> {
    pub(super) fn new(settings: &'a Settings, account: &'a str) -> Self {
        let s3 = S3Change::none(settings, Grants::new());
        Self { settings, account, places: Places::of(settings), s3, things: Things::new() }
    }

    pub(super) fn settings(&self) -> &'a Settings {
        self.settings
    }

    pub(super) fn owner(&self) -> String {
        tags::owner(self.settings)
    }

    fn cluster(&self) -> String {
        self.settings.cluster_name.clone()
    }

    /// ARN of something global.
    pub(super) fn iam_arn(&self, what: &str) -> String {
        format!("arn:{}:iam::{}:{what}", self.settings.partition(), self.account)
    }

    /// Adds a thing and returns its id.
    pub(super) fn add(&mut self, id: String, row: Row, needs: &[String]) -> String {
        let Row { kind_name, kind, desired, wanted, fixed } = row;
        let needs = needs.iter().cloned().collect();
        let resource = Resource {
            id: id.clone(),
            kind: kind_name,
            wanted,
            needs,
            replaces: BTreeSet::new(),
            desired: if wanted { desired } else { Value::Null },
            fixed: fixed.into_iter().collect(),
        };
        self.things.insert(id.clone(), Thing { resource, kind });
        id
    }

    /// Says of two things that they cannot be there at once: the one that is wanted comes when the other is gone.
    pub(super) fn exclude(&mut self, one: &str, other: &str) {
        for (id, gone) in [(one, other), (other, one)] {
            if let Some(thing) = self.things.get_mut(id).filter(|thing| thing.resource.wanted) {
                thing.resource.replaces.insert(gone.to_owned());
            }
        }
    }

    /// Roles of pods with their policies, and who takes each.
    fn pod_roles(&mut self) -> Result<(), CatalogueError> {
        let cluster = self.cluster();
        for role in ROLES {
            let wanted = self.wants(role);
            let mut needs = Vec::new();
            let mut attached = BTreeSet::new();
            for file in role.policies {
                let name = policy_name(&cluster, file);
                let arn = self.iam_arn(&format!("policy/{name}"));
                let row = self.policy(file, &name, &arn, wanted)?;
                needs.push(self.add(format!("iam-policy/{name}"), row, &[]));
                attached.insert(arn);
            }
            let name = role.role_name(&cluster);
            let role_arn = self.iam_arn(&format!("role/{name}"));
            let trust = document("pod-identity-trust", &self.places.clone().for_role(role), wanted)?;
            let role_id = self.role(Role { name, trust, attached, owner: self.owner() }, wanted, &needs);
            for account in role.service_accounts {
                let association = Association {
                    cluster: cluster.clone(),
                    namespace: role.namespace.to_owned(),
                    service_account: (*account).to_owned(),
                    role_arn: role_arn.clone(),
                    owner: self.owner(),
                };
                let id = format!("pod-identity/{}/{account}", role.namespace);
                let kind = Kind::Association(association.clone());
                let row = Row::new("Pod Identity association", association.desired(), wanted, kind);
                self.add(id, row, std::slice::from_ref(&role_id));
            }
        }
        Ok(())
    }

    pub(super) fn role(&mut self, role: Role, wanted: bool, needs: &[String]) -> String {
        let id = format!("iam-role/{}", role.name);
        self.add(id, Row::new("IAM role", role.desired(), wanted, Kind::Role(role)), needs)
    }
}

/// A document of a policy; none where it is not wanted, as what fills it may be missing then.
pub(super) fn document(name: &str, places: &Places, wanted: bool) -> Result<Value, PolicyError> {
    if wanted { policies::policy(name, places) } else { Ok(Value::Null) }
}

/// What [`Maker::add`] is given.
pub(super) struct Row {
    pub(super) kind_name: &'static str,
    pub(super) desired: Value,
    pub(super) wanted: bool,
    pub(super) kind: Kind,
    pub(super) fixed: Vec<&'static str>,
}

impl Row {
    pub(super) fn new(kind_name: &'static str, desired: Value, wanted: bool, kind: Kind) -> Self {
        Self { kind_name, desired, wanted, kind, fixed: Vec::new() }
    }
}
