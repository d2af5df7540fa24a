//! The policy of the Mountpoint for S3 driver's role. In part it is what `s3-csi add` gave, and AWS alone knows that: whoever
//! changes the policy looks first and keeps it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Look, Policy, tags};
use crate::aws::{Door, Failure, Meaning};
use crate::desired::Seen;
use crate::policies::policy_name;
use crate::s3::{Grant, Grants, Held};
use crate::settings::Settings;

/// The policy's file, and what its name ends with.
pub(super) const POLICY: &str = "s3-csi";

/// What is to become of the driver's buckets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct S3Change {
    /// Those of the settings.
    pub named: BTreeSet<String>,
    /// Given before and kept.
    pub kept: Grants,
    /// Given now.
    pub give: Grants,
    /// Taken away now.
    pub take: Grants,
}

impl S3Change {
    /// None: what `settings` say, and what was given stays.
    pub fn none(settings: &Settings, kept: Grants) -> Self {
        Self { named: settings.s3_csi_buckets.iter().cloned().collect(), kept, ..Self::default() }
    }

    /// What the role is to have.
    pub fn outcome(&self) -> Held {
        Held { named: self.named.clone(), added: self.kept.union(&self.give).cloned().collect() }
    }
}

#[derive(Clone, Debug)]
pub(super) struct S3Policy {
    policy: Policy,
    partition: String,
    change: S3Change,
}

impl S3Policy {
    pub(super) fn new(settings: &Settings, account: &str, change: S3Change) -> Self {
        let partition = settings.partition().to_owned();
        let name = policy_name(&settings.cluster_name, POLICY);
        let arn = format!("arn:{partition}:iam::{account}:policy/{name}");
        let policy = Policy { name, arn, document: Value::Null, owner: tags::owner(settings) };
        Self { policy, partition, change }
    }

    /// The settings' part as it must be. Of the other one only what is given or taken now is said: the rest may be anything.
    pub(super) fn desired(&self) -> Result<Value, Failure> {
        let given = self.change.give.iter().map(|grant| (grant.arn(&self.partition), json!(true)));
        let taken = self.change.take.iter().map(|grant| (grant.arn(&self.partition), Value::Null));
        let added: serde_json::Map<_, _> = given.chain(taken).collect();
        Ok(json!({ "document": self.named(self.change.named.clone())?, "added": added }))
    }

    pub(super) async fn look(&self, door: &Door) -> Result<Look, Failure> {
        self.read(self.policy.look(door).await?)
    }

    /// What the policy as it was looked at says of the buckets.
    pub(super) fn read(&self, mut look: Look) -> Result<Look, Failure> {
        if let Seen::Present { value, .. } = &mut look.seen
            && let Some(held) = Held::read(&value["document"], &self.partition)
        {
            let added = held.added.iter().map(|grant| (grant.arn(&self.partition), json!(true)));
            let added: serde_json::Map<_, _> = added.collect();
            look.note = note(&held.added, &self.partition);
            *value = json!({ "document": self.named(held.named)?, "added": added });
        }
        Ok(look)
    }

    pub(super) async fn create(&self, door: &Door) -> Result<(), Failure> {
        self.with(&self.change.outcome())?.create(door).await
    }

    /// Another installer may have given something since the plan was made, so what is there now counts.
    pub(super) async fn update(&self, door: &Door) -> Result<(), Failure> {
        let mut added = match self.held(door).await? {
            Some((held, _)) => held.added,
            // Nobody can say what it was; what the plan showed is left.
            None => self.change.kept.clone(),
        };
        added.retain(|grant| !self.change.take.contains(grant));
        added.extend(self.change.give.iter().cloned());
        self.with(&Held { named: self.change.named.clone(), added })?.update(door).await
    }

    pub(super) async fn delete(&self, door: &Door) -> Result<(), Failure> {
        let known = |grant: &Grant| self.change.kept.contains(grant) || self.change.take.contains(grant);
        if let Some((held, _)) = self.held(door).await?
            && let Some(new) = held.added.iter().find(|grant| !known(grant))
        {
            let what = format!("{} was given since this run began; run it again", new.arn(&self.partition));
            return Err(Failure { call: "iam:DeletePolicy", meaning: Meaning::Never, what });
        }
        self.policy.delete(door).await
    }

    fn named(&self, named: BTreeSet<String>) -> Result<Value, Failure> {
        Ok(super::canonical(self.document(&Held { named, added: Grants::new() })?))
    }

    fn with(&self, held: &Held) -> Result<Policy, Failure> {
        Ok(Policy { document: self.document(held)?, ..self.policy.clone() })
    }

    fn document(&self, held: &Held) -> Result<Value, Failure> {
        let failure =
            |what: String| Failure { call: "iam:CreatePolicyVersion", meaning: Meaning::Never, what };
        held.document(&self.partition).map_err(|error| failure(error.to_string()))
    }

    /// What the policy gives, and whether that is what is in force. Where somebody wrote something else into it, the newest
    /// older version tells what was given before.
    async fn held(&self, door: &Door) -> Result<Option<(Held, bool)>, Failure> {
        let mut documents = self.policy.documents(door).await?.into_iter();
        let Some(document) = documents.next() else { return Ok(None) };
        if let Some(held) = Held::read(&document, &self.partition) {
            return Ok(Some((held, true)));
        }
        Ok(documents.find_map(|document| Held::read(&document, &self.partition)).map(|held| (held, false)))
    }
}

/// What is said beside the policy.
fn note(added: &Grants, partition: &str) -> Option<String> {
    let all: Vec<_> = added.iter().map(|grant| grant.arn(partition)).collect();
    (!all.is_empty()).then(|| format!("given by s3-csi add: {}", all.join(", ")))
}

/// The driver's policy as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum S3Held {
    /// There is none, or it is not ours.
    None,
    /// It gives these.
    This(Held),
    /// Somebody changed it; the newest version that was not changed gives these.
    Changed(Held),
}

impl S3Held {
    /// What it gives, or gave.
    pub fn held(self) -> Held {
        match self {
            Self::None => Held::default(),
            Self::This(held) | Self::Changed(held) => held,
        }
    }
}

/// Asks IAM for what the driver's role is given. Gives also the policy as it was looked at, for [`super::take_s3`].
pub async fn s3_held(door: &Door, settings: &Settings, account: &str) -> Result<(S3Held, Look), Failure> {
    let policy = S3Policy::new(settings, account, S3Change::default());
    let look = policy.policy.look(door).await?;
    Ok((policy.given(door, &look).await?, look))
}

impl S3Policy {
    async fn given(&self, door: &Door, look: &Look) -> Result<S3Held, Failure> {
        let Seen::Present { owner, value } = &look.seen else { return Ok(S3Held::None) };
        if owner.as_ref() != Some(&self.policy.owner) {
            return Ok(S3Held::None);
        }
        if let Some(held) = Held::read(&value["document"], &self.partition) {
            return Ok(S3Held::This(held));
        }
        Ok(match self.held(door).await? {
            Some((held, true)) => S3Held::This(held),
            Some((held, false)) => S3Held::Changed(held),
            None => S3Held::Changed(Held::default()),
        })
    }
}
