//! Who a machine is.

use serde::Serialize;

use crate::Root;
use crate::metadata::Identity;

/// Who this machine is, as far as the instance metadata and the machine itself tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// `i-…`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// For example `p5en.48xlarge`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// For example `us-west-2c`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// As the kernel has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
}

impl Instance {
    /// From the metadata, where it answered; `kind` is the instance type that the machine itself tells.
    pub fn new(identity: Option<&Identity>, kind: Option<String>, root: &Root) -> Self {
        let hostname = root.value("/proc/sys/kernel/hostname");
        Self {
            id: identity.map(|identity| identity.instance_id.clone()),
            kind: identity.map(|identity| identity.instance_type.clone()).or(kind),
            availability_zone: identity.map(|identity| identity.availability_zone.clone()),
            hostname: hostname.filter(|name| !name.is_empty() && name != "(none)"),
        }
    }
}
