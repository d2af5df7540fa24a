//! The boot report, as a reader that was never compiled with the agent sees it.
#![expect(clippy::panic, reason = "a test without its finding has failed")]

use serde_json::Value;

/// A boot report.
#[derive(Clone, Debug, PartialEq)]
pub struct Report(pub Value);

impl Report {
    /// `ok`, `planned` or `degraded`.
    pub fn verdict(&self) -> &str {
        self.0["verdict"].as_str().unwrap_or_default()
    }

    /// Name and outcome of each step, in order.
    pub fn outcomes(&self) -> Vec<(&str, &str)> {
        let steps = self.0["steps"].as_array().into_iter().flatten();
        steps
            .map(|step| {
                let word = |key: &str| step[key].as_str().unwrap_or_default();
                (word("step"), word("outcome"))
            })
            .collect()
    }

    /// The outcome of one step; `absent` where the report does not name it.
    pub fn outcome(&self, step: &str) -> &str {
        let found = self.outcomes().into_iter().find(|(name, _)| *name == step);
        found.map_or("absent", |(_, outcome)| outcome)
    }

    /// All findings: step, code and message of each.
    pub fn findings(&self) -> Vec<Finding<'_>> {
        let steps = self.0["steps"].as_array().into_iter().flatten();
        steps
            .flat_map(|step| {
                let findings = step["findings"].as_array().into_iter().flatten();
                findings.map(move |finding| {
                    let word = |key: &str| finding[key].as_str().unwrap_or_default();
                    Finding {
                        step: step["step"].as_str().unwrap_or_default(),
                        code: word("code"),
                        severity: word("severity"),
                        subject: word("subject"),
                        message: word("message"),
                    }
                })
            })
            .collect()
    }

    /// The first finding with this code.
    ///
    /// # Panics
    /// When there is none.
    pub fn finding(&self, code: &str) -> Finding<'_> {
        let found = self.findings().into_iter().find(|finding| finding.code == code);
        found.unwrap_or_else(|| panic!("no finding {code} in {:#}", self.0))
    }

    /// Whether there is a finding with this code.
    pub fn has(&self, code: &str) -> bool {
        self.findings().iter().any(|finding| finding.code == code)
    }
}

/// One finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in the report")]
pub struct Finding<'a> {
    pub step: &'a str,
    pub code: &'a str,
    pub severity: &'a str,
    pub subject: &'a str,
    pub message: &'a str,
}
