//! The names by which others find what this program writes. They are part of its interface.

/// The field manager of every write, and the name of the program.
///
/// One name serves conditions and labels: the API server keeps what a manager has applied apart for each subresource
/// (`subresource` of a `managedFields` entry), so an apply to `nodes/status` says nothing about the labels that an
/// apply to `nodes` has set, and takes none of them away.
pub const MANAGER: &str = "gpunode-daemonset";
/// `reportingController` of events.
pub const CONTROLLER: &str = "gpunode.io/daemonset";
/// In front of every label.
pub const PREFIX: &str = "gpunode.io/";
/// The taint's key; its value is the condition that is false, its effect `NoSchedule`.
pub const TAINT: &str = "gpunode.io/unhealthy";
/// The taint's effect.
pub const TAINT_EFFECT: &str = "NoSchedule";
/// Events about nodes, which are in no namespace, are kept in this one.
pub const EVENTS_NAMESPACE: &str = "default";
/// Where metrics and health are served.
pub const LISTEN: &str = "0.0.0.0:9879";
/// Where the state is kept, below the root.
pub const STATE_DIR: &str = "/run/gpunode";
