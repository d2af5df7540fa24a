//! The log: JSON lines on standard error in a pod, structured fields to journald on a host that has it, text elsewhere.

use std::path::Path;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::environment;

/// Where journald listens. Source: systemd-journald.service(8).
const JOURNAL_SOCKET: &str = "/run/systemd/journal/socket";
/// Fields in the journal begin with this: `GPUNODE_NODE=`.
const FIELD_PREFIX: &str = "GPUNODE";

/// Starts the log; `GPUNODE_LOG` sets the level (`debug`, `gpunode_daemonset::kube=trace`), the default is `info`.
pub(crate) fn start(json: bool) {
    let filter = || {
        let told = environment::value("GPUNODE_LOG");
        let told = told.and_then(|told| told.parse::<Targets>().ok());
        told.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))
    };
    let in_pod = environment::value("KUBERNETES_SERVICE_HOST").is_some();
    let json = json || in_pod;
    // A pod's own file tree has no socket there, unless somebody has mounted it to be used.
    let journal = (!json && Path::new(JOURNAL_SOCKET).exists()).then(tracing_journald::layer);
    let journal = journal.and_then(Result::ok).map(|layer| {
        layer
            .with_field_prefix(Some(FIELD_PREFIX.to_owned()))
            .with_syslog_identifier("gpunode-daemonset".to_owned())
            .with_filter(filter())
    });
    let lines = json.then(|| {
        fmt::layer()
            .json()
            .flatten_event(true)
            .with_target(false)
            .with_writer(std::io::stderr)
            .with_filter(filter())
    });
    let text = (!json && journal.is_none())
        .then(|| fmt::layer().with_target(false).with_writer(std::io::stderr).with_filter(filter()));
    tracing_subscriber::registry().with(journal).with(lines).with(text).init();
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}
