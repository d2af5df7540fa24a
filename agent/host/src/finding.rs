//! One true sentence about one subject.

use serde::Serialize;

use crate::reason::Reason;

/// How much a finding matters to the node's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing to do.
    Info,
    /// The node works, but less well than it should.
    Warning,
    /// The node must not take GPU work until this is gone.
    Error,
}

/// What takes a finding away again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Clears {
    /// The next look at a healthy subject.
    WhenGone,
    /// A reset of the GPU.
    GpuReset,
    /// A start of the device by its driver: the driver loaded anew, or the device bound again.
    DriverReload,
    /// A reboot of the instance.
    Reboot,
    /// A new instance.
    Replace,
}

/// One true sentence about one subject: what is wrong, with which thing, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The reason's code, as in the catalogue ([`crate::reason::ALL`]).
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// The device, file, key or step it is about.
    pub subject: String,
    /// The sentence, with the values that were seen and the values that were expected.
    pub message: String,
    /// What takes it away.
    pub clears: Clears,
    /// What a person should do.
    pub action: &'static str,
}

impl Finding {
    /// A finding of `reason` about `subject`; `message` says what was seen and what was expected.
    pub fn new(reason: &Reason, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: reason.code,
            severity: reason.severity,
            subject: subject.into(),
            message: message.into(),
            clears: reason.clears,
            action: reason.action,
        }
    }
}
