//! From the boot report to the node condition `NodeBootstrapped`.

use gpunode_host::Root;
use gpunode_host::boot_report::{PATH, SCHEMA};
use gpunode_host::root::ReadError;
use serde_json::{Value, json};

/// Kubernetes bounds nothing here; kubectl shows a message on one line, and 1 KiB is what a person reads of it.
const MAX_MESSAGE: usize = 1024;

/// The condition; `Unknown` where there is no report of this boot, or none that can be understood.
pub(crate) fn bootstrapped(root: &Root) -> Result<Value, ReadError> {
    let Some(text) = root.read_text(PATH)? else {
        return Ok(condition("Unknown", "NoReport", "the agent has not reported since this node booted"));
    };
    let report: Value = serde_json::from_str(&text).unwrap_or_default();
    if report["schema"] != SCHEMA {
        return Ok(condition(
            "Unknown",
            "ReportNotUnderstood",
            &format!("the report is not of the form {SCHEMA}"),
        ));
    }
    Ok(match report["verdict"].as_str() {
        Some("ok") => condition("True", "NodeIsBootstrapped", "every step did its work"),
        Some("degraded") => {
            let (code, message) = worst(&report);
            condition("False", &code, &message)
        }
        _ => condition("Unknown", "ReportNotUnderstood", "the report has a verdict that is not known"),
    })
}

/// The first error's code, and a sentence for each error.
fn worst(report: &Value) -> (String, String) {
    let steps = report["steps"].as_array().into_iter().flatten();
    let findings = steps.flat_map(|step| step["findings"].as_array().into_iter().flatten());
    let errors: Vec<_> = findings.filter(|finding| finding["severity"] == "error").collect();
    let word = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let code = errors.first().map_or_else(|| "StepFailed".to_owned(), |finding| word(finding, "code"));
    let said: Vec<_> =
        errors.iter().map(|f| format!("{}: {}", word(f, "subject"), word(f, "message"))).collect();
    (code, said.join("; "))
}

fn condition(status: &str, reason: &str, message: &str) -> Value {
    let mut end = message.len().min(MAX_MESSAGE);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    json!({"type": "NodeBootstrapped", "status": status, "reason": reason, "message": message[..end]})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(report: Option<&str>) -> Value {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(dir.path());
        if let Some(text) = report {
            std::fs::create_dir_all(root.at(PATH).parent().unwrap()).unwrap();
            std::fs::write(root.at(PATH), text).unwrap();
        }
        bootstrapped(&root).unwrap()
    }

    #[test]
    fn nothing_is_claimed_that_was_not_reported() {
        assert_eq!(of(None)["status"], "Unknown");
        assert_eq!(of(Some("{"))["status"], "Unknown");
        assert_eq!(of(Some(r#"{"schema":"gpunode.io/boot-report/v9","verdict":"ok"}"#))["status"], "Unknown");
    }

    #[test]
    fn an_error_gives_its_code_and_sentence() {
        let finding =
            json!({"code": "EfaMissing", "severity": "error", "subject": "efa", "message": "31 of 32"});
        let report = json!({"schema": SCHEMA, "verdict": "degraded", "steps": [{"findings": [finding]}]});
        let condition = of(Some(&report.to_string()));
        assert_eq!((&condition["status"], &condition["reason"]), (&json!("False"), &json!("EfaMissing")));
        assert_eq!(condition["message"], "efa: 31 of 32");
    }
}
