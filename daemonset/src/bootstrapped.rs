//! From the boot report to the node condition `NodeBootstrapped`.

use gpunode_host::Root;
use gpunode_host::boot_report::{PATH, SCHEMA};
use gpunode_host::root::ReadError;
use serde_json::{Value, json};

use crate::keeper::Status;
use crate::text;

/// What the agent's report of this boot comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bootstrapped {
    /// `Unknown` where there is no report of this boot, or none that can be understood.
    pub status: Status,
    /// The first error's code, or one word.
    pub reason: String,
    /// A sentence for each error.
    pub message: String,
    /// The instance type that the agent found.
    pub instance_type: Option<String>,
}

impl Bootstrapped {
    /// Reads the report.
    pub fn read(root: &Root) -> Result<Self, ReadError> {
        Ok(root.read_text(PATH)?.map_or_else(
            || Self::unknown("NoReport", "the agent has not reported since this node booted"),
            |text| Self::parse(&text),
        ))
    }

    /// A report that cannot be read.
    pub fn unreadable(error: &ReadError) -> Self {
        Self::unknown("ReportNotRead", &format!("{error}: {}", error.source))
    }

    fn parse(text: &str) -> Self {
        let report: Value = serde_json::from_str(text).unwrap_or_default();
        if report["schema"] != SCHEMA {
            return Self::unknown("ReportNotUnderstood", &format!("the report is not of the form {SCHEMA}"));
        }
        let instance_type = report["instanceType"].as_str().map(str::to_owned);
        let found = match report["verdict"].as_str() {
            Some("ok") => Self::new(Status::True, "NodeIsBootstrapped", "every step did its work"),
            Some("degraded") => {
                let (code, message) = worst(&report);
                Self::new(Status::False, &code, &message)
            }
            _ => Self::unknown("ReportNotUnderstood", "the report has a verdict that is not known"),
        };
        Self { instance_type, ..found }
    }

    fn unknown(reason: &str, message: &str) -> Self {
        Self::new(Status::Unknown, reason, message)
    }

    fn new(status: Status, reason: &str, message: &str) -> Self {
        let message = text::cut(message, text::MESSAGE).to_owned();
        Self { status, reason: reason.to_owned(), message, instance_type: None }
    }

    /// Whether the agent has reported of this boot.
    pub(crate) fn has_ended(&self) -> bool {
        self.status != Status::Unknown
    }

    /// The condition without its times, as `gpunode-daemonset condition` prints it.
    pub fn json(&self) -> Value {
        json!({
            "type": "NodeBootstrapped", "status": self.status.word(), "reason": self.reason, "message": self.message,
        })
    }
}

/// The first error's code, and a sentence for each error.
fn worst(report: &Value) -> (String, String) {
    let steps = report["steps"].as_array().into_iter().flatten();
    let findings = steps.flat_map(|step| step["findings"].as_array().into_iter().flatten());
    let errors: Vec<_> = findings.filter(|finding| finding["severity"] == "error").collect();
    let word = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let code = errors.first().map(|finding| word(finding, "code")).filter(|code| is_reason(code));
    let said: Vec<_> =
        errors.iter().map(|f| format!("{}: {}", word(f, "subject"), word(f, "message"))).collect();
    (code.unwrap_or_else(|| "StepFailed".to_owned()), text::join(&said))
}

/// What the API takes as a reason: a word of letters and digits.
fn is_reason(code: &str) -> bool {
    let letters = code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    letters && code.len() <= 128 && code.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// Entry for fuzzers: `text` as the report.
///
/// # Panics
/// What comes of it would not be taken by the API; no text may bring it about.
pub fn fuzz(text: &str) {
    let seen = Bootstrapped::parse(text);
    assert!(is_reason(&seen.reason), "{:?}", seen.reason);
    assert!(seen.message.len() <= text::MESSAGE, "{} bytes", seen.message.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(report: Option<&str>) -> Bootstrapped {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(dir.path());
        if let Some(text) = report {
            std::fs::create_dir_all(root.at(PATH).parent().unwrap()).unwrap();
            std::fs::write(root.at(PATH), text).unwrap();
        }
        Bootstrapped::read(&root).unwrap()
    }

    #[test]
    fn nothing_is_claimed_that_was_not_reported() {
        for report in [None, Some("{"), Some(r#"{"schema":"gpunode.io/boot-report/v9","verdict":"ok"}"#)] {
            assert_eq!(of(report).status, Status::Unknown);
        }
    }

    #[test]
    fn an_error_gives_its_code_and_sentence() {
        let finding =
            json!({"code": "EfaMissing", "severity": "error", "subject": "efa", "message": "31 of 32"});
        let report = json!({
            "schema": SCHEMA, "verdict": "degraded", "instanceType": "p5.48xlarge",
            "steps": [{"findings": [finding]}],
        });
        let found = of(Some(&report.to_string()));
        assert_eq!((found.status, found.reason.as_str()), (Status::False, "EfaMissing"));
        assert_eq!(found.message, "efa: 31 of 32");
        assert_eq!(found.instance_type.as_deref(), Some("p5.48xlarge"));
    }

    #[test]
    fn a_step_that_failed_without_a_finding_is_told_in_a_word() {
        let report = json!({"schema": SCHEMA, "verdict": "degraded", "steps": []});
        assert_eq!(of(Some(&report.to_string())).reason, "StepFailed");
    }
}
