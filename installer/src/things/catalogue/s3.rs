//! The Mountpoint for S3 driver, whose buckets are in part those of the settings and in part given by `s3-csi add`.

use std::collections::BTreeSet;

use super::super::s3_policy::{POLICY, S3Change, S3Policy};
use super::super::{Kind, Look, Policy, Things};
use super::addons::DRIVERS;
use super::{CatalogueError, Maker, POD_IDENTITY_AGENT, Row, document, graph};
use crate::aws::Failure;
use crate::desired::Graph;
use crate::policies::{ROLES, Role, policy_name};
use crate::settings::Settings;

/// The Mountpoint for S3 driver with its role, and the agent that gives it that role, once `change` is made. Without
/// `driver` it is not wanted, unless a bucket is given.
pub fn s3_things(
    settings: &Settings,
    account: &str,
    change: &S3Change,
    driver: bool,
) -> Result<(Things, Graph), CatalogueError> {
    let settings =
        Settings { aws_account_id: Some(account.to_owned()), install_s3_csi: driver, ..settings.clone() };
    let mut maker = Maker::new(&settings, account);
    maker.s3 = change.clone();
    maker.pod_roles()?;
    maker.addons();
    let ids = s3_ids(&settings);
    maker.things.retain(|id, _| id == POD_IDENTITY_AGENT || ids.contains(id));
    let graph = graph(&maker.things)?;
    Ok((maker.things, graph))
}

/// Ids of the driver and of what its role is made of.
pub fn s3_ids(settings: &Settings) -> BTreeSet<String> {
    let driver = DRIVERS.iter().filter(|(_, role)| *role == POLICY);
    let mut ids: BTreeSet<String> = driver.map(|(addon, _)| format!("eks-addon/{addon}")).collect();
    for role in ROLES.iter().filter(|role| role.name == POLICY) {
        ids.insert(format!("iam-role/{}", role.role_name(&settings.cluster_name)));
        ids.insert(format!("iam-policy/{}", policy_name(&settings.cluster_name, POLICY)));
        ids.extend(
            role.service_accounts.iter().map(|name| format!("pod-identity/{}/{name}", role.namespace)),
        );
    }
    ids
}

/// Takes the role's policy out of `things`, and gives its id and what it is by a look that [`super::super::s3_held`] made, so
/// that nobody looks twice.
pub fn take_s3(things: &mut Things, look: &Look) -> Option<(String, Result<Look, Failure>)> {
    let found = things.iter().find_map(|(id, thing)| match &thing.kind {
        Kind::S3Policy(policy) => Some((id.clone(), policy.read(look.clone()))),
        _ => None,
    })?;
    things.remove(&found.0);
    Some(found)
}

impl Maker<'_> {
    /// Whether the settings ask for the role, or something was given that nothing but it can have.
    pub(super) fn wants(&self, role: &Role) -> bool {
        if role.name == POLICY { !self.s3.outcome().is_empty() } else { role.is_wanted(self.settings) }
    }

    pub(super) fn policy(
        &self,
        file: &str,
        name: &str,
        arn: &str,
        wanted: bool,
    ) -> Result<Row, CatalogueError> {
        if file == POLICY {
            let policy = S3Policy::new(self.settings, self.account, self.s3.clone());
            let desired = policy.desired().map_err(CatalogueError::Buckets)?;
            return Ok(Row::new("IAM policy", desired, wanted, Kind::S3Policy(Box::new(policy))));
        }
        let document = document(file, &self.places, wanted)?;
        let policy = Policy { name: name.to_owned(), arn: arn.to_owned(), document, owner: self.owner() };
        Ok(Row::new("IAM policy", policy.desired(), wanted, Kind::Policy(policy)))
    }
}
