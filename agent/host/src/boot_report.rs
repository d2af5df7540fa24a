//! Where the agent leaves its report and what form it has: the contract between the agent and the daemonset.

/// Names the form of the report; a reader refuses what it does not know.
pub const SCHEMA: &str = "gpunode.io/boot-report/v1";

/// The report of this boot, gone after a reboot as it should be.
pub const PATH: &str = "/run/gpunode/report.json";
