//! The log: structured fields to journald where it is, text on standard error where it is not.

use std::path::Path;

use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::environment;

/// Where journald listens. Source: systemd-journald.service(8).
const JOURNAL_SOCKET: &str = "/run/systemd/journal/socket";

/// Fields in the journal begin with this: `GPUNODE_STEP=`, `GPUNODE_OUTCOME=`.
const FIELD_PREFIX: &str = "GPUNODE";

/// Starts the log. `GPUNODE_LOG` sets the level (`debug`, `gpunode_agent::os=trace`); the default is `info`.
pub(crate) fn start() {
    let told = environment::value("GPUNODE_LOG");
    let filter = || {
        let targets = told.as_deref().and_then(|told| told.parse::<Targets>().ok());
        targets.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))
    };
    let journal = Path::new(JOURNAL_SOCKET).exists().then(tracing_journald::layer).and_then(Result::ok);
    let journal = journal.map(|layer| {
        layer
            .with_field_prefix(Some(FIELD_PREFIX.to_owned()))
            .with_syslog_identifier("gpunode-agent".to_owned())
            .with_filter(filter())
    });
    // Without a journal, people see the progress lines; the log adds to them only when it was asked for.
    let text = (journal.is_none() && told.is_some()).then(|| {
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).without_time().with_filter(filter())
    });
    tracing_subscriber::registry().with(journal).with(text).init();
}

/// Whether systemd already carries our standard error to the journal, so that printing there says things twice.
pub(crate) fn stderr_is_journal() -> bool {
    environment::value("JOURNAL_STREAM").is_some()
}
