//! What commands say to people, and ask them.

use std::io::{IsTerminal, Write, stderr, stdin};

use super::{Stop, err, failed, out};
use crate::aws::Failure;
use crate::daemonset;
use crate::exit::Exit;

/// Before the reason.
pub(super) const UNKNOWN: &str = "what is inside the cluster is not known";

/// Says which call failed.
pub(super) fn asked_in_vain(failure: &Failure) -> Stop {
    err(format_args!("installer: {failure}"));
    Exit::Aws
}

/// Whether the removal of what has this id ends nodes, and the pods on them.
pub(super) fn ends_nodes(id: &str) -> bool {
    id.starts_with("kubernetes/NodePool/")
}

/// Before the question.
pub(super) const NODES_END: &str = "the nodes that Karpenter started for these pools end with them";

/// Whether the removal of what has this id leaves our marks on nodes.
pub(super) fn leaves_marks(id: &str) -> bool {
    id.starts_with("kubernetes/DaemonSet/") && id.ends_with(daemonset::NAME)
}

/// Before the question.
pub(super) const MARKS_STAY: &str = "nodes keep what gpunode-daemonset wrote on them (labels, conditions, the taint): take it off \
                                     afterwards with gpunode-daemonset cleanup --all-nodes";

/// Runs `work` to its end on this thread.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed(format_args!("cannot start the runtime: {error}")))?;
    runtime.block_on(work)
}

/// Asks a person; where none is there, says how to go without.
pub(super) fn confirm(question: &str, yes: bool) -> Result<(), Stop> {
    if yes {
        return Ok(());
    }
    if !stdin().is_terminal() {
        err(format_args!("installer: {question} There is nobody to ask: --yes says it, nothing was done"));
        return Err(Exit::Unconfirmed);
    }
    let _ = write!(stderr(), "{question} Only `yes` will be taken: ");
    let _ = stderr().flush();
    let mut answer = String::new();
    if stdin().read_line(&mut answer).is_ok() && answer.trim() == "yes" {
        return Ok(());
    }
    err("installer: nothing was done");
    Err(Exit::Unconfirmed)
}

/// A line for people; programs that asked for JSON do not get it.
pub(super) fn say(json: bool, line: impl std::fmt::Display) {
    if !json {
        out(line);
    }
}
