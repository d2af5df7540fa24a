//! Counts calls, and writes a line for every mutating one before it is sent and after it was answered.

use std::fs::{File, OpenOptions};
use std::future::Future;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::json;

use super::Clocks;

tokio::task_local! {
    static RESOURCE: String;
}

/// Runs `work`, whose calls are about `resource`.
pub async fn with_resource<T>(resource: &str, work: impl Future<Output = T>) -> T {
    RESOURCE.scope(resource.to_owned(), work).await
}

/// Sees every attempt at every call of every client.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// Without it nothing may be changed.
    log: Option<Mutex<File>>,
    reads: AtomicU64,
    writes: AtomicU64,
    clocks: Clocks,
}

impl Recorder {
    /// Lets no mutating call through.
    pub fn looking() -> Self {
        Self::default()
    }

    /// Appends a line of JSON to `path` for every mutating call. The file is made readable by its owner only: it names
    /// the resources of an account.
    pub fn writing(path: &Path) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.create(true).append(true).open(path)?;
        Ok(Self(Arc::new(State { log: Some(Mutex::new(file)), ..State::default() })))
    }

    /// Attempts at calls that look, and at calls that change something.
    pub fn calls(&self) -> (u64, u64) {
        (self.0.reads.load(Ordering::Relaxed), self.0.writes.load(Ordering::Relaxed))
    }

    /// What the answers said of the time.
    pub fn clocks(&self) -> &Clocks {
        &self.0.clocks
    }

    /// Counts a call that looks, of another door than AWS's.
    pub fn looked(&self) {
        self.0.reads.fetch_add(1, Ordering::Relaxed);
    }

    /// Writes down a call of another door that changes something and is about to be made, and counts it.
    pub fn sending(&self, service: &str, operation: &str) -> Result<(), String> {
        self.write((service, operation), "sent", ("outcome", "unknown"))
            .map_err(|error| error.to_string())?;
        self.0.writes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// What came of it.
    pub fn answered(&self, service: &str, operation: &str, outcome: &str) -> Result<(), String> {
        let written = self.write((service, operation), "answered", ("outcome", outcome));
        written.map_err(|error| error.to_string())
    }

    /// One line in one write, so that lines of two programs never mix.
    fn write(&self, call: (&str, &str), event: &str, more: (&str, &str)) -> Result<(), BoxError> {
        let (service, operation) = call;
        let Some(log) = &self.0.log else {
            return Err(
                format!("{service} {operation} would change something, and this command looks").into()
            );
        };
        let mut line = json!({
            "time": humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
            "service": service,
            "operation": operation,
            "resource": RESOURCE.try_with(Clone::clone).unwrap_or_default(),
            "event": event,
        });
        let (name, value) = more;
        line[name] = value.into();
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.write_all(format!("{line}\n").as_bytes()).map_err(|error| {
            format!("cannot write the audit log, and nothing goes on without it: {error}").into()
        })
    }
}

fn of(metadata: &Metadata) -> (&str, &str) {
    (metadata.service(), metadata.name())
}

/// AWS's operations that look are named so; `AssumeRole…` are the SDK's own, for credentials.
fn looks(operation: &str) -> bool {
    ["Get", "List", "Describe", "Head", "AssumeRole", "Simulate"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}

impl Intercept for Recorder {
    fn name(&self) -> &'static str {
        "audit"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let metadata = bag.load::<Metadata>().ok_or("a call without a name")?;
        if looks(metadata.name()) {
            self.0.reads.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        self.write(of(metadata), "sent", ("outcome", "unknown"))?;
        self.0.writes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().and_then(|response| response.headers().get("date")) {
            self.0.clocks.told("AWS", date);
        }
        let Some(metadata) = bag.load::<Metadata>().filter(|metadata| !looks(metadata.name())) else {
            return Ok(());
        };
        // Refused above, so nothing was sent.
        if self.0.log.is_none() {
            return Ok(());
        }
        let status = context.response().map(|response| response.status().as_u16().to_string());
        self.write(of(metadata), "answered", ("outcome", status.as_deref().unwrap_or("no answer")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_everything_and_a_second_program_appends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit");
        for event in ["sent", "answered"] {
            let recorder = Recorder::writing(&path).unwrap();
            recorder.write(("IAM", "CreateRole"), event, ("outcome", "200")).unwrap();
        }
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1]["operation"], "CreateRole");
        assert_eq!(lines[1]["event"], "answered");
        assert!(lines[0]["time"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn who_looks_changes_nothing() {
        let problem = Recorder::looking().write(("IAM", "CreateRole"), "sent", ("outcome", "")).unwrap_err();
        assert!(problem.to_string().contains("IAM CreateRole would change something"));
    }
}
