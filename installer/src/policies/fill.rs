//! Fills the places of a policy.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{PolicyError, ROLES, Role, karpenter_node_role, node_group_role, policy_name};
use crate::render::parts::{EVENTS, NODE_POLICIES, rule_name};
use crate::settings::Settings;

/// What stands in the places. A place with several values is for an element of a list, which is there once for each.
#[derive(Clone, Debug, Default)]
pub struct Places(BTreeMap<&'static str, Vec<String>>);

impl Places {
    /// What the settings say; an account that is not set leaves its place open.
    pub fn of(settings: &Settings) -> Self {
        let mut places = Self::default();
        places.one("CLUSTER", &settings.cluster_name);
        places.one("REGION", &settings.aws_region);
        places.one("PARTITION", settings.partition());
        places.one("VPC", &settings.vpc_id);
        places.one("NODE_ROLE", &karpenter_node_role(&settings.cluster_name));
        places.one("QUEUE", &settings.cluster_name);
        places.0.insert("BUCKET", settings.s3_csi_buckets.clone());
        places.0.insert("ACCOUNT", settings.aws_account_id.iter().cloned().collect());
        places
    }

    /// The same for whoever runs the installer: the names of all that it makes.
    #[must_use]
    pub fn for_caller(mut self, settings: &Settings) -> Self {
        let (cluster, group) = (settings.cluster_name.as_str(), settings.gpu_node_group_name.as_str());
        let node_role = node_group_role(cluster, group);
        self.one("GROUP", group);
        self.one("NODE_GROUP_ROLE", &node_role);
        let roles = ROLES.iter().map(|role| role.role_name(cluster));
        self.0.insert("ROLE", roles.chain([karpenter_node_role(cluster), node_role]).collect());
        let policies = ROLES.iter().flat_map(|role| role.policies);
        self.0.insert("POLICY", policies.map(|policy| policy_name(cluster, policy)).collect());
        self.0.insert("NODE_POLICY", NODE_POLICIES.map(str::to_owned).to_vec());
        self.0.insert("RULE", EVENTS.map(|(event, ..)| rule_name(cluster, event)).to_vec());
        self
    }

    /// For the policy of these buckets alone.
    pub fn of_buckets(partition: &str, buckets: &BTreeSet<String>) -> Self {
        let mut places = Self::default();
        places.one("PARTITION", partition);
        places.0.insert("BUCKET", buckets.iter().cloned().collect());
        places
    }

    /// The same for the trust of `role`.
    #[must_use]
    pub fn for_role(mut self, role: &Role) -> Self {
        self.one("NAMESPACE", role.namespace);
        let accounts = role.service_accounts.iter().map(|name| (*name).to_owned()).collect();
        self.0.insert("SERVICE_ACCOUNT", accounts);
        self
    }

    fn one(&mut self, place: &'static str, value: &str) {
        self.0.insert(place, vec![value.to_owned()]);
    }
}

pub(super) fn fill(name: &str, value: Value, places: &Places) -> Result<Value, PolicyError> {
    Ok(match value {
        Value::String(text) => Value::String(first(name, &text, places)?),
        Value::Array(items) => {
            let mut filled = Vec::new();
            for item in items {
                match item {
                    Value::String(text) => {
                        filled.extend(all(name, &text, places)?.into_iter().map(Value::String));
                    }
                    other => filled.push(fill(name, other, places)?),
                }
            }
            Value::Array(filled)
        }
        Value::Object(entries) => {
            let mut filled = Map::new();
            for (key, value) in entries {
                filled.insert(first(name, &key, places)?, fill(name, value, places)?);
            }
            Value::Object(filled)
        }
        other => other,
    })
}

fn first(name: &str, text: &str, places: &Places) -> Result<String, PolicyError> {
    Ok(all(name, text, places)?.into_iter().next().unwrap_or_default())
}

/// `text` once for each combination of values; a place without a value is an error.
fn all(name: &str, text: &str, places: &Places) -> Result<Vec<String>, PolicyError> {
    let mut texts = vec![text.to_owned()];
    while let Some(place) = texts.first().and_then(|text| open(text)) {
        let values = places.0.get(place.as_str()).filter(|values| !values.is_empty());
        let values = values.ok_or_else(|| PolicyError::Missing {
            name: name.to_owned(),
            setting: if place == "BUCKET" { "S3_CSI_BUCKETS" } else { "AWS_ACCOUNT_ID" },
            place: place.clone(),
        })?;
        let mark = format!("@{place}@");
        texts = texts.iter().flat_map(|text| values.iter().map(|value| text.replace(&mark, value))).collect();
    }
    Ok(texts)
}

/// The first place in `text`; no value has an `@`.
fn open(text: &str) -> Option<String> {
    let (_, after) = text.split_once('@')?;
    after.split_once('@').map(|(place, _)| place.to_owned())
}

/// Without white space, as IAM counts it against the size of a policy.
pub fn minified(policy: &Value) -> String {
    policy.to_string()
}
