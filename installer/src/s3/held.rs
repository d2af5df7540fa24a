//! What the driver's role may do, as its policy says it: AWS keeps the list, and nobody else.
//!
//! The buckets of the settings and those that `s3-csi add` gave stand in statements of their own, so that each of the two can
//! be changed without the other. A policy that is not word for word what is written for some list is not read: somebody
//! changed it.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Grant, Grants};
use crate::policies::{Places, PolicyError, policy};
use crate::things::canonical;

/// Characters of a managed policy. Source: IAM User Guide, "IAM and AWS STS quotas".
pub const MOST_CHARACTERS: usize = 6144;
/// Of the statement with all objects that were given; the list is read from it.
const OBJECTS: &str = "ReadAndWriteAddedObjects";
/// Of the one that lists the settings' buckets.
const NAMED: &str = "ListTheBuckets";

/// What the role is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The settings' buckets, by name.
    pub named: BTreeSet<String>,
    /// What `s3-csi add` gave.
    pub added: Grants,
}

impl Held {
    /// The list that `document` was written for; `None` where there is no such list.
    pub fn read(document: &Value, partition: &str) -> Option<Self> {
        let resources = |sid: &str| -> Vec<&str> {
            let mut all = document["Statement"].as_array().into_iter().flatten();
            let found = all
                .find(|statement| statement["Sid"] == sid)
                .map_or(&Value::Null, |found| &found["Resource"]);
            match found {
                Value::String(one) => vec![one.as_str()],
                other => other.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
            }
        };
        let whole =
            |arn: &str| Some(Grant::parse(arn, partition).ok()?).filter(|grant| grant.prefix.is_empty());
        let named =
            resources(NAMED).into_iter().map(|arn| Some(whole(arn)?.bucket)).collect::<Option<_>>()?;
        let given = |arn: &str| Grant::parse(arn.strip_suffix('*')?, partition).ok();
        let added = resources(OBJECTS).into_iter().map(given).collect::<Option<_>>()?;
        let held = Self { named, added };
        let written = canonical(held.document(partition).ok()?);
        (written == canonical(document.clone())).then_some(held)
    }

    /// The policy.
    pub fn document(&self, partition: &str) -> Result<Value, PolicyError> {
        let mut statements = Vec::new();
        if !self.named.is_empty() {
            let document = policy("s3-csi", &Places::of_buckets(partition, &self.named))?;
            statements.extend(document["Statement"].as_array().into_iter().flatten().cloned());
        }
        statements.extend(added(&self.added, partition));
        Ok(json!({ "Version": "2012-10-17", "Statement": statements }))
    }

    /// Whether there is nothing that the role could be allowed.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty() && self.added.is_empty()
    }

    /// What of it has `wanted` in it, and whether the settings named that.
    pub fn covering(&self, wanted: &Grant) -> Option<(Grant, bool)> {
        let named = self.named.iter().map(|bucket| Grant { bucket: bucket.clone(), prefix: String::new() });
        let all =
            named.map(|grant| (grant, true)).chain(self.added.iter().map(|grant| (grant.clone(), false)));
        all.into_iter().find(|(grant, _)| grant.covers(wanted))
    }
}

/// The statements for what was given. Source of the actions: Mountpoint's CONFIGURATION document, "IAM permissions"; a prefix
/// is listed by what the request asks for, so each bucket with prefixes has a statement of its own.
fn added(grants: &Grants, partition: &str) -> Vec<Value> {
    if grants.is_empty() {
        return Vec::new();
    }
    let whole: Vec<_> =
        grants.iter().filter(|grant| grant.prefix.is_empty()).map(|grant| grant.arn(partition)).collect();
    let mut prefixes: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for grant in grants.iter().filter(|grant| !grant.prefix.is_empty()) {
        prefixes.entry(&grant.bucket).or_default().push(format!("{}*", grant.prefix));
    }
    let mut statements = Vec::new();
    if !whole.is_empty() {
        statements.push(allow("ListAddedBuckets", &json!("s3:ListBucket"), &json!(whole)));
    }
    for (place, (bucket, prefixes)) in prefixes.into_iter().enumerate() {
        let arn = format!("arn:{partition}:s3:::{bucket}");
        let mut statement = allow(&format!("ListAddedPrefixes{place}"), &json!("s3:ListBucket"), &json!(arn));
        statement["Condition"] = json!({ "StringLike": { "s3:prefix": prefixes } });
        statements.push(statement);
    }
    let end = |grant: &Grant| if grant.prefix.is_empty() { "/*" } else { "*" };
    let objects: Vec<_> =
        grants.iter().map(|grant| format!("{}{}", grant.arn(partition), end(grant))).collect();
    let actions = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"];
    statements.push(allow(OBJECTS, &json!(actions), &json!(objects)));
    statements
}

fn allow(sid: &str, actions: &Value, resources: &Value) -> Value {
    json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources })
}
